import type { BatchLimit, LineBatch, LineQueue, QueueStatus } from './line-queue.ts';
import { DroppedLines, type LineGap } from './spool/dropped-lines.ts';

/** A line and the instant it speaks of. */
interface Held {
  readonly line: string;
  readonly atMs: number;
}

/** Rows given up at the front of the array before it is made anew: doing that for every batch would be quadratic. */
const MAX_GIVEN_UP = 10_000;

/** Lines in memory, oldest first. Bounded by their length: the oldest give way, counted, and declared as a gap. */
export class LineBuffer implements LineQueue {
  readonly #maxBytes: number;
  readonly #gapLine: (gap: LineGap) => string;
  readonly #dropped = new DroppedLines();
  #held: Held[] = [];
  #first = 0;
  /** Of the line at `#first`, counted from the first line ever. */
  #sequence = 0;
  #bytes = 0;
  /** Lines given out, counted like `#sequence`. */
  #given = 0;

  constructor(maxBytes: number, gapLine: (gap: LineGap) => string) {
    this.#maxBytes = maxBytes;
    this.#gapLine = gapLine;
  }

  get status(): QueueStatus {
    const [lines, oldestAtMs] = [this.#held.length - this.#first, this.#held[this.#first]?.atMs];
    return { lines, bytes: this.#bytes, dropped: this.#dropped.total, oldestAtMs, isDurable: false };
  }

  add(lines: readonly string[], atMs: number): void {
    for (const line of [...this.#dropped.take().map(this.#gapLine), ...lines]) {
      this.#held.push({ line, atMs });
      this.#bytes += line.length;
    }
    let [excess, count] = [this.#bytes - this.#maxBytes, 0];
    for (; excess > 0; count += 1) excess -= this.#held[this.#first + count]?.line.length ?? excess;
    if (count === 0) return;
    const [fromMs, toMs] = [this.#held[this.#first]?.atMs ?? atMs, this.#held[this.#first + count - 1]?.atMs ?? atMs];
    this.#dropped.note({ reason: 'cap', lines: count, fromMs, toMs });
    this.#remove(count);
  }

  kept(): Promise<void> {
    return Promise.resolve();
  }

  next({ lines: most, bytes }: BatchLimit): Promise<LineBatch | undefined> {
    const lines: string[] = [];
    let size = 0;
    this.#given = Math.max(this.#given, this.#sequence);
    for (let i = this.#first + this.#given - this.#sequence; i < this.#held.length && lines.length < most; i += 1) {
      const line = this.#held[i]?.line ?? '';
      size += line.length + 1;
      if (size > bytes && lines.length > 0) break;
      lines.push(line);
    }
    this.#given += lines.length;
    const batch = { text: lines.join('\n'), lines: lines.length, place: this.#given };
    return Promise.resolve(lines.length === 0 ? undefined : batch);
  }

  /** Overflow may have dropped some of the batch while it was under way: it ends at a number, not after a count. */
  settle({ place }: LineBatch): void {
    this.#remove(Math.max(0, Number(place) - this.#sequence));
  }

  close(): Promise<void> {
    return Promise.resolve();
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
