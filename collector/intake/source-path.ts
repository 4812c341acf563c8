import { keepDecisive, type UpInterval } from '../census/presence.ts';
import type { PathInterval } from '../store/contract.ts';

/**
 * When our own way to one source was up (R5, R14). The open interval's end moves with every flush, so a crash leaves
 * it ending at the last instant we are known to have been alive.
 */
export class SourcePath {
  readonly #sourceId: string;
  #upSinceMs: number | undefined;
  #decisive: readonly UpInterval[] = [];
  #closed: PathInterval[] = [];

  constructor(sourceId: string) {
    this.#sourceId = sourceId;
  }

  /** Start of the open interval; undefined while the path is down. */
  get upSinceMs(): number | undefined {
    return this.#upSinceMs;
  }

  /** Closed intervals that can still decide between silence and ignorance. */
  get decisive(): readonly UpInterval[] {
    return this.#decisive;
  }

  /** Takes over a stored interval, oldest first, before the source starts. */
  restore(interval: UpInterval): void {
    this.#decisive = keepDecisive(this.#decisive, interval);
  }

  up(atMs: number): void {
    this.#upSinceMs ??= atMs;
  }

  down(atMs: number): void {
    if (this.#upSinceMs === undefined) return;
    const interval = { fromMs: this.#upSinceMs, toMs: Math.max(this.#upSinceMs, atMs) };
    this.#decisive = keepDecisive(this.#decisive, interval);
    this.#closed.push({ sourceId: this.#sourceId, ...interval });
    this.#upSinceMs = undefined;
  }

  /** We did not look between the two instants (R14), though the connection itself may have lasted. */
  interrupt(fromMs: number, toMs: number): void {
    if (this.#upSinceMs === undefined) return;
    this.down(fromMs);
    this.up(toMs);
  }

  /** Intervals to store: those closed since the last call, and the open one up to now. */
  take(aliveAtMs: number): PathInterval[] {
    const intervals = this.#closed;
    this.#closed = [];
    if (this.#upSinceMs !== undefined) {
      const toMs = Math.max(this.#upSinceMs, aliveAtMs);
      return [...intervals, { sourceId: this.#sourceId, fromMs: this.#upSinceMs, toMs }];
    }
    return intervals;
  }

  /** After a failed flush. */
  putBack(intervals: readonly PathInterval[]): void {
    this.#closed = [...intervals.filter(({ fromMs }) => fromMs !== this.#upSinceMs), ...this.#closed];
  }
}
