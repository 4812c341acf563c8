import type { HistoryRow, HistoryStep, HistoryStore } from './contract.ts';
import type { SqliteDatabase } from './database.ts';

/** Hourly and daily figures in SQLite. */
export class SqliteHistoryStore implements HistoryStore {
  readonly #database: SqliteDatabase;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  save(rows: readonly HistoryRow[]): Promise<void> {
    return this.#database.transaction('saving history', async ({ kysely }) => {
      for (const { step, startMs: start_at, category, samples, registered, verified, ...online } of rows) {
        const figures = {
          samples,
          registered,
          verified,
          online_min: online.onlineMin,
          online_max: online.onlineMax,
          online_sum: online.onlineSum,
        };
        await kysely
          .insertInto('history')
          .values({ step, start_at, category, ...figures })
          .onConflict((conflict) => conflict.columns(['step', 'start_at', 'category']).doUpdateSet(figures))
          .execute();
      }
    });
  }

  read(step: HistoryStep, { fromMs, toMs }: { fromMs: number; toMs: number }): Promise<readonly HistoryRow[]> {
    return this.#database.read('reading history', async (kysely) => {
      const rows = await kysely
        .selectFrom('history')
        .selectAll()
        .where('step', '=', step)
        .where('start_at', '>=', fromMs)
        .where('start_at', '<', toMs)
        .orderBy('start_at')
        .orderBy('category')
        .execute();
      return rows.map((row) => ({
        step,
        startMs: row.start_at,
        category: row.category,
        samples: row.samples,
        registered: row.registered,
        verified: row.verified,
        onlineMin: row.online_min,
        onlineMax: row.online_max,
        onlineSum: row.online_sum,
      }));
    });
  }

  trim(step: HistoryStep, beforeMs: number): Promise<void> {
    return this.#database.transaction('trimming history', async ({ kysely }) => {
      await kysely.deleteFrom('history').where('step', '=', step).where('start_at', '<', beforeMs).execute();
    });
  }
}
