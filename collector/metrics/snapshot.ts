import type { CategoryCount } from '../census/count.ts';
import type { LoopState } from '../health/loop-watch.ts';

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
  /** How long observations waited between their receipt and the tally, at most, lately. */
  readonly queueDelayMs: number;
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
  readonly health: HealthRow;
  readonly version: string;
  /** Observations folded since start. */
  readonly observations: number;
  /** Addresses ever observed or bound. */
  readonly addresses: number;
  /** Rows that wait for the next flush. */
  readonly tallyDirty: number;
  /** How late the event loop was, at most, in the last seconds. */
  readonly loopLagMs: number;
  readonly rssBytes: number;
  readonly storeBytes: number;
  /** Since evidence was last stored; undefined before the first time. */
  readonly flushAgeMs: number | undefined;
  readonly flushFailures: number;
  /** Gaps declared since start. */
  readonly gaps: number;
  readonly ledgerSize: number;
}

/** How the collector itself is. */
export interface HealthRow {
  readonly isReady: boolean;
  /** Number of warnings. */
  readonly warnings: number;
  readonly loops: readonly LoopState[];
  readonly diskFreeBytes: number | undefined;
  readonly memoryLimitBytes: number;
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
  /** Distinct series since start. */
  readonly series: number;
  /** Lines left out because their series were beyond the cap. */
  readonly capped: number;
}
