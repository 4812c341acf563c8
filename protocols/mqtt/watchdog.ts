import type { Clock } from '../contract.ts';

/** Looks this many times within one silence, so that it is noticed at most a quarter late. */
const LOOKS_PER_SILENCE = 4;
/** Silence that new subscriptions did not end is asked about ever less often, down to this. */
const MAX_PATIENCE_MS = 1_800_000;
/** What comes this soon after new subscriptions was being withheld before. */
const PROMPT_MS = 5_000;

export interface WatchdogParts {
  readonly silenceMs: number;
  readonly clock: Clock;
  /** How many fresh messages have come on this connection so far. */
  readonly heard: () => number;
  /** Called at every look while the link lasts: time for a sign of our own. */
  readonly onLook: () => void;
  /** Nothing was heard for `silenceMs`; must not throw. */
  readonly onSilence: (silentSinceMs: number) => void;
  /** Something was heard right after `onSilence` had been called: it had been withheld. */
  readonly onDeafnessEnded: (fromMs: number, toMs: number) => void;
  /** Something was heard again, some time after `onSilence`. */
  readonly onHeard: () => void;
}

/**
 * Watches a connected link for deafness: keep-alives are answered, but the broker forwards nothing (a lost
 * subscription, a broken route in a cluster). `stop` ends its timer.
 */
export class Watchdog {
  readonly #parts: WatchdogParts;
  readonly #timer: NodeJS.Timeout;
  #heard = 0;
  #heardAtMs: number;
  #silentSinceMs: number;
  #patienceMs: number;
  #askedAtMs: number | undefined;

  constructor(parts: WatchdogParts) {
    this.#parts = parts;
    this.#heardAtMs = parts.clock.monotonicMs();
    this.#silentSinceMs = parts.clock.nowMs();
    this.#patienceMs = parts.silenceMs;
    this.#timer = setInterval(() => this.#look(), Math.min(parts.silenceMs / LOOKS_PER_SILENCE, PROMPT_MS));
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const { clock, heard, onLook, onSilence, onDeafnessEnded, onHeard, silenceMs } = this.#parts;
    const nowMs = clock.monotonicMs();
    const count = heard();
    if (count !== this.#heard) {
      if (this.#askedAtMs !== undefined) {
        const prompt = nowMs - this.#askedAtMs <= 2 * PROMPT_MS;
        if (prompt) onDeafnessEnded(this.#silentSinceMs, clock.nowMs());
        onHeard();
      }
      this.#heard = count;
      this.#heardAtMs = nowMs;
      this.#silentSinceMs = clock.nowMs();
      this.#askedAtMs = undefined;
      this.#patienceMs = silenceMs;
    } else if (nowMs - Math.max(this.#heardAtMs, this.#askedAtMs ?? 0) >= this.#patienceMs) {
      this.#askedAtMs = nowMs;
      this.#patienceMs = Math.min(this.#patienceMs * 2, Math.max(MAX_PATIENCE_MS, silenceMs));
      onSilence(this.#silentSinceMs);
    }
    onLook();
  }
}
