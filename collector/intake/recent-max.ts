const WINDOW_MS = 10_000;

/** The largest figure of the last ten to twenty seconds. Any number of readers may ask without taking it from each other. */
export class RecentMax {
  #sinceMs = 0;
  #current = 0;
  #before = 0;

  add(value: number, nowMs: number): void {
    this.#turn(nowMs);
    if (value > this.#current) this.#current = value;
  }

  /** 0 where nothing was added lately. `nowMs` is of a monotonic clock. */
  at(nowMs: number): number {
    this.#turn(nowMs);
    return Math.max(this.#before, this.#current);
  }

  #turn(nowMs: number): void {
    const elapsedMs = nowMs - this.#sinceMs;
    if (elapsedMs < WINDOW_MS) return;
    this.#before = elapsedMs < 2 * WINDOW_MS ? this.#current : 0;
    this.#current = 0;
    this.#sinceMs = nowMs;
  }
}
