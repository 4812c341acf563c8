import type { MqttConfig } from './config.ts';
import { saysOffline, statePayload } from './sparkplug/state.ts';
import { stateTopic } from './sparkplug/topic.ts';

/** What we say of ourselves at the broker: birth, will and goodbye, all retained. */
export interface OwnStatus {
  readonly topic: string;
  readonly qos: 0 | 1;
  readonly birth: string;
  readonly will: string;
  goodbye(atMs: number): string;
  /** True for a message of somebody else, or of our own will, that says we are gone. */
  contradicts(payload: Buffer): boolean;
  /** `often`: said at every look of the watchdog, as a round trip; `once`: only when it has changed. */
  readonly said: 'often' | 'once';
}

/** Our status on one connection, made at `connectedAtMs`; undefined where none is configured. */
export function ownStatusOf({ ownStatus, sparkplug }: MqttConfig, connectedAtMs: number): OwnStatus | undefined {
  if (sparkplug?.hostId !== undefined) {
    return {
      topic: stateTopic(sparkplug.hostId),
      qos: 1,
      birth: statePayload(true, connectedAtMs),
      will: statePayload(false, connectedAtMs),
      goodbye: (atMs) => statePayload(false, atMs),
      contradicts: saysOffline,
      said: 'once',
    };
  }
  if (ownStatus === undefined) return undefined;
  return {
    topic: ownStatus,
    qos: 0,
    birth: 'online',
    will: 'offline',
    goodbye: () => 'offline',
    contradicts: (payload) => payload.toString('utf8') === 'offline',
    said: 'often',
  };
}
