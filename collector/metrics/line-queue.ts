/** Lines that wait for InfluxDB. Kept in memory (`LineBuffer`) or on disk (`Spool`). */
export interface LineQueue {
  /** Takes lines of the instant `atMs`. Never throws and never waits: what finds no room is dropped, and counted. */
  add(lines: readonly string[], atMs: number): void;
  /** Resolves when everything added so far is kept, or dropped and counted. */
  kept(): Promise<void>;
  /**
   * Lines to write next, at most so many; undefined when none wait. Each line is given out once; what was not settled
   * when the process ended is given out again by a queue that is durable. One call at a time.
   */
  next(most: BatchLimit): Promise<LineBatch | undefined>;
  /** The lines of the batch are stored by the server, or set aside. Batches are settled in the order they were given out. */
  settle(batch: LineBatch): void;
  readonly status: QueueStatus;
  /** Ends the use of files. What waits on disk is there at the next start; what waits in memory is lost. */
  close(): Promise<void>;
}

export interface BatchLimit {
  readonly lines: number;
  readonly bytes: number;
}

/** Some lines that wait, in the order they were added; none at all where there was only damage to pass over. */
export interface LineBatch {
  /** The lines, with a line break between them: most are sent as they are and never looked at one by one. */
  readonly text: string;
  readonly lines: number;
  /** The queue's own note of where they are. */
  readonly place: unknown;
}

export interface QueueStatus {
  readonly lines: number;
  readonly bytes: number;
  /** Lines lost to make room, or because the disk was full, since start. */
  readonly dropped: number;
  /** Instant of the oldest line that waits; undefined when none does. */
  readonly oldestAtMs: number | undefined;
  /** True when lines survive the end of the process. */
  readonly isDurable: boolean;
}
