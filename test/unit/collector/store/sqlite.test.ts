import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../../../collector/store/sqlite.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { Program } from '../../../support/program.ts';

const HOLDER = `
  import { openSqliteStore } from './collector/store/sqlite.ts';
  await openSqliteStore({ folder: process.argv[1], mode: 'write' });
  console.log('holding');
  setInterval(() => {}, 1000);`;

describe('a data folder', () => {
  it('serves one collector at a time, and names the one that has it', async () => {
    using folder = temporaryFolder();
    await using holder = new Program(process.execPath, ['--input-type=module', '--eval', HOLDER, folder.path]);
    await holder.says(/holding/);
    await expect(openSqliteStore({ folder: folder.path, mode: 'write' })).rejects.toMatchObject({
      code: 'already-running',
      message: expect.stringContaining(`in use by process ${holder.child.pid}`) as string,
      hint: expect.stringContaining('--data') as string,
    });
  });

  it('is free again when its collector was killed, with no file to remove', async () => {
    using folder = temporaryFolder();
    const holder = new Program(process.execPath, ['--input-type=module', '--eval', HOLDER, folder.path]);
    await holder.says(/holding/);
    holder.kill('SIGKILL');
    await holder.exited();
    await (await openSqliteStore({ folder: folder.path, mode: 'write' })).close();
  });

  it('can be shared by a command while the collector runs: both see what either writes', async () => {
    using folder = temporaryFolder();
    const collector = await openSqliteStore({ folder: folder.path, mode: 'write' });
    const command = await openSqliteStore({ folder: folder.path, mode: 'share' });
    await command.tokens.create({
      id: 't',
      name: 'n',
      role: 'viewer',
      sha256: 'aa'.repeat(32),
      createdAtMs: 1,
      expiresAtMs: undefined,
    });
    expect(await collector.tokens.list()).toHaveLength(1);
    await command.close();
    await collector.close();
  });

  it('that does not exist is not made by a command', async () => {
    using folder = temporaryFolder();
    await expect(openSqliteStore({ folder: join(folder.path, 'none'), mode: 'share' })).rejects.toMatchObject({
      code: 'store',
      hint: expect.stringContaining('--data') as string,
    });
  });

  it('opens twice with the same schema, and refuses one written by a newer version, leaving it as it is', async () => {
    using folder = temporaryFolder();
    for (let i = 0; i < 2; i++) await (await openSqliteStore({ folder: folder.path, mode: 'write' })).close();
    const file = join(folder.path, 'rollcall.db');
    const database = new DatabaseSync(file);
    database.exec("INSERT INTO kysely_migration VALUES ('9999-from-the-future', '2030-01-01')");
    database.close();
    await expect(openSqliteStore({ folder: folder.path, mode: 'write' })).rejects.toMatchObject({
      code: 'newer-schema',
    });
    await expect(openSqliteStore({ folder: folder.path, mode: 'write' })).rejects.toMatchObject({
      code: 'newer-schema',
    });
  });

  it('says what it was doing when the file is no database', async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, 'rollcall.db'), 'this is not a database, it is a text of more than sixteen bytes');
    await expect(openSqliteStore({ folder: folder.path, mode: 'write' })).rejects.toMatchObject({
      code: 'store',
      message: expect.stringContaining('rollcall.db') as string,
    });
  });
});
