/** The window that shares are told of: as many buckets of so long. */
const BUCKET_MS = 10_000;
const BUCKETS = 30;

/** What one unit, or all, took of a line's time within the window. */
export interface BusShare {
  /** Share of the window that requests held the line, answered or not; 0 to 1 without pipelining. */
  readonly busyShare: number;
  /** Share of the window spent waiting for answers that did not come. */
  readonly silentShare: number;
  readonly requests: number;
  readonly timeouts: number;
}

interface Bucket {
  startedAtMs: number;
  busyMs: number;
  silentMs: number;
  requests: number;
  timeouts: number;
}

/** Where the time of one line goes, by unit, over the last five minutes. Memory is bounded by the 256 unit ids. */
export class BusTime {
  readonly #monotonicMs: () => number;
  readonly #startedAtMs: number;
  readonly #units = new Map<number, Bucket[]>();

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
    this.#startedAtMs = monotonicMs();
  }

  /** A request held the line so long. */
  add(unitId: number, heldMs: number, outcome: 'answered' | 'silent'): void {
    const bucket = this.#bucketOf(unitId);
    bucket.requests += 1;
    bucket.busyMs += heldMs;
    if (outcome === 'answered') return;
    bucket.silentMs += heldMs;
    bucket.timeouts += 1;
  }

  /** Milliseconds that shares are told of: since the start, at most five minutes. */
  get windowMs(): number {
    return Math.min(this.#monotonicMs() - this.#startedAtMs, BUCKET_MS * BUCKETS);
  }

  ofUnit(unitId: number): BusShare {
    return this.#shareOf(this.#units.get(unitId) ?? []);
  }

  ofAll(): BusShare {
    return this.#shareOf([...this.#units.values()].flat());
  }

  #bucketOf(unitId: number): Bucket {
    const nowMs = this.#monotonicMs();
    let buckets = this.#units.get(unitId);
    if (buckets === undefined) {
      buckets = [];
      this.#units.set(unitId, buckets);
    }
    const newest = buckets.at(-1);
    if (newest !== undefined && nowMs - newest.startedAtMs < BUCKET_MS) return newest;
    const bucket = { startedAtMs: nowMs, busyMs: 0, silentMs: 0, requests: 0, timeouts: 0 };
    buckets.push(bucket);
    if (buckets.length > BUCKETS) buckets.shift();
    return bucket;
  }

  #shareOf(buckets: readonly Bucket[]): BusShare {
    const windowMs = this.windowMs;
    const sinceMs = this.#monotonicMs() - windowMs;
    const sum = { busyMs: 0, silentMs: 0, requests: 0, timeouts: 0 };
    for (const bucket of buckets) {
      if (bucket.startedAtMs < sinceMs) continue;
      sum.busyMs += bucket.busyMs;
      sum.silentMs += bucket.silentMs;
      sum.requests += bucket.requests;
      sum.timeouts += bucket.timeouts;
    }
    const shareOf = (ms: number): number => (windowMs > 0 ? Math.min(1, ms / windowMs) : 0);
    return {
      busyShare: shareOf(sum.busyMs),
      silentShare: shareOf(sum.silentMs),
      requests: sum.requests,
      timeouts: sum.timeouts,
    };
  }
}
