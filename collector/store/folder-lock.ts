import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CollectorError } from '../errors.ts';

const LOCK_FILE = 'rollcall.lock';
const HOLDER_FILE = 'rollcall.pid';

/** Exclusive use of a data folder. */
export interface FolderLock {
  release(): void;
}

/**
 * Takes the data folder for this process. The lock is an exclusive transaction on a small SQLite file: the operating
 * system drops it when the process dies, however it dies, so there is no stale lock to remove. Throws
 * `CollectorError('already-running')` while another process, or another part of this one, holds it.
 */
export function lockFolder(folder: string): FolderLock {
  const database = new DatabaseSync(join(folder, LOCK_FILE), { timeout: 0 });
  const holderFile = join(folder, HOLDER_FILE);
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (!isBusy(error)) throw new CollectorError('store', `locking the data folder ${folder}`, { cause: error });
    throw new CollectorError('already-running', `the data folder ${folder} is in use${holder(holderFile)}`, {
      cause: error,
      hint: 'stop the other collector first, or give this one a folder of its own with --data',
    });
  }
  writeFileSync(holderFile, `${process.pid}\n`);
  return {
    release(): void {
      database.exec('ROLLBACK');
      database.close();
    },
  };
}

function isBusy(error: unknown): boolean {
  const SQLITE_BUSY = 5;
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
}

/** The file only tells who it was; whether the folder is taken is for the lock to say. */
function holder(file: string): string {
  try {
    return ` by process ${readFileSync(file, 'utf8').trim()}`;
  } catch {
    return '';
  }
}
