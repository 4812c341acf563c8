import { existsSync, mkdirSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CollectorError } from '../errors.ts';
import type { Store } from './contract.ts';
import { doing, openConnection, Turns } from './database.ts';
import { SqliteEvidenceStore } from './evidence-store.ts';
import { type FolderLock, lockFolder } from './folder-lock.ts';
import { migrate } from './migrate.ts';
import { SqliteRegisterStore } from './register-store.ts';
import { SqliteTokenStore } from './token-store.ts';

const DATABASE_FILE = 'rollcall.db';

/**
 * Opens the SQLite store of a data folder.
 *
 * - `write`: for the collector. Makes the folder, takes it exclusively, brings the schema up to date. Rejects with
 *   `CollectorError`: `already-running`, `newer-schema`, `store`.
 * - `share`: for commands beside a running collector: reads, and short writes that wait their turn. Rejects with
 *   `store` where there is no database yet.
 */
export async function openSqliteStore({ folder, mode }: { folder: string; mode: 'write' | 'share' }): Promise<Store> {
  const file = join(folder, DATABASE_FILE);
  let lock: FolderLock | undefined;
  if (mode === 'write') {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    lock = lockFolder(folder);
  } else if (!existsSync(file)) {
    throw new CollectorError('store', `there is no database in ${folder}`, {
      hint: 'name the data folder with --data, or start the collector there first',
    });
  }
  try {
    return await doing(`opening ${file}`, async () => {
      const writer = openConnection(file, 'write');
      if (mode === 'write') await migrate(writer.kysely);
      const reader = openConnection(file, 'read');
      const turns = new Turns();
      return {
        evidence: new SqliteEvidenceStore(writer, reader, turns),
        register: new SqliteRegisterStore(writer, reader, turns),
        tokens: new SqliteTokenStore(writer, turns),
        sizeBytes: () => sizeOf([file, `${file}-wal`]),
        async close(): Promise<void> {
          await turns.take(() => Promise.resolve());
          reader.bare.close();
          writer.bare.close();
          lock?.release();
        },
      };
    });
  } catch (error) {
    lock?.release();
    throw error;
  }
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
