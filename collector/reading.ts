import type { DeadLetter, LineUse, ProtocolLine } from '../protocols/contract.ts';
import type { IdentityClaims } from '../protocols/identity.ts';
import type { Category, Status, Tier } from './census/device.ts';
import type { RegisterChange } from './store/contract.ts';

/**
 * What the collector lets others read: the API's only door. Instants are milliseconds since 1970-01-01 UTC here and
 * become RFC 3339 at the edge.
 */
export interface CollectorReading {
  /** The headline as of an instant, now where left out. Rejects with `RangeError` for an instant in the future. */
  counts(asOfMs?: number): Promise<Counts>;
  devices(query: DevicesQuery): Promise<DevicePage>;
  device(id: string): Promise<DeviceDetail | undefined>;
  protocols(): Promise<readonly ProtocolReading[]>;
  sources(): Promise<readonly SourceReading[]>;
  /** Addresses of a source that no device is bound to; undefined when there is no such source. */
  candidates(sourceId: string, query: CandidatesQuery): Promise<CandidatePage | undefined>;
  /** Samples of what came over a source and could not be read, newest first; undefined when there is no such source. */
  deadLetters(sourceId: string): Promise<readonly DeadLetterReading[] | undefined>;
  readiness(): Promise<Readiness>;
  /** Charts of the past. Rejects with `CollectorError('metrics')` where they are read from an InfluxDB that is away. */
  history(query: HistoryQuery): Promise<History>;
  /** Prometheus text exposition; the format of Prometheus itself where left out. */
  metrics(format?: 'prometheus' | 'openmetrics'): Promise<{ readonly contentType: string; readonly body: string }>;
}

export interface HistoryQuery {
  readonly step: 'hour' | 'day';
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
}

/** Hours or days of local time, oldest first; those without a single sample are left out. */
export interface History {
  /** Where it was read from. */
  readonly from: 'store' | 'influx';
  readonly step: HistoryQuery['step'];
  /** Whose hours and days these are. */
  readonly timeZone: string;
  readonly items: readonly HistoryItem[];
}

export interface HistoryItem {
  readonly startMs: number;
  readonly endMs: number;
  /** 0 to 1: the share of the interval in which we looked at all (R14). */
  readonly observedShare: number;
  /** By category, and `total`. Registered and verified as at the end. */
  readonly counts: Readonly<
    Record<
      string,
      {
        readonly registered: number;
        readonly verified: number;
        readonly online: { readonly min: number; readonly mean: number; readonly max: number };
      }
    >
  >;
}

export interface Tally3 {
  readonly registered: number;
  readonly online: number;
  readonly verified: number;
}

/** The shape of `GET /api/v1/counts`, keys fixed. Numbers are devices. */
export interface Counts {
  readonly asOf: string;
  readonly timeZone: string;
  readonly demo: boolean;
  readonly rules: { readonly version: string; readonly sha256: string };
  readonly devices: {
    readonly total: Tally3;
    readonly byCategory: Readonly<Record<Category, Tally3>>;
    readonly byTier: Readonly<Record<Tier, number>>;
  };
  readonly protocols: { readonly compatible: number; readonly verified: number };
  readonly ledger: { readonly origin: string; readonly size: number; readonly rootHash: string };
}

export interface DevicesQuery {
  readonly afterId?: string | undefined;
  /** 1 to 1,000. */
  readonly limit: number;
  readonly category?: Category | undefined;
  readonly protocol?: string | undefined;
  readonly enterprise?: string | undefined;
  readonly site?: string | undefined;
  readonly status?: Status | undefined;
  readonly text?: string | undefined;
}

export interface DevicePage {
  readonly items: readonly DeviceReading[];
  /** Id to continue after; undefined on the last page. */
  readonly nextAfterId: string | undefined;
}

