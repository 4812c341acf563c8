import { existsSync, mkdirSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CollectorError } from '../errors.ts';
import { type Connection, openConnection } from './connection.ts';
import type { Store } from './contract.ts';
import { SqliteDatabase } from './database.ts';
import { SqliteEvidenceStore } from './evidence-store.ts';
import { doing } from './failure.ts';
import { type FolderLock, lockFolder } from './folder-lock.ts';
import { SqliteHistoryStore } from './history-store.ts';
import { migrate, requireCurrentSchema } from './migrate.ts';
import { SqliteRegisterStore } from './register-store.ts';
import { SqliteTokenStore } from './token-store.ts';

const DATABASE_FILE = 'rollcall.db';

export interface SqliteStoreOptions {
  /** The data folder. */
  readonly folder: string;
  /**
   * - `write`: for the collector. Makes the folder, takes it exclusively, brings the schema up to date.
   * - `share`: for commands beside a collector: reads, and short writes to register and tokens that wait their turn.
   *   Evidence is the collector's alone: saving it is refused.
   * - `read`: the same without any writing.
   */
  readonly mode: 'write' | 'share' | 'read';
}

/**
 * Opens the SQLite store of a data folder. Rejects with `CollectorError`: `already-running` (mode `write`, another
 * collector has the folder), `newer-schema`, `store` (there is no database for a command, it cannot be opened, or a
 * migration failed).
 */
export async function openSqliteStore({ folder, mode }: SqliteStoreOptions): Promise<Store> {
  const file = join(folder, DATABASE_FILE);
  return doing(`opening ${file}`, async () => {
    if (mode === 'write') mkdirSync(folder, { recursive: true, mode: 0o700 });
    else if (!existsSync(file)) {
      throw new CollectorError('store', `there is no database in ${folder}`, {
        hint: 'name the data folder with --data, or start the collector there first',
      });
    }
    const lock = mode === 'write' ? lockFolder(folder) : undefined;
    const connections: Connection[] = [];
    try {
      const open = (access: 'write' | 'read'): Connection => {
        const connection = openConnection(file, access, mode === 'write' ? 'collector' : 'command');
        connections.push(connection);
        return connection;
      };
      const writer = open(mode === 'read' ? 'read' : 'write');
      if (mode === 'write') await migrate(writer);
      else await requireCurrentSchema(writer.kysely);
      return storeOf(file, writer, mode === 'read' ? writer : open('read'), mode, lock);
    } catch (error) {
      for (const { bare } of connections) bare.close();
      lock?.release();
      throw error;
    }
  });
}

function storeOf(
  file: string,
  writer: Connection,
  reader: Connection,
  mode: SqliteStoreOptions['mode'],
  lock: FolderLock | undefined,
): Store {
  const database = new SqliteDatabase(writer, reader);
  return {
    evidence: new SqliteEvidenceStore(mode === 'write' ? database : new SqliteDatabase(reader, reader)),
    register: new SqliteRegisterStore(database),
    tokens: new SqliteTokenStore(database),
    history: new SqliteHistoryStore(database),
    sizeBytes: () => sizeOf([file, `${file}-wal`]),
    async close(): Promise<void> {
      await doing(`closing ${file}`, () => database.close()).finally(() => lock?.release());
    },
  };
}

async function sizeOf(files: readonly string[]): Promise<number> {
  const sizes = await Promise.all(
    files.map((file) =>
      stat(file).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
