import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CollectorError } from '../errors.ts';
import { isBusy } from './failure.ts';

const LOCK_FILE = 'rollcall.lock';
const HOLDER_FILE = 'rollcall.pid';

/** Locks of this process: one that nothing refers to would be collected as garbage, and its folder be free. */
const held = new Set<DatabaseSync>();

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
  const lock = new DatabaseSync(join(folder, LOCK_FILE), { timeout: 0 });
  const holderFile = join(folder, HOLDER_FILE);
  try {
    lock.exec('BEGIN EXCLUSIVE');
    writeFileSync(holderFile, `${process.pid}\n`);
  } catch (error) {
    lock.close();
    if (isBusy(error)) throw alreadyRunning(folder, holderOf(holderFile), error);
    throw error;
  }
  held.add(lock);
  return {
    release(): void {
      if (!held.delete(lock)) return;
      // Before the lock is given up: afterwards the file may be the next holder's.
      rmSync(holderFile, { force: true });
      lock.close();
    },
  };
}

function alreadyRunning(folder: string, holder: string | undefined, cause: unknown): CollectorError {
  const by = holder === undefined ? 'another process' : `process ${holder}`;
  return new CollectorError('already-running', `the data folder ${folder} is in use by ${by}`, {
    cause,
    hint: `stop ${by === 'another process' ? 'the other collector' : by} first, or give this collector a folder of its own with --data`,
  });
}

/** The file only tells who it was; whether the folder is taken is for the lock to say. */
function holderOf(file: string): string | undefined {
  try {
    return /^\d{1,10}$/.exec(readFileSync(file, 'utf8').trim())?.[0];
  } catch {
    return undefined;
  }
}
