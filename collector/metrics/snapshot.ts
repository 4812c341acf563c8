import type { CategoryCount } from '../census/count.ts';

/** What the metrics say about one instant; taken by the composition root, written by whoever is configured. */
export interface MetricsSnapshot {
  readonly atMs: number;
  /** Devices by category × protocol family × enterprise. A device with two protocols stands in two rows. */
  readonly connections: readonly ConnectionRow[];
  readonly totals: Readonly<Record<string, CategoryCount>>;
  readonly protocols: readonly { readonly family: string; readonly devices: number; readonly verified: number }[];
  readonly sources: readonly SourceRow[];
  /** One row a device and family; empty unless wanted. */
  readonly activity: readonly ActivityRow[];
  readonly collector: CollectorRow;
}

export interface ConnectionRow extends CategoryCount {
  readonly category: string;
  readonly protocol: string;
  readonly enterprise: string;
  /** Live on the local day of the instant. */
  readonly liveToday: number;
}

export interface SourceRow {
  readonly source: string;
  readonly protocol: string;
  readonly isUp: boolean;
  readonly observations: number;
  readonly bad: number;
  readonly reconnects: number;
  /** Connections that ended with an error, and failed attempts. */
  readonly errors: number;
  readonly dropped: number;
  /** Since the last observation; undefined before the first. */
  readonly lastCycleAgeMs: number | undefined;
}

export interface ActivityRow {
  readonly device: string;
  readonly category: string;
  readonly protocol: string;
  /** Good observations of the local day so far. */
  readonly observations: number;
  readonly bad: number;
  /** Upper end of the median bucket of today's round trips; undefined for publish protocols. */
  readonly rttMs: number | undefined;
}

export interface CollectorRow {
  /** Undefined where nothing is written to InfluxDB. */
  readonly influx: InfluxRow | undefined;
  /** Rows that wait for the next flush. */
  readonly tallyDirty: number;
  /** How late the event loop was, at most, in the last seconds. */
  readonly loopLagMs: number;
  readonly rssBytes: number;
  readonly storeBytes: number;
}

/** What waits for InfluxDB, and what became of the rest since start. */
export interface InfluxRow {
  readonly isWell: boolean;
  readonly lines: number;
  readonly bytes: number;
  /** Age of the oldest line that waits. */
  readonly lagS: number;
  readonly written: number;
  readonly dropped: number;
  readonly rejected: number;
}
