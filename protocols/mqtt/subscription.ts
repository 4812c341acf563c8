import type { MqttClient } from 'mqtt';
import { ProtocolError } from '../errors.ts';
import type { MqttConfig } from './config.ts';
import { subscriptionRefusal } from './reason-codes.ts';

/** Codes below it grant a QoS, it and those above refuse (MQTT 5.0, 3.9.3). */
const FIRST_REFUSAL = 128;

/** What the broker said to one topic filter. */
export type Grant =
  | { readonly filter: string; readonly granted: true; readonly qos: number }
  | { readonly filter: string; readonly granted: false; readonly why: string };

/**
 * Subscribes to each filter in a SUBSCRIBE packet of its own and looks at every code that comes back: in a packet of
 * many filters one refusal would make the library forget them all. Rejects with `ProtocolError`: `timeout` when an
 * answer does not come in `config.connectTimeout`, `connection-lost` when the connection ends.
 */
export async function subscribeAll(
  client: MqttClient,
  filters: readonly string[],
  config: MqttConfig,
  retained: 'send' | 'do not send',
): Promise<readonly Grant[]> {
  return Promise.all(filters.map((filter) => subscribe(client, filter, config, retained)));
}

function subscribe(
  client: MqttClient,
  filter: string,
  config: MqttConfig,
  retained: 'send' | 'do not send',
): Promise<Grant> {
  const doing = `subscribing to ${filter}`;
  return new Promise((resolve, reject) => {
    const deadline = setTimeout(() => {
      reject(new ProtocolError('timeout', `${doing}: the broker did not answer`));
    }, config.connectTimeout);
    // MQTT 5.0, 3.8.3.1: 2 means that retained messages are not sent; 3.1.1 has no such option.
    const options = { qos: config.qos, rh: retained === 'send' ? 0 : 2 } as const;
    client.subscribe(filter, options, (error, _subscriptions, packet) => {
      clearTimeout(deadline);
      const code = grantedCode(packet) ?? grantedCode((error as { packet?: unknown } | null)?.packet);
      if (code === undefined) {
        const why = error?.message.toLowerCase() ?? 'the answer has no code';
        reject(new ProtocolError(error === null ? 'violation' : 'connection-lost', `${doing}: ${why}`));
      } else if (code >= FIRST_REFUSAL) resolve({ filter, granted: false, why: subscriptionRefusal(code) });
      else resolve({ filter, granted: true, qos: code });
    });
  });
}

/** The one code of a SUBACK for one filter. */
function grantedCode(packet: unknown): number | undefined {
  const granted: unknown = (packet as { granted?: unknown } | null | undefined)?.granted;
  const code: unknown = Array.isArray(granted) ? granted[0] : undefined;
  return typeof code === 'number' ? code : undefined;
}
