import { once } from 'node:events';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { openSqliteStore } from '../../collector/store/sqlite.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Program } from '../support/program.ts';

const KILLS = 20;
const DAY = 20_500;
/** More than one turn of the event loop, so that kills also fall between the parts of a flush. */
const ROWS = 3_000;

/** Saves flush after flush as fast as it can, each one larger in every row, and prints its number once it is acknowledged. */
const SAVER = `
  import { openSqliteStore } from './collector/store/sqlite.ts';
  const [folder, rows, day] = process.argv.slice(1);
  const store = await openSqliteStore({ folder, mode: 'write' });
  const address = (i) => ({
    sourceId: 'bus', address: 'm' + i, family: 'mqtt', variant: '5.0', reach: 'direct', firstSeenAtMs: 1,
  });
  const ids = await store.evidence.saveAddresses(Array.from({ length: Number(rows) }, (_, i) => address(i)));
  const before = await store.evidence.talliesOfDay('main', Number(day));
  await store.evidence.beginRun('main', Date.now());
  for (let n = 1 + Math.max(0, ...before.map(({ good }) => good)); ; n++) {
    const tallies = ids.map((addressId) => ({
      addressId, day: Number(day), slots: new Uint8Array(36).fill(n & 255), good: n, uncertain: 0, bad: 0,
      weightless: 0, points: n, changes: n, firstGoodAtMs: 1, lastGoodAtMs: n, lastSeenAtMs: n,
      lastDeathAtMs: undefined, lastStatusCode: 0, lastDigest: n, streamDigest: n, roundTrips: new Uint32Array(16),
    }));
    await store.evidence.save('main', {
      aliveAtMs: n,
      tallies,
      paths: [{ sourceId: 'bus', fromMs: 1, toMs: n }],
      gaps: [{ sourceId: 'bus', fromMs: n, toMs: n, reason: 'overflow', dropped: n }],
      identities: [{ addressId: ids[0], atMs: n, method: 'payload', claims: JSON.stringify({ n }), raw: new Uint8Array() }],
    });
    console.log('acknowledged ' + n);
  }`;

/** Starts a saver, kills it at a random moment after its first flush, and gives the last flush it had an answer for. */
async function saveAndKill(folder: string): Promise<number> {
  const args = ['--input-type=module', '--eval', SAVER, folder, String(ROWS), String(DAY)];
  await using saver = new Program(process.execPath, args);
  const closed = once(saver.child, 'close');
  await saver.says(/acknowledged/);
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 200));
  saver.kill('SIGKILL');
  await closed;
  return Number(/acknowledged (\d+)\n[^\n]*$/.exec(saver.output)?.[1]);
}

/** The number of the last flush that is in the database, after a look that all of it is there and nothing else. */
async function lastStored(folder: string): Promise<number> {
  const store = await openSqliteStore({ folder, mode: 'write' });
  const tallies = await store.evidence.talliesOfDay('main', DAY);
  const range = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 1_000_000 };
  const gaps = await store.evidence.gaps(range);
  const paths = await store.evidence.paths(range);
  const [identity] = await store.evidence.identities(Number.MAX_SAFE_INTEGER);
  await store.close();
  const n = tallies[0]?.good ?? 0;
  expect(tallies).toHaveLength(ROWS);
  expect(new Set(tallies.map(({ good }) => good))).toEqual(new Set([n]));
  expect(gaps.map(({ fromMs }) => fromMs)).toEqual(Array.from({ length: n }, (_, i) => n - i));
  expect(paths).toEqual([{ sourceId: 'bus', fromMs: 1, toMs: n }]);
  expect(identity?.claims).toBe(JSON.stringify({ n }));
  return n;
}

function integrity(folder: string): unknown {
  const database = new DatabaseSync(join(folder, 'rollcall.db'), { readOnly: true });
  const rows = database.prepare('PRAGMA integrity_check').all();
  const violations = database.prepare('PRAGMA foreign_key_check').all();
  database.close();
  return { rows: rows.map((row) => row['integrity_check']), violations };
}

it(`kill -9 while flushes are saved, ${KILLS} times at random moments: what was acknowledged is there, at most one flush more, none in part`, async () => {
  using folder = temporaryFolder();
  for (let kill = 0; kill < KILLS; kill++) {
    const acknowledged = await saveAndKill(folder.path);
    const stored = await lastStored(folder.path);
    expect(stored).toBeGreaterThanOrEqual(acknowledged);
    expect(stored).toBeLessThanOrEqual(acknowledged + 1);
    expect(integrity(folder.path)).toEqual({ rows: ['ok'], violations: [] });
  }
}, 240_000);
