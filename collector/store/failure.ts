import { CollectorError } from '../errors.ts';

/** What a person can do about a result code of SQLite (sqlite.org/rescode.html), by its lowest eight bits. */
const HINTS: Readonly<Record<number, string>> = {
  5: 'another process writes to the database; try again when it has finished',
  8: 'the database was opened for reading only, or this user may not write to it',
  10: 'look at the disk and its file system: reading or writing failed there',
  11: 'the database file is damaged; stop the collector and restore a backup',
  13: 'the disk is full; make room and the next attempt goes on',
  14: 'look whether the folder exists and whether this user may read and write it',
  26: 'the file is not a database of ours; restore a backup, or give --data another folder',
};

/** Runs `work` and says what was being done when it fails. Errors that already speak for themselves pass. */
export async function doing<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storeError(what, error);
  }
}

/** `CollectorError('store')` with what was being done, SQLite's or the system's reason, and a hint where there is one. */
export function storeError(what: string, error: unknown): CollectorError {
  if (error instanceof CollectorError) return error;
  const hint = HINTS[resultCode(error) & 0xff];
  return new CollectorError('store', `${what}: ${reasonOf(error)}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** SQLite's or the system's words for what went wrong. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Another connection holds the lock that was asked for. */
export function isBusy(error: unknown): boolean {
  return (resultCode(error) & 0xff) === 5;
}

/** SQLite's extended result code; 0 where the error is not SQLite's. */
function resultCode(error: unknown): number {
  if (!(error instanceof Error && 'errcode' in error && typeof error.errcode === 'number')) return 0;
  return error.errcode;
}
