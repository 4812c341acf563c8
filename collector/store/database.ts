import type { Kysely } from 'kysely';
import type { Connection } from './connection.ts';
import { doing } from './failure.ts';
import type { Tables } from './schema.ts';
import { Turns } from './turns.ts';

/**
 * The database file through two connections: one that writes, one piece of work at a time, and one that reads and
 * never waits for a flush. Everything rejects with `CollectorError('store')` that says what was being done.
 */
export class SqliteDatabase {
  readonly #writer: Connection;
  readonly #reader: Connection;
  readonly #writes = new Turns();
  readonly #snapshots = new Turns();

  /** `writer` may be the reader itself, where writing shall be refused. */
  constructor(writer: Connection, reader: Connection) {
    this.#writer = writer;
    this.#reader = reader;
  }

  /** Reads what was last committed. */
  read<T>(what: string, work: (kysely: Kysely<Tables>) => Promise<T>): Promise<T> {
    return doing(what, () => work(this.#reader.kysely));
  }

  /** Several reads that see the same moment, whoever writes in between. */
  snapshot<T>(what: string, work: (kysely: Kysely<Tables>) => Promise<T>): Promise<T> {
    return doing(what, () =>
      this.#snapshots.take(() => inTransaction(this.#reader, 'DEFERRED', ({ kysely }) => work(kysely))),
    );
  }

  /** Writes all or nothing: durable once it resolves, undone when `work` rejects. */
  transaction<T>(what: string, work: (connection: Connection) => Promise<T>): Promise<T> {
    return doing(what, () => this.#writes.take(() => inTransaction(this.#writer, 'IMMEDIATE', work)));
  }

  /** Closes both connections when the writes that were asked for have ended. Later calls reject. */
  async close(): Promise<void> {
    await this.#writes.take(() => Promise.resolve());
    await this.#snapshots.take(() => Promise.resolve());
    // The writer goes last: the last connection brings the WAL into the file and removes it.
    for (const { bare } of [this.#reader, this.#writer]) if (bare.isOpen) bare.close();
  }
}

/** One transaction on a connection that nobody else uses for one. */
export async function inTransaction<T>(
  connection: Connection,
  kind: 'IMMEDIATE' | 'DEFERRED',
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const { bare } = connection;
  bare.exec(`BEGIN ${kind}`);
  try {
    const result = await work(connection);
    bare.exec('COMMIT');
    return result;
  } catch (error) {
    // A full disk or a failed write has rolled back already; a second time would hide the reason.
    if (bare.isOpen && bare.isTransaction) bare.exec('ROLLBACK');
    throw error;
  }
}
