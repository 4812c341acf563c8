import type { SourceEvent } from '../contract.ts';
import type { DeadLetters } from './dead-letters.ts';
import { type PayloadReason, REASON_WORDS } from './payload-reason.ts';

/** A notice that goes on is said again after this long, with its latest words. */
const REPEAT_MS = 60_000;

/** A device's clock may be this far from ours before a person is told. */
const SKEW_TOLERATED_MS = 300_000;

interface Words {
  readonly level: 'warning' | 'error';
  readonly message: string;
  readonly hint: string;
}

/** Things a person should know of, said when they begin and then at most once a minute, however often they happen. */
export class Notices {
  readonly #emit: (event: SourceEvent) => void;
  readonly #deadLetters: DeadLetters;
  readonly #saidAtMs = new Map<string, number>();
  readonly #counts = new Map<string, number>();

  constructor(emit: (event: SourceEvent) => void, deadLetters: DeadLetters) {
    this.#emit = emit;
    this.#deadLetters = deadLetters;
  }

  say(code: string, atMs: number, words: Words): void {
    this.#saidAtMs.set(code, atMs);
    this.#emit({ kind: 'notice', code, ...words });
  }

  /** Takes a notice back; harmless when it was never said. */
  clear(code: string): void {
    this.#saidAtMs.delete(code);
    this.#emit({ kind: 'notice', code, level: 'cleared', message: '' });
  }

  /** A payload that could not be read: a sample goes to the dead letters. */
  badPayload(topic: string, payload: Uint8Array, reason: PayloadReason, atMs: number): void {
    this.#deadLetters.add(topic, payload, reason, atMs);
    const times = this.#happened('bad-payload', atMs);
    if (times === undefined) return;
    this.say('bad-payload', atMs, {
      level: 'warning',
      message: `${printable(topic)}: ${REASON_WORDS[reason]} (${payload.length} bytes; ${times} such messages on this connection)`,
      hint: 'compare a message with the payload, values and limits of the template; what is bad proves presence, not data',
    });
  }

  /** Tells when a device's clock is far from ours; NaN for a message without a time. */
  clockSkew(address: string, aheadMs: number, atMs: number): void {
    if (!(Math.abs(aheadMs) > SKEW_TOLERATED_MS)) return;
    if (this.#happened('clock-skew', atMs) === undefined) return;
    const by = `${Math.round(Math.abs(aheadMs) / 60_000)} min ${aheadMs > 0 ? 'ahead of' : 'behind'} ours`;
    this.say('clock-skew', atMs, {
      level: 'warning',
      message: `the time in messages of ${printable(address)} is ${by}`,
      hint: 'set the clock of the device, or timeUnit of its template; evidence is dated by our own clock',
    });
  }

  tooManyAddresses(topic: string, atMs: number): void {
    if (this.#happened('too-many-addresses', atMs) === undefined) return;
    this.say('too-many-addresses', atMs, {
      level: 'error',
      message: `the source has all the addresses it may have; ${printable(topic)} and others are not counted`,
      hint: 'look for invented topics, narrow the templates or add to ignore; then raise limits.addressesPerSource',
    });
  }

  malformedTopic(topic: string, atMs: number): void {
    if (this.#happened('malformed-topic', atMs) === undefined) return;
    this.say('malformed-topic', atMs, {
      level: 'warning',
      message: `the topic ${printable(topic)} is not UTF-8: whose it is cannot be told`,
      hint: 'mend the publisher: topics are UTF-8 (MQTT 5.0, 1.5.4)',
    });
  }

  sequenceGap(edgeNode: string, atMs: number): void {
    const times = this.#happened('sequence-gap', atMs);
    if (times === undefined) return;
    this.say('sequence-gap', atMs, {
      level: 'warning',
      message: `messages of the edge node ${printable(edgeNode)} are missing (${times} such gaps on this connection)`,
      hint: 'look for an overloaded broker or edge node; sequence numbers run without holes when nothing is lost',
    });
  }

  birthMissed(edgeNode: string, rebirth: 'never' | 'allowed', atMs: number): void {
    if (this.#happened('birth-missed', atMs) === undefined) return;
    const hint =
      rebirth === 'allowed'
        ? 'it has been asked for its birth, and will be again'
        : 'set sparkplug.rebirth: allowed, or restart the edge node; until then values by alias stay uncertain';
    const message = `the births of the edge node ${printable(edgeNode)} and others were not seen on this connection`;
    this.say('birth-missed', atMs, { level: 'warning', message, hint });
  }

  /** Counts one occurrence. Returns how many there were when it is time to say so; undefined, and cheap, otherwise. */
  #happened(code: string, atMs: number): number | undefined {
    const times = (this.#counts.get(code) ?? 0) + 1;
    this.#counts.set(code, times);
    const saidAtMs = this.#saidAtMs.get(code);
    return saidAtMs === undefined || atMs - saidAtMs >= REPEAT_MS || atMs < saidAtMs ? times : undefined;
  }
}

/** Without control characters, cut short. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '\uFFFD').slice(0, 200);
}
