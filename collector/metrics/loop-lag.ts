import { monitorEventLoopDelay } from 'node:perf_hooks';

/** The histogram measures from timer to timer, so that it shows this much when nothing is late. */
const RESOLUTION_MS = 20;
const WINDOW_MS = 10_000;

/** How late the event loop was lately. Any number of readers may ask without taking the figure from each other. */
export class LoopLag {
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #windowSinceMs = performance.now();
  #lastWindowMs = 0;

  constructor() {
    this.#delay.enable();
  }

  /** The most by which it was late in the last ten to twenty seconds, or since it was last asked where that is longer. */
  highestMs(): number {
    const lateMs = Math.max(0, this.#delay.max / 1e6 - RESOLUTION_MS);
    const highestMs = Math.max(this.#lastWindowMs, lateMs);
    if (performance.now() - this.#windowSinceMs >= WINDOW_MS) {
      this.#windowSinceMs = performance.now();
      this.#lastWindowMs = lateMs;
      this.#delay.reset();
    }
    return highestMs;
  }

  stop(): void {
    this.#delay.disable();
  }
}
