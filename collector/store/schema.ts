import type { Generated } from 'kysely';

/** The tables as Kysely knows them. Instants are integers in milliseconds since 1970-01-01 UTC; days are days since then. */
export interface Tables {
  readonly runs: RunsTable;
  readonly addresses: AddressesTable;
  readonly tallies: TalliesTable;
  readonly paths: PathsTable;
  readonly gaps: GapsTable;
  readonly identities: IdentitiesTable;
  readonly enterprises: RegisterTable;
  readonly sites: RegisterTable;
  readonly devices: DevicesTable;
  readonly bindings: BindingsTable;
  readonly register_changes: RegisterChangesTable;
  readonly tokens: TokensTable;
  readonly history: HistoryTable;
}

/** One row a run of a collector, in the order of their starts: the clock of an earlier one may have been wrong. */
interface RunsTable {
  readonly id: Generated<number>;
  readonly collector_id: string;
  readonly started_at: number;
  readonly alive_at: number;
  /** 1 once it stopped in order. */
  readonly ended: number;
}

interface AddressesTable {
  readonly id: Generated<number>;
  readonly source_id: string;
  readonly address: string;
  readonly family: string;
  readonly variant: string;
  readonly reach: string;
  readonly first_seen_at: number;
}

/** See `TallyRow`. */
export interface TalliesTable {
  readonly address_id: number;
  readonly day: number;
  readonly collector_id: string;
  readonly slots: Uint8Array;
  readonly good: number;
  readonly uncertain: number;
  readonly bad: number;
  readonly weightless: number;
  readonly points: number;
  readonly changes: number;
  readonly first_good_at: number | null;
  readonly last_good_at: number | null;
  readonly last_seen_at: number;
  readonly last_death_at: number | null;
  readonly last_status_code: number;
  readonly last_digest: number;
  readonly stream_digest: number;
  readonly round_trips: Uint8Array;
}

interface PathsTable {
  readonly source_id: string;
  readonly collector_id: string;
  readonly from_at: number;
  readonly to_at: number;
}

interface GapsTable {
  readonly id: Generated<number>;
  readonly collector_id: string;
  readonly source_id: string | null;
  readonly from_at: number;
  readonly to_at: number;
  readonly reason: string;
  readonly dropped: number;
}

/** Append-only. */
interface IdentitiesTable {
  readonly id: Generated<number>;
  readonly address_id: number;
  readonly at: number;
  readonly method: string;
  readonly claims: string;
  readonly raw: Uint8Array;
}

/** Enterprises and sites: the record itself as JSON. */
interface RegisterTable {
  readonly id: string;
  readonly record: string;
}

/** The record as JSON, and what is searched or filtered by. */
interface DevicesTable {
  readonly id: string;
  readonly record: string;
  readonly enterprise_id: string | null;
  readonly site_id: string | null;
  /** Lower-case id, name, manufacturer, model, serial and asset number, one a line. */
  readonly search_text: string;
}

interface BindingsTable {
  readonly source_id: string;
  readonly address: string;
  readonly device_id: string;
}

/** Append-only. */
interface RegisterChangesTable {
  readonly id: Generated<number>;
  readonly at: number;
  readonly who: string;
  readonly why: string;
  readonly subject: string;
  readonly subject_id: string;
  readonly before: string | null;
  readonly after: string | null;
}

interface TokensTable {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly sha256: string;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly last_used_at: number | null;
  readonly revoked_at: number | null;
}

/** See `HistoryRow`. */
interface HistoryTable {
  readonly step: string;
  readonly start_at: number;
  readonly category: string;
  readonly samples: number;
  readonly registered: number;
  readonly verified: number;
  readonly online_min: number;
  readonly online_max: number;
  readonly online_sum: number;
}