export interface DeviceReading {
  readonly id: string;
  readonly name: string;
  readonly enterprise: { readonly id: string; readonly name: string } | undefined;
  readonly site: { readonly id: string; readonly name: string } | undefined;
  readonly type: string | undefined;
  /** `not-counted` for equipment R1 leaves out. */
  readonly category: Category | 'not-counted';
  readonly categoryBasis: 'operator' | 'type-table' | 'device' | 'unclassified';
  readonly manufacturer: string | undefined;
  readonly model: string | undefined;
  readonly serialNumber: string | undefined;
  readonly unit: string;
  readonly status: Status;
  readonly tier: Tier;
  readonly verified: boolean;
  /** Rules that keep it from counting, such as `R8 simulated`; empty when verified. */
  readonly reasons: readonly string[];
  readonly lastLiveAtMs: number | undefined;
  readonly lastSeenAtMs: number | undefined;
  readonly protocols: readonly {
    readonly family: string;
    readonly variant: string;
    readonly reach: 'direct' | 'relayed';
  }[];
}

export interface DeviceDetail extends DeviceReading {
  readonly addresses: readonly {
    readonly source: string;
    readonly address: string;
    readonly family: string;
    readonly variant: string;
    readonly reach: 'direct' | 'relayed';
    readonly status: Status;
    readonly lastLiveAtMs: number | undefined;
    readonly lastSeenAtMs: number | undefined;
    readonly today: {
      readonly good: number;
      readonly uncertain: number;
      readonly bad: number;
      readonly weightless: number;
      readonly changes: number;
    };
    readonly claims: Readonly<Record<string, string | boolean>> | undefined;
    readonly claimsBy: string | undefined;
  }[];
  readonly activeDays: number;
  readonly changes: readonly RegisterChange[];
}

export interface ProtocolReading {
  readonly family: string;
  readonly nameZh: string;
  readonly nameEn: string;
  readonly standards: readonly string[];
  readonly adapter: 'built-in' | 'relayed';
  /** R9. `not-in-use`: in the catalogue, but no source is configured for it. */
  readonly state: 'verified' | 'compatible' | 'not-in-use';
  readonly variants: readonly { readonly variant: string; readonly devices: number }[];
  readonly devices: number;
  readonly online: number;
  readonly verified: number;
  readonly firstExchangeAtMs: number | undefined;
  readonly lastExchangeAtMs: number | undefined;
}

export interface SourceReading {
  readonly id: string;
  readonly name: string;
  readonly protocol: string;
  readonly endpoint: string;
  readonly simulated: boolean;
  readonly state: 'connecting' | 'up' | 'down' | 'stopped';
  readonly sinceMs: number | undefined;
  readonly addresses: number;
  readonly observations: number;
  readonly bad: number;
  readonly dropped: number;
  readonly reconnects: number;
  readonly lastObservationAtMs: number | undefined;
  /** What is wrong, and what a person can do about it. */
  readonly lastError:
    | { readonly code: string; readonly message: string; readonly hint: string | undefined; readonly atMs: number }
    | undefined;
  readonly nextAttemptAtMs: number | undefined;
  /** For protocols that ask one device after another. */
  readonly line: LineUse | undefined;
  readonly notices: readonly {
    readonly code: string;
    readonly level: 'warning' | 'error';
    readonly message: string;
    readonly hint: string | undefined;
  }[];
}

/** A sample of what came over a source and could not be read. */
export type DeadLetterReading = DeadLetter;

/** Which candidates: at most `limit`, after the one with this index. */
export interface CandidatesQuery {
  readonly limit: number;
  readonly afterIndex: number | undefined;
}

export interface CandidatePage {
  readonly items: readonly CandidateReading[];
  /** To continue with; undefined on the last page. */
  readonly nextAfterIndex: number | undefined;
}

/** An address that was heard and belongs to no device yet: unregistered, and counted nowhere. */
export interface CandidateReading {
  readonly address: string;
  readonly protocol: ProtocolLine;
  readonly firstSeenAtMs: number;
  readonly lastSeenAtMs: number | undefined;
  readonly lastLiveAtMs: number | undefined;
  /** Observations of today by weight (R3). */
  readonly today: {
    readonly good: number;
    readonly uncertain: number;
    readonly bad: number;
    readonly weightless: number;
  };
  readonly claims: IdentityClaims | undefined;
  readonly claimsBy: string | undefined;
}

export interface Readiness {
  readonly ready: boolean;
  /** Why not. */
  readonly reasons: readonly string[];
  /** What is not well and will not be ready for ever. */
  readonly warnings: readonly string[];
}
