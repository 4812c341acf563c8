import { type Kysely, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { CollectorError } from '../errors.ts';
import type { Connection } from './connection.ts';
import { inTransaction } from './database.ts';
import { reasonOf } from './failure.ts';
import * as first from './migrations/0001-first.ts';
import * as history from './migrations/0002-history.ts';
import type { Tables } from './schema.ts';

/** Migrations by name; they are applied in the order of their names. */
export type Migrations = Readonly<Record<string, Migration>>;

/** All migrations. One that was released is never edited. */
const MIGRATIONS: Migrations = { '0001-first': first, '0002-history': history };

const MIGRATION_TABLE = 'kysely_migration';

/**
 * Brings the schema up to date, in one transaction: a process that dies in the middle has changed nothing. Rejects
 * with `CollectorError`: `newer-schema` when a newer version wrote the database, `store` when a migration fails; the
 * database is then left as it was.
 */
export async function migrate(connection: Connection, migrations: Migrations = MIGRATIONS): Promise<void> {
  await inTransaction(connection, 'IMMEDIATE', async ({ kysely }) => {
    refuseNewer(await applied(kysely), migrations);
    const migrator = new Migrator({
      db: kysely,
      provider: { getMigrations: () => Promise.resolve({ ...migrations }) },
      migrationTableName: MIGRATION_TABLE,
    });
    const { error, results } = await migrator.migrateToLatest();
    if (error === undefined) return;
    const failed = results?.find(({ status }) => status === 'Error')?.migrationName ?? 'the list of migrations';
    throw new CollectorError('store', `migrating the database: ${failed}: ${reasonOf(error)}`, {
      cause: error,
      hint: 'the database is as it was; start the version that wrote it, and report this',
    });
  });
}

/**
 * For commands beside a collector, which must not change the schema under it: refuses a database of another version.
 * Rejects with `CollectorError`: `newer-schema`, or `store` when the database waits for its collector to migrate it.
 */
export async function requireCurrentSchema(kysely: Kysely<Tables>, migrations: Migrations = MIGRATIONS): Promise<void> {
  const names = await applied(kysely);
  refuseNewer(names, migrations);
  if (Object.keys(migrations).every((name) => names.includes(name))) return;
  throw new CollectorError('store', 'opening the database: it was written by an older version', {
    hint: 'start the collector of this version once; it brings the database up to date',
  });
}

function refuseNewer(names: readonly string[], migrations: Migrations): void {
  const unknown = names.filter((name) => migrations[name] === undefined);
  if (unknown.length === 0) return;
  throw new CollectorError(
    'newer-schema',
    `opening the database: it was written by a newer version (${unknown.join(', ')})`,
    { hint: 'start the newer version again, or restore the backup that was made before the upgrade' },
  );
}

/** Names of the migrations that the database has seen; empty for a new file. */
async function applied(kysely: Kysely<Tables>): Promise<readonly string[]> {
  const tables = await sql`select 1 from sqlite_schema where type = 'table' and name = ${MIGRATION_TABLE}`.execute(
    kysely,
  );
  if (tables.rows.length === 0) return [];
  const { rows } = await sql<{ name: string }>`select name from ${sql.table(MIGRATION_TABLE)} order by name`.execute(
    kysely,
  );
  return rows.map(({ name }) => name);
}
