import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../../../collector/store/sqlite.ts';
import { flush, tallyRow } from '../../../contract/store-contract.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { Program } from '../../../support/program.ts';

const ADDRESS = {
  sourceId: 'line',
  address: 'unit/1',
  family: 'modbus',
  variant: 'tcp',
  reach: 'direct',
  firstSeenAtMs: 1,
} as const;

const TOKEN = {
  id: 't',
  name: 'n',
  role: 'viewer',
  sha256: 'aa'.repeat(32),
  createdAtMs: 1,
  expiresAtMs: undefined,
} as const;

/** A collector in the middle of a flush of many turns, when it says so. */
const FLUSHING = `
  import { openSqliteStore } from './collector/store/sqlite.ts';
  const { evidence } = await openSqliteStore({ folder: process.argv[1], mode: 'write' });
  const row = { sourceId: 'bus', family: 'mqtt', variant: '', reach: 'direct', firstSeenAtMs: 1 };
  const [addressId] = await evidence.saveAddresses([{ ...row, address: 'm' }]);
  const tallies = Array.from({ length: 60_000 }, (_, day) => ({
    addressId, day, slots: new Uint8Array(36), good: 1, uncertain: 0, bad: 0, weightless: 0, points: 1, changes: 1,
    firstGoodAtMs: 1, lastGoodAtMs: 1, lastSeenAtMs: 1, lastDeathAtMs: undefined, lastStatusCode: 0, lastDigest: 1,
    streamDigest: 1, roundTrips: new Uint32Array(16),
  }));
  const saving = evidence.save('main', { aliveAtMs: 1, tallies, paths: [], gaps: [], identities: [] });
  setImmediate(() => console.log('flushing'));
  await saving;
  setInterval(() => {}, 1000);`;

describe('a data folder', () => {
  it('serves one collector at a time', async () => {
    using folder = temporaryFolder();
    const store = await openSqliteStore({ folder: folder.path, mode: 'write' });
    await expect(openSqliteStore({ folder: folder.path, mode: 'write' })).rejects.toMatchObject({
      code: 'already-running',
    });
    await store.close();
    await (await openSqliteStore({ folder: folder.path, mode: 'write' })).close();
  });

  it('can be shared by a command while the collector runs: both see at once what either writes', async () => {
    using folder = temporaryFolder();
    const collector = await openSqliteStore({ folder: folder.path, mode: 'write' });
    const command = await openSqliteStore({ folder: folder.path, mode: 'share' });
    await command.tokens.create(TOKEN);
    expect(await collector.tokens.list()).toHaveLength(1);
    await collector.tokens.revoke('t', 5);
    expect(await command.tokens.bySha256(TOKEN.sha256)).toMatchObject({ revokedAtMs: 5 });
    await command.close();
    await collector.close();
  });

  it('lets a command wait for the end of a flush that is under way', async () => {
    using folder = temporaryFolder();
    await using collector = new Program(process.execPath, ['--input-type=module', '--eval', FLUSHING, folder.path]);
    await collector.says(/flushing/);
    const command = await openSqliteStore({ folder: folder.path, mode: 'share' });
    await command.tokens.create(TOKEN);
    expect(await command.tokens.list()).toHaveLength(1);
    await command.close();
  });

  it('tells the collector of a command that does not end its write, and takes the same flush again afterwards', async () => {
    using folder = temporaryFolder();
    const collector = await openSqliteStore({ folder: folder.path, mode: 'write' });
    const hanging = new DatabaseSync(join(folder.path, 'rollcall.db'));
    hanging.exec('BEGIN IMMEDIATE');
    const gaps = [{ sourceId: 'line', fromMs: 1, toMs: 2, reason: 'overflow', dropped: 3 }];
    await expect(collector.evidence.save('main', flush({ gaps }))).rejects.toMatchObject({
      code: 'store',
      message: expect.stringContaining('saving evidence: database is locked') as string,
      hint: expect.stringContaining('another process') as string,
    });
    hanging.close();
    await collector.evidence.save('main', flush({ gaps }));
    expect(await collector.evidence.gaps({ fromMs: 0, toMs: 9, limit: 9 })).toEqual(gaps);
    await collector.close();
  });

  it('keeps evidence for its collector alone: a command that saves some is refused', async () => {
    using folder = temporaryFolder();
    await (await openSqliteStore({ folder: folder.path, mode: 'write' })).close();
    const command = await openSqliteStore({ folder: folder.path, mode: 'share' });
    await expect(command.evidence.save('main', flush())).rejects.toMatchObject({ code: 'store' });
    await expect(command.evidence.beginRun('main', 1)).rejects.toMatchObject({
      message: expect.stringContaining('beginning a run: ') as string,
      hint: expect.stringContaining('reading only') as string,
    });
    await command.close();
  });

  it('can be opened for reading alone, beside a collector or without one', async () => {
    using folder = temporaryFolder();
    const collector = await openSqliteStore({ folder: folder.path, mode: 'write' });
    await collector.tokens.create(TOKEN);
    const reader = await openSqliteStore({ folder: folder.path, mode: 'read' });
    expect(await reader.tokens.list()).toHaveLength(1);
    expect((await reader.register.read()).devices).toEqual([]);
    await expect(reader.tokens.revoke('t', 1)).rejects.toMatchObject({ code: 'store' });
    await collector.close();
    expect(await reader.tokens.list()).toHaveLength(1);
    await reader.close();
    const alone = await openSqliteStore({ folder: folder.path, mode: 'read' });
    expect(await alone.tokens.bySha256(TOKEN.sha256)).toMatchObject({ revokedAtMs: undefined });
    await alone.close();
  });

  it('that does not exist is not made by a command', async () => {
    using folder = temporaryFolder();
    for (const mode of ['share', 'read'] as const) {
      await expect(openSqliteStore({ folder: join(folder.path, 'none'), mode })).rejects.toMatchObject({
        code: 'store',
        hint: expect.stringContaining('--data') as string,
      });
    }
    expect(existsSync(join(folder.path, 'none'))).toBe(false);
  });

  it('is for its owner alone when it is made', async () => {
    using folder = temporaryFolder();
    const made = join(folder.path, 'deep', 'data');
    await (await openSqliteStore({ folder: made, mode: 'write' })).close();
    expect(statSync(made).mode & 0o777).toBe(0o700);
  });

  it('written by a newer version is refused in every mode, and free for that version afterwards', async () => {
    using folder = temporaryFolder();
    await (await openSqliteStore({ folder: folder.path, mode: 'write' })).close();
    const database = new DatabaseSync(join(folder.path, 'rollcall.db'));
    database.exec("INSERT INTO kysely_migration VALUES ('9999-from-the-future', '2030-01-01')");
    for (const mode of ['write', 'share', 'read', 'write'] as const) {
      await expect(openSqliteStore({ folder: folder.path, mode })).rejects.toMatchObject({ code: 'newer-schema' });
    }
    database.exec("DELETE FROM kysely_migration WHERE name LIKE '9999%'");
    database.close();
    await (await openSqliteStore({ folder: folder.path, mode: 'write' })).close();
  });

  it('says what it was doing and what to do when the file is no database', async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, 'rollcall.db'), 'this is not a database, it is a text of more than sixteen bytes');
    for (const mode of ['write', 'share', 'read', 'write'] as const) {
      await expect(openSqliteStore({ folder: folder.path, mode })).rejects.toMatchObject({
        code: 'store',
        message: expect.stringContaining('rollcall.db') as string,
        hint: expect.stringContaining('backup') as string,
      });
    }
  });

  it('says so when a file stands where the folder should be', async () => {
    using folder = temporaryFolder();
    const place = join(folder.path, 'data');
    writeFileSync(place, '');
    await expect(openSqliteStore({ folder: place, mode: 'write' })).rejects.toMatchObject({ code: 'store' });
  });
});

