import { join } from 'node:path';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { type Connection, openConnection } from '../../../../collector/store/connection.ts';
import { type Migrations, migrate, requireCurrentSchema } from '../../../../collector/store/migrate.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { Program } from '../../../support/program.ts';

const first: Migrations = {
  '0001-first': { up: (database) => database.schema.createTable('one').addColumn('id', 'integer').execute() },
};
const second: Migrations = {
  ...first,
  '0002-second': { up: (database) => database.schema.createTable('two').addColumn('id', 'integer').execute() },
};
const broken: Migrations = {
  ...first,
  '0002-second': {
    up: async (database) => {
      await database.schema.createTable('two').addColumn('id', 'integer').execute();
      await sql`insert into nowhere values (1)`.execute(database);
    },
  },
};

/** Dies as by kill -9 while it migrates, after a part of it was done. */
const DYING = `
  import { openConnection } from './collector/store/connection.ts';
  import { migrate } from './collector/store/migrate.ts';
  await migrate(openConnection(process.argv[1], 'write', 'collector'), {
    '0001-first': { up: async (database) => {
      await database.schema.createTable('one').addColumn('id', 'integer').execute();
      process.kill(process.pid, 'SIGKILL');
      await new Promise(() => setInterval(() => {}, 1000));
    } },
  });`;

function database(folder: string): Connection & Disposable {
  const connection = openConnection(join(folder, 'rollcall.db'), 'write', 'collector');
  return { ...connection, [Symbol.dispose]: () => connection.bare.close() };
}

function tables({ bare }: Connection): unknown[] {
  const rows = bare.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'kysely%'").all();
  return rows.map(({ name }) => name);
}

describe('migrations', () => {
  it('bring a new file up to date, and an old one by what it lacks; again, they do nothing', async () => {
    using folder = temporaryFolder();
    using opened = database(folder.path);
    await migrate(opened, first);
    expect(tables(opened)).toEqual(['one']);
    await migrate(opened, second);
    await migrate(opened, second);
    expect(tables(opened)).toEqual(['one', 'two']);
  });

  it('that fail leave the database as it was, and say which and why', async () => {
    using folder = temporaryFolder();
    using opened = database(folder.path);
    await migrate(opened, first);
    await expect(migrate(opened, broken)).rejects.toMatchObject({
      code: 'store',
      message: expect.stringMatching(/0002-second: no such table: nowhere/) as string,
      hint: expect.stringContaining('as it was') as string,
    });
    expect(tables(opened)).toEqual(['one']);
    await migrate(opened, second);
    expect(tables(opened)).toEqual(['one', 'two']);
  });

  it('whose process is killed in the middle have changed nothing', async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, 'rollcall.db');
    const dying = new Program(process.execPath, ['--input-type=module', '--eval', DYING, file]);
    expect(await dying.exited()).toBe('SIGKILL');
    using opened = database(folder.path);
    expect(tables(opened)).toEqual([]);
    await migrate(opened, first);
    expect(tables(opened)).toEqual(['one']);
  });

  it('refuse a database of a newer version by name, and do not touch it', async () => {
    using folder = temporaryFolder();
    using opened = database(folder.path);
    await migrate(opened, second);
    const newer = {
      code: 'newer-schema',
      message: expect.stringContaining('0002-second') as string,
      hint: expect.stringContaining('newer version') as string,
    };
    await expect(migrate(opened, first)).rejects.toMatchObject(newer);
    await expect(requireCurrentSchema(opened.kysely, first)).rejects.toMatchObject(newer);
    expect(tables(opened)).toEqual(['one', 'two']);
  });

  it('are not for a command to make: an older database is refused with what to do', async () => {
    using folder = temporaryFolder();
    using opened = database(folder.path);
    await migrate(opened, first);
    await expect(requireCurrentSchema(opened.kysely, second)).rejects.toMatchObject({
      code: 'store',
      hint: expect.stringContaining('start the collector') as string,
    });
    await migrate(opened, second);
    await requireCurrentSchema(opened.kysely, second);
  });
});
