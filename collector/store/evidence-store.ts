import { setImmediate as turn } from 'node:timers/promises';
import type { Selectable } from 'kysely';
import type {
  AddressRow,
  AddressSummary,
  EvidenceStore,
  Flush,
  GapRow,
  IdentityRow,
  PathInterval,
  PreviousRun,
  TallyRow,
} from './contract.ts';
import { ROUND_TRIP_BYTES } from './contract.ts';
import { type Connection, doing, type Turns } from './database.ts';
import type { TalliesTable } from './schema.ts';
import { TallyMerge } from './tally-merge.ts';

/** Rows saved before the event loop gets a turn: about 5 ms. */
const ROWS_PER_TURN = 2_000;
/** Addresses whose slot maps are read before the event loop gets a turn. */
const SLOT_MAPS_PER_TURN = 5_000;

/** Evidence in SQLite. Writes take turns on one connection; reads have their own and never wait for a flush. */
export class SqliteEvidenceStore implements EvidenceStore {
  readonly #writer: Connection;
  readonly #reader: Connection;
  readonly #turns: Turns;
  readonly #tallies: TallyMerge;

  constructor(writer: Connection, reader: Connection, turns: Turns) {
    this.#writer = writer;
    this.#reader = reader;
    this.#turns = turns;
    this.#tallies = new TallyMerge(writer.kysely, writer.bare);
  }

