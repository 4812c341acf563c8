import type { Kysely } from 'kysely';

/** Hourly and daily figures for charts. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable('history')
    .addColumn('step', 'text', (column) => column.notNull())
    .addColumn('start_at', 'bigint', (column) => column.notNull())
    .addColumn('category', 'text', (column) => column.notNull())
    .addColumn('samples', 'integer', (column) => column.notNull())
    .addColumn('registered', 'bigint', (column) => column.notNull())
    .addColumn('verified', 'bigint', (column) => column.notNull())
    .addColumn('online_min', 'bigint', (column) => column.notNull())
    .addColumn('online_max', 'bigint', (column) => column.notNull())
    .addColumn('online_sum', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('history_key', ['step', 'start_at', 'category'])
    .execute();
}

/** Charts of the past are lost; evidence is not touched. */
export async function down(database: Kysely<unknown>): Promise<void> {
  await database.schema.dropTable('history').execute();
}
