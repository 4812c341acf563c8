import type { Clock, ProbeAnswer } from '../contract.ts';
import { ProtocolError } from '../errors.ts';
import { pointerOf } from './json-pointer.ts';
import type { Device } from './routes.ts';

/** Roll calls that may wait at one time. */
const MAX_WAITING = 10_000;
/** Raw bytes and values kept of an answer. */
const MAX_RAW_BYTES = 65_536;
const MAX_VALUES = 200;
const MAX_VALUE_LENGTH = 200;

interface Wait {
  readonly requestedAtMs: number;
  readonly startedAtMs: number;
  readonly answer: (answer: ProbeAnswer) => void;
}

/**
 * Roll calls over MQTT: nobody can ask a device there, so its next fresh message after the request is the answer.
 */
export class Probes {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Set<Wait>>();
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True while somebody waits; asked for every message. */
  get waiting(): boolean {
    return this.#count > 0;
  }

  /** Resolves with the next fresh message of the device, after `request` was sent where there is one; rejects with `timeout` when `signal` aborts before. */
  next(address: string, signal: AbortSignal, request: Uint8Array = new Uint8Array()): Promise<ProbeAnswer> {
    const doing = `waiting for a message of ${address}`;
    if (this.#count >= MAX_WAITING) {
      return Promise.reject(
        new ProtocolError('unsupported', `${doing}: ${MAX_WAITING} roll calls are waiting already`),
      );
    }
    return new Promise((resolve, reject) => {
      const done = (): void => {
        signal.removeEventListener('abort', onAbort);
        this.#remove(address, wait);
      };
      const onAbort = (): void => {
        done();
        reject(new ProtocolError('timeout', `${doing}: none came`));
      };
      const wait: Wait = {
        requestedAtMs: this.#clock.nowMs(),
        startedAtMs: this.#clock.monotonicMs(),
        answer: (answer) => {
          done();
          resolve({ ...answer, request });
        },
      };
      this.#add(address, wait);
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
    });
  }

  /** Hands a fresh, good message of a device to those who wait for it. `record` is its decoded part, if it has one. */
  offer(device: Device, payload: Buffer, record: unknown, receivedAtMs: number): void {
    const waits = this.#waiting.get(device.address);
    if (waits === undefined) return;
    const response = Uint8Array.from(payload.subarray(0, MAX_RAW_BYTES));
    const values = valuesOf(record, payload);
    for (const { requestedAtMs, startedAtMs, answer } of waits) {
      const roundTripUs = Math.round((this.#clock.monotonicMs() - startedAtMs) * 1_000);
      answer({
        request: new Uint8Array(),
        response,
        requestedAtMs,
        receivedAtMs,
        roundTripUs,
        values,
        ...(device.claims === undefined ? {} : { claims: device.claims }),
      });
    }
  }

  #add(address: string, wait: Wait): void {
    const waits = this.#waiting.get(address) ?? new Set();
    waits.add(wait);
    this.#waiting.set(address, waits);
    this.#count += 1;
  }

  #remove(address: string, wait: Wait): void {
    const waits = this.#waiting.get(address);
    if (waits?.delete(wait) !== true) return;
    this.#count -= 1;
    if (waits.size === 0) this.#waiting.delete(address);
  }
}

/** The scalars of a record by their pointers, as text; the payload itself where there is no record. */
export function valuesOf(record: unknown, payload: Buffer): Record<string, string> {
  if (record === undefined) return { payload: payload.subarray(0, MAX_VALUE_LENGTH).toString('base64') };
  const values: Record<string, string> = {};
  let room = MAX_VALUES;
  const walk = (value: unknown, tokens: readonly string[]): void => {
    if (room <= 0 || tokens.length > 16) return;
    if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) {
      const members = value instanceof Map ? value.entries() : Object.entries(value);
      for (const [key, part] of members) walk(part, [...tokens, String(key)]);
      return;
    }
    room -= 1;
    const text = value instanceof Uint8Array ? Buffer.from(value).toString('base64') : String(value);
    values[pointerOf(tokens)] = text.slice(0, MAX_VALUE_LENGTH);
  };
  walk(record, []);
  return values;
}
