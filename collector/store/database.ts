import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite';
import { Kysely, type SqliteDatabase, SqliteDialect, type SqliteStatement } from 'kysely';
import { CollectorError } from '../errors.ts';
import type { Tables } from './schema.ts';

/** How long a statement waits for another connection's write. */
const BUSY_TIMEOUT_MS = 5_000;

/** One connection to the database file: through Kysely, and bare for the flush. */
export interface Connection {
  readonly kysely: Kysely<Tables>;
  readonly bare: DatabaseSync;
}

/**
 * Opens a connection. WAL: readers and the writer do not wait for each other. `synchronous=NORMAL`: a commit survives
 * the death of the process; a loss of power may cost the last commits, never the consistency of the file.
 */
export function openConnection(file: string, mode: 'write' | 'read'): Connection {
  const bare = new DatabaseSync(file, {
    readOnly: mode === 'read',
    timeout: BUSY_TIMEOUT_MS,
    enableForeignKeyConstraints: true,
  });
  if (mode === 'write') {
    bare.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 2000;');
    bare.function('slots_or', { deterministic: true }, slotsOr);
  }
  bare.exec('PRAGMA cache_size = -4000; PRAGMA temp_store = MEMORY;');
  return { kysely: new Kysely<Tables>({ dialect: new SqliteDialect({ database: forKysely(bare) }) }), bare };
}

/** OR of two slot maps of equal length, for the merge of a row that is there already. */
function slotsOr(a: SQLOutputValue, b: SQLOutputValue): Uint8Array {
  if (!(a instanceof Uint8Array) || !(b instanceof Uint8Array)) throw new TypeError('slot maps are blobs');
  const both = new Uint8Array(Math.max(a.length, b.length));
  for (let i = 0; i < both.length; i++) both[i] = (a[i] ?? 0) | (b[i] ?? 0);
  return both;
}

/** node:sqlite in the shape that Kysely's dialect expects. */
function forKysely(bare: DatabaseSync): SqliteDatabase {
  return {
    close: () => bare.close(),
    prepare(sql): SqliteStatement {
      const statement = bare.prepare(sql);
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...(parameters as SQLInputValue[])),
        run: (parameters) => statement.run(...(parameters as SQLInputValue[])),
        iterate: (parameters) => statement.iterate(...(parameters as SQLInputValue[])),
      };
    },
  };
}

/** Runs `work`, and says what was being done when the database fails. Errors that already speak for themselves pass. */
export async function doing<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CollectorError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new CollectorError('store', `${what}: ${reason}`, { cause: error });
  }
}

/** One piece of work at a time: a transaction on the only writing connection must not meet another. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work, work);
    this.#last = mine.catch(() => {});
    return mine;
  }
}
