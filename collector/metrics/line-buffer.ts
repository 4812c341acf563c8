import type { BatchLimit, LineBatch, LineQueue, QueueStatus } from './line-queue.ts';

/** A line and the instant it speaks of. */
interface Held {
  readonly line: string;
  readonly atMs: number;
}

/** Rows given up at the front of the array before it is made anew: doing that for every batch would be quadratic. */
const MAX_GIVEN_UP = 10_000;

/** Lines in memory, oldest first. Bounded by their number: the oldest give way. */
export class LineBuffer implements LineQueue {
  readonly #capacity: number;
  #held: Held[] = [];
  #first = 0;
  /** Of the line at `#first`, counted from the first line ever. */
  #sequence = 0;
  #bytes = 0;
  #dropped = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get status(): QueueStatus {
    const oldestAtMs = this.#held[this.#first]?.atMs;
    return { lines: this.#length, bytes: this.#bytes, dropped: this.#dropped, oldestAtMs, isDurable: false };
  }

  add(lines: readonly string[], atMs: number): void {
    for (const line of lines) {
      this.#held.push({ line, atMs });
      this.#bytes += line.length;
    }
    const excess = this.#length - this.#capacity;
    if (excess <= 0) return;
    this.#dropped += excess;
    this.#remove(excess);
  }

  next({ lines: most, bytes }: BatchLimit): Promise<LineBatch | undefined> {
    const lines: string[] = [];
    let size = 0;
    for (let i = this.#first; i < this.#held.length && lines.length < most; i += 1) {
      const line = this.#held[i]?.line ?? '';
      size += line.length + 1;
      if (size > bytes && lines.length > 0) break;
      lines.push(line);
    }
    return Promise.resolve(lines.length === 0 ? undefined : { lines, place: this.#sequence + lines.length });
  }

  /** Overflow may have dropped some of the batch while it was under way: it ends at a number, not after a count. */
  settle({ place }: LineBatch): void {
    this.#remove(Math.max(0, Number(place) - this.#sequence));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  get #length(): number {
    return this.#held.length - this.#first;
  }

  #remove(count: number): void {
    for (let i = this.#first; i < this.#first + count; i += 1) this.#bytes -= this.#held[i]?.line.length ?? 0;
    this.#first += count;
    this.#sequence += count;
    if (this.#first <= MAX_GIVEN_UP && this.#first < this.#held.length) return;
    this.#held = this.#held.slice(this.#first);
    this.#first = 0;
  }
}
