import type { StatementSync } from 'node:sqlite';
import type { Kysely } from 'kysely';
import { sql } from 'kysely';
import type { Connection } from './connection.ts';
import type { TallyRow } from './contract.ts';
import type { Tables, TalliesTable } from './schema.ts';

/**
 * The merge as one prepared statement: counters by their maximum, slots by OR, first by minimum, last by maximum, and
 * what describes the last observation by whichever row saw later. Saving a row twice, or an old row after a newer one,
 * changes nothing.
 */
export class TallyMerge {
  readonly #statement: StatementSync;

  constructor({ kysely, bare }: Connection) {
    this.#statement = bare.prepare(mergeSql(kysely));
  }

  /** Within a transaction of the same connection. Throws SQLite's error for an address that there is not. */
  save(row: TallyRow, collectorId: string): void {
    const { roundTrips } = row;
    this.#statement.run(
      row.addressId,
      row.day,
      collectorId,
      row.slots,
      row.good,
      row.uncertain,
      row.bad,
      row.weightless,
      row.points,
      row.changes,
      row.firstGoodAtMs ?? null,
      row.lastGoodAtMs ?? null,
      row.lastSeenAtMs,
      row.lastDeathAtMs ?? null,
      row.lastStatusCode,
      row.lastDigest,
      row.streamDigest,
      new Uint8Array(roundTrips.buffer, roundTrips.byteOffset, roundTrips.byteLength),
    );
  }
}

/** In the order of the parameters above. */
const COLUMNS = [
  'address_id',
  'day',
  'collector_id',
  'slots',
  'good',
  'uncertain',
  'bad',
  'weightless',
  'points',
  'changes',
  'first_good_at',
  'last_good_at',
  'last_seen_at',
  'last_death_at',
  'last_status_code',
  'last_digest',
  'stream_digest',
  'round_trips',
] as const satisfies readonly (keyof TalliesTable)[];

function mergeSql(kysely: Kysely<Tables>): string {
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
    .columns(COLUMNS)
    .expression(sql`values (${sql.join(COLUMNS.map(() => sql`?`))})`)
    .onConflict((conflict) =>
      conflict.columns(['address_id', 'day', 'collector_id']).doUpdateSet({
        // Almost always equal, and comparing is cheaper than a call out of SQLite.
        slots: sql<Uint8Array>`case when tallies.slots = excluded.slots then tallies.slots else slots_or(tallies.slots, excluded.slots) end`,
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
