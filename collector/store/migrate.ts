import type { Kysely } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { CollectorError } from '../errors.ts';
import * as first from './migrations/0001-first.ts';
import type { Tables } from './schema.ts';

/** All migrations by name, in order. A migration that was released is never edited. */
const MIGRATIONS: Readonly<Record<string, Migration>> = { '0001-first': first };

/**
 * Brings the schema up to date. Rejects with `CollectorError('newer-schema')` when a newer version of Rollcall wrote
 * the database, and leaves it as it is.
 */
export async function migrate(
  database: Kysely<Tables>,
  migrations: Readonly<Record<string, Migration>> = MIGRATIONS,
): Promise<void> {
  const migrator = new Migrator({
    db: database,
    provider: { getMigrations: () => Promise.resolve({ ...migrations }) },
  });
  const { error, results } = await migrator.migrateToLatest();
  if (error === undefined) return;
  const failed = results?.find((result) => result.status === 'Error')?.migrationName;
  if (failed !== undefined) {
    throw new CollectorError('store', `migrating the database: ${failed} failed`, { cause: error });
  }
  throw new CollectorError('newer-schema', 'opening the database: it was written by a newer version', {
    cause: error,
    hint: 'start the newer version again, or restore the backup that was made before the upgrade',
  });
}
