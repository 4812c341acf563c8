import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { CollectorProgram } from '../support/collector.ts';
import { temporaryFolder } from '../support/folder.ts';
import { frame, registersOf, ScriptedDevice } from '../support/scripted-device.ts';
import { until } from '../support/wait.ts';

const KILLS = 20;
const UNITS = 8;

interface Stored {
  readonly good: number;
  readonly lastSeenAtMs: number;
  readonly integrity: string;
}

function stored(folder: string): Stored {
  const database = new DatabaseSync(join(folder, 'data', 'rollcall.db'), { readOnly: true });
  const row = database
    .prepare('SELECT coalesce(sum(good), 0) AS good, coalesce(max(last_seen_at), 0) AS seen FROM tallies')
    .get();
  const check = database.prepare('PRAGMA integrity_check').get();
  database.close();
  return {
    good: Number(row?.['good']),
    lastSeenAtMs: Number(row?.['seen']),
    integrity: String(check?.['integrity_check']),
  };
}

function crashGaps(folder: string): { from_at: number; to_at: number }[] {
  const database = new DatabaseSync(join(folder, 'data', 'rollcall.db'), { readOnly: true });
  const rows = database.prepare("SELECT from_at, to_at FROM gaps WHERE reason = 'crashed' ORDER BY from_at").all();
  database.close();
  return rows as unknown as { from_at: number; to_at: number }[];
}

it(`kill -9 during intake, ${KILLS} times at random moments: the database opens, at most the last second is missing, each restart has its gap`, async () => {
  using folder = temporaryFolder();
  let answered = 0;
  await using device = new ScriptedDevice((request, socket) => {
    answered += 1;
    socket.write(frame(request.transactionId, request.unitId, registersOf(request, answered & 0xffff)));
  });
  const port = await device.listen();
  const units = Array.from({ length: UNITS }, (_, i) => ({ unitId: i + 1, points: [{ name: 'load', address: 0 }] }));
  const config = { sources: [{ id: 'line', protocol: 'modbus', host: '127.0.0.1', port, cycle: '100ms', units }] };
  const missingMs: number[] = [];
  let before = stored0();
  for (let kill = 0; kill < KILLS; kill++) {
    const collector = await CollectorProgram.start(folder.path, config);
    const seen = answered;
    await until('intake', () => answered > seen + UNITS, 20_000);
    await new Promise((resolve) => setTimeout(resolve, 900 + Math.random() * 1_100));
    collector.program.kill('SIGKILL');
    const killedAtMs = Date.now();
    await collector.program.exited();
    const after = stored(folder.path);
    expect(after.integrity).toBe('ok');
    expect(after.good).toBeGreaterThanOrEqual(before.good);
    expect(after.good).toBeLessThanOrEqual(answered);
    missingMs.push(killedAtMs - after.lastSeenAtMs);
    before = after;
  }
  const collector = await CollectorProgram.start(folder.path, config);
  await until('the last gap', () => crashGaps(folder.path).length === KILLS, 10_000);
  await collector[Symbol.asyncDispose]();
  for (const { from_at, to_at } of crashGaps(folder.path)) expect(to_at).toBeGreaterThan(from_at);
  // The machine may hold up the kill or the flush; the rule itself must show in the middle of twenty.
  missingMs.sort((a, b) => a - b);
  expect(missingMs[KILLS / 2]).toBeLessThanOrEqual(1_000);
  expect(missingMs[KILLS - 1]).toBeLessThanOrEqual(2_000);
}, 240_000);

function stored0(): Stored {
  return { good: 0, lastSeenAtMs: 0, integrity: 'ok' };
}
