import type { Enterprise, RegisteredDevice, Site } from '../census/device.ts';

/**
 * The system of record, as the collector sees it. SQLite by default; a second database passes the same suite
 * (`test/contract/store-contract.ts`). Every method rejects with `CollectorError('store')`; none retries.
 *
 * Writes are durable once their promise resolves, to the extent the engine promises (SQLite: WAL with
 * `synchronous=NORMAL` survives the death of the process at any point; a loss of power may cost the last transactions,
 * never the consistency of the file).
 */
export interface Store {
  readonly evidence: EvidenceStore;
  readonly register: RegisterStore;
  readonly tokens: TokenStore;
  readonly history: HistoryStore;
  /** Pages and files in use, for metrics. */
  sizeBytes(): Promise<number>;
  close(): Promise<void>;
}

/** One (address, day) of one collector. Counters only grow within a day, so saving a row again is harmless. */
export interface TallyRow {
  readonly addressId: number;
  /** Local calendar day as days since 1970-01-01. */
  readonly day: number;
  /** 288 bits, bit `s % 8` of byte `s / 8` for five-minute slot `s` of local wall-clock time, set where live evidence fell into it. */
  readonly slots: Uint8Array;
  readonly good: number;
  readonly uncertain: number;
  readonly bad: number;
  readonly weightless: number;
  /** Values decoded in good observations. */
  readonly points: number;
  /** How often the digest of the values differed from the one before. */
  readonly changes: number;
  readonly firstGoodAtMs: number | undefined;
  readonly lastGoodAtMs: number | undefined;
  readonly lastSeenAtMs: number;
  readonly lastDeathAtMs: number | undefined;
  /** Raw code of the last observation that was not good. */
  readonly lastStatusCode: number;
  /** Digest of the last good values. */
  readonly lastDigest: number;
  /** Sum modulo 2⁵³ of the digests at which the values changed: equal for equal value streams, in any order. */
  readonly streamDigest: number;
  /** Counts of round trips by power of two of microseconds, 16 buckets: bucket b holds 2^(b+6) ≤ µs < 2^(b+7); ends collect the rest. */
  readonly roundTrips: Uint32Array;
}

/** Bytes of `TallyRow.roundTrips`: 16 buckets of 32 bits. */
export const ROUND_TRIP_BYTES = 64;

/** Where in which source something answered. */
export interface AddressRow {
  readonly id: number;
  readonly sourceId: string;
  readonly address: string;
  readonly family: string;
  readonly variant: string;
  readonly reach: 'direct' | 'relayed';
  readonly firstSeenAtMs: number;
}

/** An interval during which a source's path was up. `toMs` moves forward while it lasts. */
export interface PathInterval {
  readonly sourceId: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** A declared interval in which something may have been missed (R14). `sourceId` undefined: the whole collector. */
export interface GapRow {
  readonly sourceId: string | undefined;
  readonly fromMs: number;
  readonly toMs: number;
  /** `stopped`, `crashed`, `clock-step`, `source-down`, or the adapter's own reason. */
  readonly reason: string;
  readonly dropped: number;
}

/** What a device said of itself, kept with its bytes whenever it changes. */
export interface IdentityRow {
  readonly addressId: number;
  readonly atMs: number;
  readonly method: string;
  /** JSON of `IdentityClaims`, keys sorted. */
  readonly claims: string;
  readonly raw: Uint8Array;
}

/** Everything that one second brought; saved in one transaction, so a crash loses a second or nothing. */
export interface Flush {
  /** The collector was alive and its clock trusted at this instant. */
  readonly aliveAtMs: number;
  readonly tallies: readonly TallyRow[];
  readonly paths: readonly PathInterval[];
  readonly gaps: readonly GapRow[];
  readonly identities: readonly IdentityRow[];
}

/** The evidence of one address over all days up to an instant. */
export interface AddressSummary {
  readonly addressId: number;
  readonly firstGoodAtMs: number | undefined;
  readonly lastGoodAtMs: number | undefined;
  readonly lastSeenAtMs: number | undefined;
  readonly lastDeathAtMs: number | undefined;
}

export interface EvidenceStore {
  /**
   * Opens a run of this collector and returns the one before, so that the time between can be declared a gap.
   * Refuses with `CollectorError('already-running')` while another process holds the store.
   */
  beginRun(collectorId: string, startedAtMs: number): Promise<PreviousRun | undefined>;
  /** Marks the run as ended in order. */
  endRun(collectorId: string, stoppedAtMs: number): Promise<void>;

  /** All addresses, in order of id. */
  addresses(): Promise<readonly AddressRow[]>;
  /** Finds or makes the rows and returns their ids, in the order given. `id` of the argument is ignored. */
  saveAddresses(rows: readonly Omit<AddressRow, 'id'>[]): Promise<readonly number[]>;

  /** Merges by max per counter and OR of slots, so that saving the same flush twice changes nothing. */
  save(collectorId: string, flush: Flush): Promise<void>;

