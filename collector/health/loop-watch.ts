import type { Clock } from '../../protocols/contract.ts';

/** What a loop says of itself. */
export interface Loop {
  /** It turned, and will again within its limit, or within `ms` where it knows better. */
  turned(ms?: number): void;
  /** It waits for work and may do so for ever. */
  resting(): void;
  /** It ended in order. */
  ended(): void;
}

/** A loop and how late it is; 0 while it turns. */
export interface LoopState {
  readonly loop: string;
  readonly overdueMs: number;
}

/**
 * Knows of every loop whether it still turns. A promise that never settles is the one failure that nobody reports:
 * the loop that waits for it says nothing any more, and that is what is seen here.
 */
export class LoopWatch {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  /** Until when each loop must have turned again, on the monotonic clock. */
  readonly #dueAtMs = new Map<string, number>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** A loop that turns at least every `limitMs`, beginning now. A second one of the same name takes its place. */
  loop(name: string, limitMs: number): Loop {
    const turned = (ms = limitMs): void => void this.#dueAtMs.set(name, this.#clock.monotonicMs() + ms);
    turned();
    return {
      turned,
      resting: () => turned(Infinity),
      ended: () => void this.#dueAtMs.delete(name),
    };
  }

  /** False while the loop of this name is late. */
  isTurning(name: string): boolean {
    return (this.#dueAtMs.get(name) ?? Infinity) >= this.#clock.monotonicMs();
  }

  /** All loops, in the order in which they began. */
  get states(): readonly LoopState[] {
    const nowMs = this.#clock.monotonicMs();
    return [...this.#dueAtMs].map(([loop, dueAtMs]) => ({ loop, overdueMs: Math.max(0, nowMs - dueAtMs) }));
  }
}
