import { ProtocolError } from '../errors.ts';
import { SESSION_TAKEN_OVER } from './reason-codes.ts';

/** So many losses without a reason, within so long, look like two clients that push each other out. */
const FLAPPING_LOSSES = 3;
const FLAPPING_WITHIN_MS = 300_000;

/** How the connections of one source ended. MQTT 5 brokers may say that a client id was taken over; others just close. */
export class Losses {
  /** Takeovers that the broker spoke of, since the start. */
  takeovers = 0;
  #unexplainedAtMs: number[] = [];

  /** Counts a loss; true when connections end without a reason again and again. `atMs` by a clock that never steps. */
  isFlapping(error: ProtocolError, atMs: number): boolean {
    if (error.code !== 'connection-lost' || error.cause !== undefined) return false;
    this.#unexplainedAtMs = [...this.#unexplainedAtMs, atMs].slice(-FLAPPING_LOSSES);
    const first = this.#unexplainedAtMs[0] ?? atMs;
    return this.#unexplainedAtMs.length === FLAPPING_LOSSES && atMs - first <= FLAPPING_WITHIN_MS;
  }
}

/** True when the broker said that another client took our client id (MQTT 5.0, 3.14.2.1). */
export function isTakeover(error: unknown): boolean {
  return error instanceof ProtocolError && (error.cause as { code?: unknown } | undefined)?.code === SESSION_TAKEN_OVER;
}