  beginRun(collectorId: string, startedAtMs: number): Promise<PreviousRun | undefined> {
    return this.#write('beginning a run', async () => {
      const { kysely } = this.#writer;
      const before = await kysely
        .selectFrom('runs')
        .selectAll()
        .where('collector_id', '=', collectorId)
        .orderBy('alive_at', 'desc')
        .limit(1)
        .executeTakeFirst();
      await kysely
        .insertInto('runs')
        .values({ collector_id: collectorId, started_at: startedAtMs, alive_at: startedAtMs, ended: 0 })
        .onConflict((conflict) => conflict.columns(['collector_id', 'started_at']).doUpdateSet({ ended: 0 }))
        .execute();
      if (before === undefined) return undefined;
      const ended = before.ended === 1 ? 'in-order' : 'crashed';
      return { startedAtMs: before.started_at, aliveAtMs: before.alive_at, ended };
    });
  }

  endRun(collectorId: string, stoppedAtMs: number): Promise<void> {
    return this.#write('ending a run', async () => {
      await this.#currentRun(collectorId, { alive_at: stoppedAtMs, ended: 1 });
    });
  }

  addresses(): Promise<readonly AddressRow[]> {
    return doing('reading addresses', async () => {
      const rows = await this.#reader.kysely.selectFrom('addresses').selectAll().orderBy('id').execute();
      return rows.map(({ id, source_id, address, family, variant, reach, first_seen_at }) => ({
        id,
        sourceId: source_id,
        address,
        family,
        variant,
        reach: reach === 'relayed' ? 'relayed' : 'direct',
        firstSeenAtMs: first_seen_at,
      }));
    });
  }

  saveAddresses(rows: readonly Omit<AddressRow, 'id'>[]): Promise<readonly number[]> {
    return this.#transaction('saving addresses', async () => {
      const ids: number[] = [];
      for (const row of rows) ids.push(await this.#saveAddress(row));
      return ids;
    });
  }

  save(collectorId: string, flush: Flush): Promise<void> {
    return this.#transaction('saving evidence', async () => {
      let saved = 0;
      for (const row of flush.tallies) {
        this.#tallies.save(row, collectorId);
        saved += 1;
        if (saved % ROWS_PER_TURN === 0) await turn();
      }
      for (const path of flush.paths) await this.#savePath(collectorId, path);
      for (const gap of flush.gaps) await this.#saveGap(collectorId, gap);
      for (const identity of flush.identities) await this.#saveIdentity(identity);
      await this.#currentRun(collectorId, { alive_at: flush.aliveAtMs });
    });
  }

  talliesOfDay(collectorId: string, day: number): Promise<readonly TallyRow[]> {
    return doing('reading the tallies of a day', async () => {
      const rows = await this.#reader.kysely
        .selectFrom('tallies')
        .selectAll()
        .where('collector_id', '=', collectorId)
        .where('day', '=', day)
        .orderBy('address_id')
        .execute();
      return rows.map(tallyOf);
    });
  }

  talliesOfAddress(addressId: number, fromDay: number, toDay: number): Promise<readonly TallyRow[]> {
    return doing('reading the tallies of an address', async () => {
      const rows = await this.#reader.kysely
        .selectFrom('tallies')
        .selectAll()
        .where('address_id', '=', addressId)
        .where('day', '>=', fromDay)
        .where('day', '<=', toDay)
        .orderBy('day')
        .execute();
      return [...Map.groupBy(rows.map(tallyOf), ({ day }) => day).values()].map((ofDay) => ofDay.reduce(united));
    });
  }

  async *slotMaps(
    fromDay: number,
    toDay: number,
  ): AsyncIterable<{ addressId: number; day: number; slots: Uint8Array }> {
    let after: { addressId: number; day: number; slots: Uint8Array } | undefined;
    for (;;) {
      const page = await this.#slotMapsAfter(after?.addressId ?? -1, fromDay, toDay);
      if (page.length === 0) return;
      for (const row of page) yield row;
      after = page[page.length - 1];
    }
  }

  summaries(toDay: number): Promise<readonly AddressSummary[]> {
    return doing('reading when addresses were seen', async () => {
      const rows = await this.#reader.kysely
        .selectFrom('tallies')
        .select(({ fn }) => [
          'address_id',
          fn.min('first_good_at').as('first_good_at'),
          fn.max('last_good_at').as('last_good_at'),
          fn.max('last_seen_at').as('last_seen_at'),
          fn.max('last_death_at').as('last_death_at'),
        ])
        .where('day', '<=', toDay)
        .groupBy('address_id')
        .orderBy('address_id')
        .execute();
      return rows.map((row) => ({
        addressId: row.address_id,
        firstGoodAtMs: row.first_good_at ?? undefined,
        lastGoodAtMs: row.last_good_at ?? undefined,
        lastSeenAtMs: row.last_seen_at,
        lastDeathAtMs: row.last_death_at ?? undefined,
      }));
    });
  }

  paths(range: { fromMs: number; toMs: number; sourceId?: string }): Promise<readonly PathInterval[]> {
    return doing('reading when sources were up', async () => {
      const { sourceId } = range;
      const rows = await this.#reader.kysely
        .selectFrom('paths')
        .selectAll()
        .where('to_at', '>=', range.fromMs)
        .where('from_at', '<=', range.toMs)
        .$if(sourceId !== undefined, (query) => query.where('source_id', '=', sourceId ?? ''))
        .orderBy('from_at')
        .orderBy('source_id')
        .execute();
      return rows.map(({ source_id, from_at, to_at }) => ({ sourceId: source_id, fromMs: from_at, toMs: to_at }));
    });
  }

  gaps(range: { fromMs: number; toMs: number; limit: number; sourceId?: string }): Promise<readonly GapRow[]> {
    return doing('reading gaps', async () => {
      const { sourceId } = range;
      const rows = await this.#reader.kysely
        .selectFrom('gaps')
        .selectAll()
        .where('to_at', '>=', range.fromMs)
        .where('from_at', '<=', range.toMs)
        .$if(sourceId !== undefined, (query) => query.where('source_id', '=', sourceId ?? ''))
        .orderBy('from_at', 'desc')
        .orderBy('id', 'desc')
        .limit(range.limit)
        .execute();
      return rows.map(({ source_id, from_at, to_at, reason, dropped }) => ({
        sourceId: source_id ?? undefined,
        fromMs: from_at,
        toMs: to_at,
        reason,
        dropped,
      }));
    });
  }

  identities(toMs: number): Promise<readonly IdentityRow[]> {
    return doing('reading identity claims', async () => {
      const rows = await this.#reader.kysely
        .selectFrom('identities')
        .selectAll()
        .where(({ eb, selectFrom }) =>
          eb(
            'identities.at',
            '=',
            selectFrom('identities as later')
              .select(({ fn }) => fn.max('later.at').as('at'))
              .whereRef('later.address_id', '=', 'identities.address_id')
              .where('later.at', '<=', toMs),
          ),
        )
        .orderBy('address_id')
        .execute();
      return rows.map(({ address_id, at, method, claims, raw }) => ({
        addressId: address_id,
        atMs: at,
        method,
        claims,
        raw,
      }));
    });
  }

  async #saveAddress(row: Omit<AddressRow, 'id'>): Promise<number> {
    const { sourceId: source_id, address, family, variant, reach, firstSeenAtMs: first_seen_at } = row;
    const { id } = await this.#writer.kysely
      .insertInto('addresses')
      .values({ source_id, address, family, variant, reach, first_seen_at })
      .onConflict((conflict) => conflict.columns(['source_id', 'address']).doUpdateSet({ family, variant, reach }))
      .returning('id')
      .executeTakeFirstOrThrow();
    return id;
  }

  /** An open interval is saved again and again with a later end; it never shrinks. */
  async #savePath(collectorId: string, { sourceId, fromMs, toMs }: PathInterval): Promise<void> {
    await this.#writer.kysely
      .insertInto('paths')
      .values({ source_id: sourceId, collector_id: collectorId, from_at: fromMs, to_at: toMs })
      .onConflict((conflict) =>
        conflict
          .columns(['source_id', 'collector_id', 'from_at'])
          .doUpdateSet(({ ref }) => ({ to_at: ref('excluded.to_at') }))
          .whereRef('excluded.to_at', '>', 'paths.to_at'),
      )
      .execute();
  }

  async #saveGap(collectorId: string, { sourceId, fromMs, toMs, reason, dropped }: GapRow): Promise<void> {
    const row = {
      collector_id: collectorId,
      source_id: sourceId ?? null,
      from_at: fromMs,
      to_at: toMs,
      reason,
      dropped,
    };
    const { kysely } = this.#writer;
    const same = await kysely
      .selectFrom('gaps')
      .select('id')
      .where('collector_id', '=', collectorId)
      .where('source_id', 'is', row.source_id)
      .where('from_at', '=', fromMs)
      .where('to_at', '=', toMs)
      .where('reason', '=', reason)
      .executeTakeFirst();
    if (same === undefined) await kysely.insertInto('gaps').values(row).execute();
  }

  /** Kept only when it differs from what the address said before. */
  async #saveIdentity({ addressId, atMs, method, claims, raw }: IdentityRow): Promise<void> {
    const { kysely } = this.#writer;
    const before = await kysely
      .selectFrom('identities')
      .select(['method', 'claims'])
      .where('address_id', '=', addressId)
      .where('at', '<=', atMs)
      .orderBy('at', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (before?.method === method && before.claims === claims) return;
    await kysely
      .insertInto('identities')
      .values({ address_id: addressId, at: atMs, method, claims, raw })
      .onConflict((conflict) => conflict.columns(['address_id', 'at']).doUpdateSet({ method, claims, raw }))
      .execute();
  }

  async #currentRun(collectorId: string, change: { alive_at: number; ended?: number }): Promise<void> {
    const { kysely } = this.#writer;
    await kysely
      .updateTable('runs')
      .set(change)
      .where('collector_id', '=', collectorId)
      .where('started_at', '=', ({ selectFrom }) =>
        selectFrom('runs as latest')
          .select(({ fn }) => fn.max('latest.started_at').as('started_at'))
          .where('latest.collector_id', '=', collectorId),
      )
      .execute();
  }

  /** All days of the next addresses, merged over collectors; whole addresses, so that a page never splits one. */
  #slotMapsAfter(
    addressId: number,
    fromDay: number,
    toDay: number,
  ): Promise<{ addressId: number; day: number; slots: Uint8Array }[]> {
    return doing('reading slot maps', async () => {
      const { kysely } = this.#reader;
      const within = kysely.selectFrom('tallies').where('day', '>=', fromDay).where('day', '<=', toDay);
      const addresses = await within
        .select('address_id')
        .distinct()
        .where('address_id', '>', addressId)
        .orderBy('address_id')
        .limit(Math.max(1, Math.floor(SLOT_MAPS_PER_TURN / (toDay - fromDay + 1))))
        .execute();
      const last = addresses[addresses.length - 1];
      if (last === undefined) return [];
      const rows = await within
        .select(['address_id', 'day', 'slots'])
        .where('address_id', '>', addressId)
        .where('address_id', '<=', last.address_id)
        .orderBy('address_id')
        .orderBy('day')
        .execute();
      const merged: { addressId: number; day: number; slots: Uint8Array }[] = [];
      for (const row of rows) {
        const before = merged[merged.length - 1];
        if (before !== undefined && before.addressId === row.address_id && before.day === row.day) {
          before.slots = eitherSlots(before.slots, row.slots);
        } else merged.push({ addressId: row.address_id, day: row.day, slots: row.slots });
      }
      return merged;
    });
  }

  #write<T>(what: string, work: () => Promise<T>): Promise<T> {
    return doing(what, () => this.#turns.take(work));
  }

  #transaction<T>(what: string, work: () => Promise<T>): Promise<T> {
    return this.#write(what, async () => {
      const { bare } = this.#writer;
      bare.exec('BEGIN IMMEDIATE');
      try {
        const result = await work();
        bare.exec('COMMIT');
        return result;
      } catch (error) {
        bare.exec('ROLLBACK');
        throw error;
      }
    });
  }
}

