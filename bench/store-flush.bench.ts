import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TallyRow } from '../collector/store/contract.ts';
import { openSqliteStore } from '../collector/store/sqlite.ts';
import { temporaryFolder } from '../test/support/folder.ts';
import type { Bench } from './contract.ts';

const ROWS = 100_000;
const DAY = 20_500;
/** The first flush of each side inserts, the rest update. Odd, so that there is a middle one. */
const FLUSHES = 7;
const BUDGET_RATIO = 0.5;

/**
 * `save()` of 100,000 dirty rows against the least that node:sqlite needs to keep the same columns: one prepared
 * `INSERT OR REPLACE` a row in one transaction, no merge, no turns of the event loop, same journal and same fsync policy.
 */
export const bench: Bench = {
  name: 'store-flush',
  about: `rows per second of a flush with ${ROWS.toLocaleString('en')} dirty rows, against bare prepared statements`,
  async run(report) {
    using folder = temporaryFolder();
    const store = await openSqliteStore({ folder: folder.path, mode: 'write' });
    const bare = new BareTable(join(folder.path, 'bare.db'));
    const addressIds = await store.evidence.saveAddresses(
      Array.from({ length: ROWS }, (_, i) => {
        return { ...PROTOCOL, sourceId: 'bus', address: `works/hall/machine-${i}`, firstSeenAtMs: 1 };
      }),
    );
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let flush = 0; flush < FLUSHES; flush++) {
      const tallies = addressIds.map((addressId) => rowOf(addressId, flush));
      ours.push(
        await rowsPerSecond(() =>
          store.evidence.save('main', { aliveAtMs: flush, tallies, paths: [], gaps: [], identities: [] }),
        ),
      );
      theirs.push(await rowsPerSecond(() => Promise.resolve(bare.save(tallies))));
    }
    await store.close();
    bare.close();
    for (const [name, from, to] of [
      ['insert', 0, 1],
      ['update', 1, FLUSHES],
    ] as const) {
      const [measured, baseline] = [middle(ours.slice(from, to)), middle(theirs.slice(from, to))];
      const ratio = measured / baseline;
      report({
        name,
        measured,
        baseline,
        ratio,
        unit: 'rows/s',
        budget: `≥ ${BUDGET_RATIO} × bare`,
        pass: ratio >= BUDGET_RATIO,
      });
    }
  },
};

const PROTOCOL = { family: 'mqtt', variant: '5.0', reach: 'direct' } as const;

/** A machine that was heard once more since the flush before, in another slot every third flush. */
function rowOf(addressId: number, flush: number): TallyRow {
  const slots = new Uint8Array(36);
  for (let slot = 0; slot <= flush; slot += 3) slots[slot >> 3] = (slots[slot >> 3] ?? 0) | (1 << (slot & 7));
  const atMs = 1_790_000_000_000 + flush * 1_000;
  return {
    addressId,
    day: DAY,
    slots,
    good: flush + 1,
    uncertain: 0,
    bad: 0,
    weightless: 0,
    points: 5 * (flush + 1),
    changes: flush,
    firstGoodAtMs: 1_790_000_000_000,
    lastGoodAtMs: atMs,
    lastSeenAtMs: atMs,
    lastDeathAtMs: undefined,
    lastStatusCode: 0,
    lastDigest: addressId * 7_919 + flush,
    streamDigest: addressId * 104_729 + flush,
    roundTrips: new Uint32Array(16),
  };
}

async function rowsPerSecond(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await work();
  return ROWS / ((performance.now() - startMs) / 1_000);
}

function middle(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

/** What somebody writes who only wants the rows in a file. */
class BareTable {
  readonly #database: DatabaseSync;

  constructor(file: string) {
    this.#database = new DatabaseSync(file);
    this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 2000');
    const columns = Array.from({ length: 15 }, (_, i) => `c${i}`).join(', ');
    this.#database.exec(`CREATE TABLE tallies (a INTEGER, d INTEGER, ${columns}, PRIMARY KEY (a, d))`);
  }

  save(rows: readonly TallyRow[]): void {
    const insert = this.#database.prepare(`INSERT OR REPLACE INTO tallies VALUES (${Array(17).fill('?').join(', ')})`);
    this.#database.exec('BEGIN');
    for (const row of rows) {
      insert.run(
        row.addressId,
        row.day,
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
        new Uint8Array(row.roundTrips.buffer),
      );
    }
    this.#database.exec('COMMIT');
  }

  close(): void {
    this.#database.close();
  }
}
