import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { Kysely, type SqliteDatabase, SqliteDialect, type SqliteStatement } from 'kysely';
import type { Tables } from './schema.ts';

/**
 * How long a statement waits for another process's write. The wait blocks the event loop, so the collector waits
 * shortly and tries again with its next flush, while a command may sit out a long flush.
 */
const BUSY_TIMEOUT_MS = { collector: 1_000, command: 15_000 } as const;
/** Pages kept in memory by a connection; the operating system caches the file once more. */
const CACHE_KIB = 4_000;
/** 8 MiB of WAL, then its pages go to the database file as part of a commit: some 10 ms, with the only fsync there is. */
const CHECKPOINT_PAGES = 2_000;
/** A WAL that one large flush has grown is cut back to this at the next checkpoint. */
const WAL_LIMIT_BYTES = 64 * 1_048_576;
/** Prepared statements kept by a connection, the least recently used leaves first. */
const MAX_STATEMENTS = 100;

/** One connection to the database file: through Kysely, and bare where a statement runs once a row. */
export interface Connection {
  readonly kysely: Kysely<Tables>;
  readonly bare: DatabaseSync;
}

/**
 * Opens a connection. WAL: readers and the writer do not wait for each other. `synchronous=NORMAL`: a commit survives
 * the death of the process; a loss of power may cost the last commits, never the consistency of the file.
 */
export function openConnection(file: string, access: 'write' | 'read', who: 'collector' | 'command'): Connection {
  const bare = new DatabaseSync(file, {
    readOnly: access === 'read',
    timeout: BUSY_TIMEOUT_MS[who],
    enableForeignKeyConstraints: true,
  });
  try {
    if (access === 'write') {
      bare.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
      bare.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}; PRAGMA journal_size_limit = ${WAL_LIMIT_BYTES}`);
    }
    bare.exec(`PRAGMA cache_size = -${CACHE_KIB}; PRAGMA temp_store = MEMORY`);
    bare.function('slots_or', { deterministic: true }, slotsOr);
    return { kysely: new Kysely<Tables>({ dialect: new SqliteDialect({ database: forKysely(bare) }) }), bare };
  } catch (error) {
    bare.close();
    throw error;
  }
}

/** SQLite has no OR of blobs. Throws `TypeError` where a slot map is no blob. */
function slotsOr(a: SQLOutputValue, b: SQLOutputValue): Uint8Array {
  if (!(a instanceof Uint8Array) || !(b instanceof Uint8Array)) throw new TypeError('a slot map is not a blob');
  const both = new Uint8Array(Math.max(a.length, b.length));
  for (let i = 0; i < both.length; i++) both[i] = (a[i] ?? 0) | (b[i] ?? 0);
  return both;
}

/** node:sqlite in the shape that Kysely's dialect expects, with statements prepared once. */
function forKysely(bare: DatabaseSync): SqliteDatabase {
  const prepared = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    const statement = prepared.get(sql) ?? bare.prepare(sql);
    prepared.delete(sql);
    prepared.set(sql, statement);
    if (prepared.size > MAX_STATEMENTS) prepared.delete(prepared.keys().next().value ?? sql);
    return statement;
  };
  return {
    close: () => bare.close(),
    prepare(sql): SqliteStatement {
      const statement = prepare(sql);
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...(parameters as SQLInputValue[])),
        run: (parameters) => statement.run(...(parameters as SQLInputValue[])),
        // A statement that is being stepped through cannot be shared with another query of the same text.
        iterate: (parameters) => bare.prepare(sql).iterate(...(parameters as SQLInputValue[])),
      };
    },
  };
}