  /** This collector's rows of one day, to go on counting after a restart. */
  talliesOfDay(collectorId: string, day: number): Promise<readonly TallyRow[]>;
  /** Rows of all collectors of one address, merged, oldest day first. Days inclusive. */
  talliesOfAddress(addressId: number, fromDay: number, toDay: number): Promise<readonly TallyRow[]>;
  /** Slot maps by address and day, merged over collectors, sorted by address then day, in constant memory. Days inclusive. */
  slotMaps(fromDay: number, toDay: number): AsyncIterable<{ addressId: number; day: number; slots: Uint8Array }>;
  /** First and last instants of every address that was ever seen, from rows of days up to `toDay`. */
  summaries(toDay: number): Promise<readonly AddressSummary[]>;

  /** Path intervals that overlap the range, oldest first, limited to those of one source where given. */
  paths(range: { fromMs: number; toMs: number; sourceId?: string }): Promise<readonly PathInterval[]>;
  /** Gaps that overlap the range, newest first, at most `limit`. */
  gaps(range: { fromMs: number; toMs: number; limit: number; sourceId?: string }): Promise<readonly GapRow[]>;
  /** The last claims of every address that ever made some, up to the instant. */
  identities(toMs: number): Promise<readonly IdentityRow[]>;
}

export interface PreviousRun {
  readonly startedAtMs: number;
  /** The last instant at which it is known to have been alive. */
  readonly aliveAtMs: number;
  readonly ended: 'in-order' | 'crashed';
}

/** A binding ties (source, address) to a device. */
export interface Binding {
  readonly sourceId: string;
  readonly address: string;
  readonly deviceId: string;
}

export interface Register {
  readonly enterprises: readonly Enterprise[];
  readonly sites: readonly Site[];
  readonly devices: readonly RegisteredDevice[];
  readonly bindings: readonly Binding[];
}

export interface DeviceQuery {
  /** Devices after this id, in order of id. */
  readonly afterId?: string | undefined;
  readonly limit: number;
  readonly enterpriseId?: string | undefined;
  readonly siteId?: string | undefined;
  /** Matches id, name, manufacturer, model, serial number or asset number, without regard to case. */
  readonly text?: string | undefined;
}

export interface RegisterChange {
  readonly atMs: number;
  readonly who: string;
  readonly why: string;
  readonly subject: 'enterprise' | 'site' | 'device' | 'binding';
  readonly id: string;
  /** JSON before and after; undefined where there was or is none. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

export interface RegisterStore {
  read(): Promise<Register>;
  /**
   * Makes the register equal to the one given and appends one change per difference, in one transaction. Devices
   * that are no longer given are retired on `retireOn`, never deleted. Returns the changes made.
   */
  apply(
    register: Register,
    by: { who: string; why: string; atMs: number; retireOn: string },
  ): Promise<readonly RegisterChange[]>;
  devices(query: DeviceQuery): Promise<readonly RegisteredDevice[]>;
  device(id: string): Promise<RegisteredDevice | undefined>;
  /** Changes of one subject, newest first. */
  changes(id: string, limit: number): Promise<readonly RegisterChange[]>;
}

export const ROLES = ['viewer', 'assessor', 'operator'] as const;
export type Role = (typeof ROLES)[number];

export interface TokenRow {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** Lower-case hex SHA-256 of the token. The token itself is never kept. */
  readonly sha256: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | undefined;
  readonly lastUsedAtMs: number | undefined;
  readonly revokedAtMs: number | undefined;
}

export interface TokenStore {
  create(row: Pick<TokenRow, 'id' | 'name' | 'role' | 'sha256' | 'createdAtMs' | 'expiresAtMs'>): Promise<void>;
  list(): Promise<readonly TokenRow[]>;
  bySha256(sha256: string): Promise<TokenRow | undefined>;
  /** False when there is no such token or it was revoked before. */
  revoke(id: string, atMs: number): Promise<boolean>;
  /** Best effort; may be batched. */
  used(id: string, atMs: number): Promise<void>;
}

export type HistoryStep = 'hour' | 'day';

/** One category over one hour or one day of local time, as sampled once a minute. For charts; never evidence. */
export interface HistoryRow {
  readonly step: HistoryStep;
  readonly startMs: number;
  /** A category, or `total`. */
  readonly category: string;
  readonly samples: number;
  /** At the last sample. */
  readonly registered: number;
  /** At the last sample. */
  readonly verified: number;
  readonly onlineMin: number;
  readonly onlineMax: number;
  /** Over all samples: the mean is this by `samples`. */
  readonly onlineSum: number;
}

export interface HistoryStore {
  /** Puts each row in the place of the one with the same step, start and category. */
  save(rows: readonly HistoryRow[]): Promise<void>;
  /** Rows that start in the range (end exclusive), oldest first. */
  read(step: HistoryStep, range: { fromMs: number; toMs: number }): Promise<readonly HistoryRow[]>;
  /** Forgets rows that started before. */
  trim(step: HistoryStep, beforeMs: number): Promise<void>;
}
