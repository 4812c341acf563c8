import type { Clock, DeadLetter } from '../contract.ts';
import { type PayloadReason, REASON_WORDS } from './payload-reason.ts';

/** Letters kept; a new one pushes out the one that was not seen for longest. */
const MAX_LETTERS = 100;
/** Of a payload; enough to see what it is. */
const MAX_SAMPLE_BYTES = 1_024;
/** A flood of bad payloads must not cost more than looking at it: further ones are only counted. */
const SAMPLES_PER_SECOND = 10;
const SECOND_MS = 1_000;
/** Of a topic; it may have 65,535 bytes. */
const MAX_FROM_LENGTH = 1_000;

/** Samples of payloads that could not be read, one for each topic and reason. Bounded in memory and work. */
export class DeadLetters {
  readonly #clock: Clock;
  readonly #letters = new Map<string, DeadLetter>();
  #secondStartedAtMs = Number.NEGATIVE_INFINITY;
  #inSecond = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Looks at one bad payload; kept where there is room in this second. */
  add(topic: string, payload: Uint8Array, reason: PayloadReason, receivedAtMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#secondStartedAtMs >= SECOND_MS) {
      this.#secondStartedAtMs = nowMs;
      this.#inSecond = 0;
    }
    if (this.#inSecond >= SAMPLES_PER_SECOND) return;
    this.#inSecond += 1;
    const from = topic.slice(0, MAX_FROM_LENGTH);
    const key = `${reason} ${from}`;
    const before = this.#letters.get(key);
    // Maps keep the order of insertion: the oldest letter is the first.
    this.#letters.delete(key);
    const [oldest] = this.#letters.keys();
    if (this.#letters.size >= MAX_LETTERS && oldest !== undefined) this.#letters.delete(oldest);
    this.#letters.set(key, {
      from,
      reason: REASON_WORDS[reason],
      firstAtMs: before?.firstAtMs ?? receivedAtMs,
      lastAtMs: receivedAtMs,
      samples: (before?.samples ?? 0) + 1,
      bytes: payload.length,
      beginning: Uint8Array.from(payload.subarray(0, MAX_SAMPLE_BYTES)),
    });
  }

  /** Newest first. */
  all(): readonly DeadLetter[] {
    return [...this.#letters.values()].toReversed();
  }
}
