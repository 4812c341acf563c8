/** A node that was asked is asked again after this long, and twice as long each further time. */
const FIRST_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 3_600_000;
/** Requests to all nodes of a source together: a plant that comes back must not be asked in chorus. */
const PER_MINUTE = 30;

interface Asked {
  readonly atMs: number;
  readonly pauseMs: number;
}

/** Decides when an edge node may be asked for its birth. Instants by a clock that never steps. */
export class Rebirths {
  readonly #asked = new Map<string, Asked>();
  #minuteStartedAtMs = Number.NEGATIVE_INFINITY;
  #inMinute = 0;

  /** True, and counted, when the node may be asked now. */
  mayAsk(node: string, nowMs: number): boolean {
    const before = this.#asked.get(node);
    if (before !== undefined && nowMs - before.atMs < before.pauseMs) return false;
    if (nowMs - this.#minuteStartedAtMs >= 60_000) {
      this.#minuteStartedAtMs = nowMs;
      this.#inMinute = 0;
    }
    if (this.#inMinute >= PER_MINUTE) return false;
    this.#inMinute += 1;
    const pauseMs = before === undefined ? FIRST_PAUSE_MS : Math.min(before.pauseMs * 2, LONGEST_PAUSE_MS);
    this.#asked.set(node, { atMs: nowMs, pauseMs });
    return true;
  }

  /** The node gave its birth; the next request need not wait long. */
  answered(node: string): void {
    this.#asked.delete(node);
  }
}