describe('a closed store', () => {
  it('has ended what was asked of it before, refuses what is asked after, and can be closed again', async () => {
    using folder = temporaryFolder();
    const store = await openSqliteStore({ folder: folder.path, mode: 'write' });
    const asked = store.tokens.create(TOKEN);
    await store.close();
    await asked;
    await expect(store.tokens.list()).rejects.toMatchObject({ code: 'store' });
    await expect(store.evidence.save('main', flush())).rejects.toMatchObject({ code: 'store' });
    await store.close();
    const again = await openSqliteStore({ folder: folder.path, mode: 'write' });
    expect(await again.tokens.list()).toHaveLength(1);
    await again.close();
  });
});

describe('a torn write-ahead log', () => {
  const FLUSHES = 30;

  it('opens wherever it is cut or spoilt, sound, with a prefix of the flushes and no part of one', async () => {
    using folder = temporaryFolder();
    const store = await openSqliteStore({ folder: folder.path, mode: 'write' });
    const ids = await store.evidence.saveAddresses([ADDRESS, { ...ADDRESS, address: 'unit/2' }]);
    const file = join(folder.path, 'rollcall.db');
    for (let good = 1; good <= FLUSHES; good++) {
      await store.evidence.save('main', flush({ tallies: ids.map((addressId) => tallyRow({ addressId, good })) }));
    }
    const walBytes = statSync(`${file}-wal`).size;
    const tear = fc.record({ at: fc.integer({ min: 0, max: walBytes - 1 }), kind: fc.constantFrom('cut', 'spoilt') });
    await fc.assert(
      fc.asyncProperty(tear, async ({ at, kind }) => {
        using copy = temporaryFolder();
        const torn = join(copy.path, 'rollcall.db');
        copyFileSync(file, torn);
        copyFileSync(`${file}-wal`, `${torn}-wal`);
        if (kind === 'cut') truncateSync(`${torn}-wal`, at);
        else spoil(`${torn}-wal`, at);
        const opened = await openSqliteStore({ folder: copy.path, mode: 'write' });
        const rows = await opened.evidence.talliesOfDay('main', tallyRow().day);
        await opened.close();
        expect([0, ids.length]).toContain(rows.length);
        expect(new Set(rows.map(({ good }) => good)).size).toBeLessThanOrEqual(1);
        expect(integrity(torn)).toBe('ok');
      }),
      { numRuns: 25 },
    );
    await store.close();
  });
});

function spoil(file: string, at: number): void {
  const handle = openSync(file, 'r+');
  writeSync(handle, new Uint8Array(64).fill(0xa5), 0, 64, at);
  closeSync(handle);
}

function integrity(file: string): unknown {
  const database = new DatabaseSync(file, { readOnly: true });
  const answer = database.prepare('PRAGMA integrity_check').get()?.['integrity_check'];
  database.close();
  return answer;
}
