/** A line and the instant it speaks of. */
interface Held {
  readonly line: string;
  readonly atMs: number;
}

/** Lines that wait for InfluxDB, oldest first. Bounded: the oldest give way, and are counted. */
export class LineBuffer {
  readonly #capacity: number;
  #held: Held[] = [];
  #first = 0;
  /** Lines lost since start. */
  dropped = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get length(): number {
    return this.#held.length - this.#first;
  }

  /** Instant of the oldest line; undefined when there is none. */
  get oldestAtMs(): number | undefined {
    return this.#held[this.#first]?.atMs;
  }

  add(lines: readonly string[], atMs: number): void {
    for (const line of lines) this.#held.push({ line, atMs });
    const excess = this.length - this.#capacity;
    if (excess > 0) {
      this.dropped += excess;
      this.remove(excess);
    }
  }

  /** The oldest lines, which stay until they are removed. */
  peek(most: number): string[] {
    return this.#held.slice(this.#first, this.#first + most).map(({ line }) => line);
  }

  remove(count: number): void {
    this.#first += Math.min(count, this.length);
    // Moving the rest for every batch would be quadratic while a long outage is made up for.
    if (this.#first > 10_000 || this.#first === this.#held.length) {
      this.#held = this.#held.slice(this.#first);
      this.#first = 0;
    }
  }
}
