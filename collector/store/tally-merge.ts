import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { Insertable, Kysely } from 'kysely';
import { sql } from 'kysely';
import type { TallyRow } from './contract.ts';
import type { Tables, TalliesTable } from './schema.ts';

type TallyValues = Insertable<TalliesTable>;

/** The row of one collector as the table holds it. */
function valuesOf(row: TallyRow, collectorId: string): TallyValues {
  return {
    address_id: row.addressId,
    day: row.day,
    collector_id: collectorId,
    slots: row.slots,
    good: row.good,
    uncertain: row.uncertain,
    bad: row.bad,
    weightless: row.weightless,
    points: row.points,
    changes: row.changes,
    first_good_at: row.firstGoodAtMs ?? null,
    last_good_at: row.lastGoodAtMs ?? null,
    last_seen_at: row.lastSeenAtMs,
    last_death_at: row.lastDeathAtMs ?? null,
    last_status_code: row.lastStatusCode,
    last_digest: row.lastDigest,
    stream_digest: row.streamDigest,
    round_trips: new Uint8Array(row.roundTrips.buffer, row.roundTrips.byteOffset, row.roundTrips.byteLength),
  };
}

/**
 * The merge as one prepared statement: counters by their maximum, slots by OR, first by minimum, last by maximum, and
 * what describes the last observation by whichever row saw later. Saving a row twice, or an old row after a newer one,
 * changes nothing.
 */
export class TallyMerge {
  readonly #statement: StatementSync;

  constructor(kysely: Kysely<Tables>, bare: DatabaseSync) {
    this.#statement = bare.prepare(mergeSql(kysely));
  }

  save(row: TallyRow, collectorId: string): void {
    this.#statement.run(...(Object.values(valuesOf(row, collectorId)) as SQLInputValue[]));
  }
}

function mergeSql(kysely: Kysely<Tables>): string {
  const anyRow = valuesOf(EMPTY, '');
  const larger = (column: keyof TalliesTable) =>
    sql<number>`max(${sql.ref(`tallies.${column}`)}, ${sql.ref(`excluded.${column}`)})`;
  /** `max` of SQLite is null when either is. */
  const latest = (column: keyof TalliesTable) => {
    const [mine, other] = [sql.ref(`tallies.${column}`), sql.ref(`excluded.${column}`)];
    return sql<number>`max(coalesce(${mine}, ${other}), coalesce(${other}, ${mine}))`;
  };
  const earliest = (column: keyof TalliesTable) => {
    const [mine, other] = [sql.ref(`tallies.${column}`), sql.ref(`excluded.${column}`)];
    return sql<number>`min(coalesce(${mine}, ${other}), coalesce(${other}, ${mine}))`;
  };
  const observations = (of: 'tallies' | 'excluded') =>
    sql`${sql.ref(`${of}.good`)} + ${sql.ref(`${of}.uncertain`)} + ${sql.ref(`${of}.bad`)} + ${sql.ref(`${of}.weightless`)}`;
  const excludedIsLater = sql`(excluded.last_seen_at, ${observations('excluded')}) >= (tallies.last_seen_at, ${observations('tallies')})`;
  const ofLater = <T>(column: keyof TalliesTable) =>
    sql<T>`case when ${excludedIsLater} then ${sql.ref(`excluded.${column}`)} else ${sql.ref(`tallies.${column}`)} end`;
  return kysely
    .insertInto('tallies')
    .values(anyRow)
    .onConflict((conflict) =>
      conflict.columns(['address_id', 'day', 'collector_id']).doUpdateSet({
        slots: sql<Uint8Array>`slots_or(tallies.slots, excluded.slots)`,
        good: larger('good'),
        uncertain: larger('uncertain'),
        bad: larger('bad'),
        weightless: larger('weightless'),
        points: larger('points'),
        changes: larger('changes'),
        first_good_at: earliest('first_good_at'),
        last_good_at: latest('last_good_at'),
        last_death_at: latest('last_death_at'),
        last_status_code: ofLater('last_status_code'),
        last_digest: ofLater('last_digest'),
        stream_digest: ofLater('stream_digest'),
        round_trips: ofLater('round_trips'),
        last_seen_at: larger('last_seen_at'),
      }),
    )
    .compile().sql;
}

const EMPTY: TallyRow = {
  addressId: 0,
  day: 0,
  slots: new Uint8Array(),
  good: 0,
  uncertain: 0,
  bad: 0,
  weightless: 0,
  points: 0,
  changes: 0,
  firstGoodAtMs: undefined,
  lastGoodAtMs: undefined,
  lastSeenAtMs: 0,
  lastDeathAtMs: undefined,
  lastStatusCode: 0,
  lastDigest: 0,
  streamDigest: 0,
  roundTrips: new Uint32Array(),
};
