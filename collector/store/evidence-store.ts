import { setImmediate as turn } from 'node:timers/promises';
import { type Kysely, sql, type Updateable } from 'kysely';
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
import type { SqliteDatabase } from './database.ts';
import { saveAddress, saveGap, saveIdentity, savePath } from './evidence-writes.ts';
import type { Tables } from './schema.ts';
import { TallyMerge } from './tally-merge.ts';
import { foldDay, nextDay, type SlotMap, slotMapsAfter, talliesOfAddress, talliesOfDay } from './tally-reads.ts';
import { inTurns } from './turns.ts';

/** Rows saved before the event loop gets a turn, for prepared statements and for those through Kysely: 5 to 10 ms. */
const TALLIES_PER_TURN = 2_000;
const OTHERS_PER_TURN = 200;

/**
 * Evidence in SQLite. A flush is one transaction, however often the event loop gets a turn in between: a process that
 * dies in the middle has saved nothing of it, and since rows only grow, the next flush brings the same and more.
 */
export class SqliteEvidenceStore implements EvidenceStore {
  readonly #database: SqliteDatabase;
  #merge: TallyMerge | undefined;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  beginRun(collectorId: string, startedAtMs: number): Promise<PreviousRun | undefined> {
    return this.#database.transaction('beginning a run', async ({ kysely }) => {
      const before = await kysely
        .selectFrom('runs')
        .selectAll()
        .where('collector_id', '=', collectorId)
        .orderBy('id', 'desc')
        .limit(1)
        .executeTakeFirst();
      await kysely
        .insertInto('runs')
        .values({ collector_id: collectorId, started_at: startedAtMs, alive_at: startedAtMs, ended: 0 })
        .execute();
      if (before === undefined) return undefined;
      const ended = before.ended === 1 ? 'in-order' : 'crashed';
      return { startedAtMs: before.started_at, aliveAtMs: before.alive_at, ended };
    });
  }

  endRun(collectorId: string, stoppedAtMs: number): Promise<void> {
    return this.#database.transaction('ending a run', ({ kysely }) =>
      updateRun(kysely, collectorId, { alive_at: stoppedAtMs, ended: 1 }),
    );
  }

  addresses(): Promise<readonly AddressRow[]> {
    return this.#database.read('reading addresses', async (kysely) => {
      const rows = await kysely.selectFrom('addresses').selectAll().orderBy('id').execute();
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
    return this.#database.transaction('saving addresses', async ({ kysely }) => {
      const ids: number[] = [];
      await inTurns(rows, OTHERS_PER_TURN, async (row) => ids.push(await saveAddress(kysely, row)));
      return ids;
    });
  }

  save(collectorId: string, { aliveAtMs, tallies, paths, gaps, identities }: Flush): Promise<void> {
    return this.#database.transaction('saving evidence', async (connection) => {
      const { kysely } = connection;
      this.#merge ??= new TallyMerge(connection);
      for (let from = 0; from < tallies.length; from += TALLIES_PER_TURN) {
        if (from > 0) await turn();
        for (const row of tallies.slice(from, from + TALLIES_PER_TURN)) this.#merge.save(row, collectorId);
      }
      await inTurns(paths, OTHERS_PER_TURN, (path) => savePath(kysely, collectorId, path));
      await inTurns(gaps, OTHERS_PER_TURN, (gap) => saveGap(kysely, collectorId, gap));
      await inTurns(identities, OTHERS_PER_TURN, (identity) => saveIdentity(kysely, identity));
      await updateRun(kysely, collectorId, { alive_at: aliveAtMs });
    });
  }

  talliesOfDay(collectorId: string, day: number): Promise<readonly TallyRow[]> {
    return this.#database.read('reading the tallies of a day', (kysely) => talliesOfDay(kysely, collectorId, day));
  }

  talliesOfAddress(addressId: number, fromDay: number, toDay: number): Promise<readonly TallyRow[]> {
    return this.#database.read('reading the tallies of an address', (kysely) =>
      talliesOfAddress(kysely, addressId, fromDay, toDay),
    );
  }

  async *slotMaps(fromDay: number, toDay: number): AsyncIterable<SlotMap> {
    let afterAddressId = -1;
    for (;;) {
      const page = await this.#database.read('reading slot maps', (kysely) =>
        slotMapsAfter(kysely, afterAddressId, fromDay, toDay),
      );
      if (page === undefined) return;
      yield* page.maps;
      afterAddressId = page.lastAddressId;
      await turn();
    }
  }

  async summaries(toDay: number): Promise<readonly AddressSummary[]> {
    const what = 'reading when addresses were seen';
    const summaries = new Map<number, AddressSummary>();
    let day = await this.#database.read(what, (kysely) => nextDay(kysely, Number.MIN_SAFE_INTEGER, toDay));
    while (day !== undefined) {
      const current = day;
      await this.#database.read(what, (kysely) => foldDay(kysely, current, summaries));
      day = await this.#database.read(what, (kysely) => nextDay(kysely, current, toDay));
      await turn();
    }
    return [...summaries.values()].sort((a, b) => a.addressId - b.addressId);
  }

  paths(range: { fromMs: number; toMs: number; sourceId?: string }): Promise<readonly PathInterval[]> {
    return this.#database.read('reading when sources were up', async (kysely) => {
      const { sourceId } = range;
      const rows = await kysely
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
    return this.#database.read('reading gaps', async (kysely) => {
      const { sourceId } = range;
      const rows = await kysely
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
    return this.#database.read('reading identity claims', async (kysely) => {
      const placed = kysely
        .selectFrom('identities')
        .select(['id', sql<number>`row_number() over (partition by address_id order by at desc, id desc)`.as('place')])
        .where('at', '<=', toMs);
      const last = kysely.selectFrom(placed.as('placed')).select('id').where('place', '=', 1);
      const rows = await kysely
        .selectFrom('identities')
        .selectAll()
        .where('id', 'in', last)
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
}

/** The run that was begun last. */
async function updateRun(
  kysely: Kysely<Tables>,
  collectorId: string,
  change: Updateable<Tables['runs']>,
): Promise<void> {
  const latest = kysely
    .selectFrom('runs')
    .select(({ fn }) => fn.max('id').as('id'))
    .where('collector_id', '=', collectorId);
  await kysely.updateTable('runs').set(change).where('id', '=', latest).execute();
}