function tallyOf(row: Selectable<TalliesTable>): TallyRow {
  return {
    addressId: row.address_id,
    day: row.day,
    slots: row.slots,
    good: row.good,
    uncertain: row.uncertain,
    bad: row.bad,
    weightless: row.weightless,
    points: row.points,
    changes: row.changes,
    firstGoodAtMs: row.first_good_at ?? undefined,
    lastGoodAtMs: row.last_good_at ?? undefined,
    lastSeenAtMs: row.last_seen_at,
    lastDeathAtMs: row.last_death_at ?? undefined,
    lastStatusCode: row.last_status_code,
    lastDigest: row.last_digest,
    streamDigest: row.stream_digest,
    roundTrips: bucketsOf(row.round_trips),
  };
}

/** SQLite gives a blob at any alignment. */
function bucketsOf(bytes: Uint8Array): Uint32Array {
  const aligned = new Uint8Array(ROUND_TRIP_BYTES);
  aligned.set(bytes.subarray(0, ROUND_TRIP_BYTES));
  return new Uint32Array(aligned.buffer);
}

function eitherSlots(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, at) => byte | (b[at] ?? 0));
}

/** The rows of two collectors for one address and day: both counted what the other did not. */
function united(a: TallyRow, b: TallyRow): TallyRow {
  const later = b.lastSeenAtMs >= a.lastSeenAtMs ? b : a;
  return {
    ...later,
    slots: eitherSlots(a.slots, b.slots),
    good: a.good + b.good,
    uncertain: a.uncertain + b.uncertain,
    bad: a.bad + b.bad,
    weightless: a.weightless + b.weightless,
    points: a.points + b.points,
    changes: a.changes + b.changes,
    firstGoodAtMs: either(Math.min, a.firstGoodAtMs, b.firstGoodAtMs),
    lastGoodAtMs: either(Math.max, a.lastGoodAtMs, b.lastGoodAtMs),
    lastDeathAtMs: either(Math.max, a.lastDeathAtMs, b.lastDeathAtMs),
    roundTrips: a.roundTrips.map((count, bucket) => count + (b.roundTrips[bucket] ?? 0)),
  };
}

function either(
  choose: (a: number, b: number) => number,
  a: number | undefined,
  b: number | undefined,
): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return choose(a, b);
}
