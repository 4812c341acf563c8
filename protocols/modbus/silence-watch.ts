/** Cycles without a byte from the peer after which a connection is not believed any more. */
const SILENT_CYCLES = 2;
/** A connection that is silent again although it was made anew is left longer, up to this. */
const LONGEST_MS = 600_000;

/**
 * Finds half-open connections: the peer is gone, and nobody told us. Silence alone does not say whether the connection
 * or the devices behind it are dead, so the connection is made anew once; where that succeeds and the silence goes on,
 * it was the devices, and the next doubt comes only after twice the time. Any answer ends the doubt.
 */
export class SilenceWatch {
  readonly #cycleMs: number;
  #doubts = 0;

  constructor(cycleMs: number) {
    this.#cycleMs = cycleMs;
  }

  /** A device answered. */
  heard(): void {
    this.#doubts = 0;
  }

  /** A request was not answered; `silentMs` since the connection was last heard. True when it is to be given up. */
  isDoubtful(silentMs: number): boolean {
    const patienceMs = Math.min(SILENT_CYCLES * this.#cycleMs * 2 ** this.#doubts, LONGEST_MS);
    if (silentMs < patienceMs) return false;
    this.#doubts = Math.min(this.#doubts + 1, 32);
    return true;
  }
}
