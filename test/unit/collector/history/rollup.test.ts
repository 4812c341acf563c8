import { describe, expect, test } from 'vitest';
import { Calendar } from '../../../../collector/census/calendar.ts';
import { LoopWatch } from '../../../../collector/health/loop-watch.ts';
import { itemsOf, storedHistory } from '../../../../collector/history/reader.ts';
import { HistoryRecorder } from '../../../../collector/history/recorder.ts';
import { Rollup, stepAt } from '../../../../collector/history/rollup.ts';
import type { RollCaller } from '../../../../collector/roll/roll-caller.ts';
import type { HistoryRow } from '../../../../collector/store/contract.ts';
import { openSqliteStore } from '../../../../collector/store/sqlite.ts';
import { temporaryFolder } from '../../../support/folder.ts';

const SHANGHAI = new Calendar('Asia/Shanghai');
const at = (text: string): number => Date.parse(text);
const counts = (online: number) => ({ total: { registered: 10, online, verified: 7 } });

describe('hours and days', () => {
  test('are those of local time, also where they begin at half past and where a day has 25 hours', () => {
    expect(stepAt(SHANGHAI, 'day', at('2026-03-01T15:59:59Z')).startMs).toBe(at('2026-02-28T16:00:00Z'));
    expect(stepAt(SHANGHAI, 'day', at('2026-03-01T16:00:00Z')).startMs).toBe(at('2026-03-01T16:00:00Z'));
    const kolkata = new Calendar('Asia/Kolkata');
    expect(stepAt(kolkata, 'hour', at('2026-03-01T12:10:00Z')).startMs).toBe(at('2026-03-01T11:30:00Z'));
    const { startMs, endMs } = stepAt(new Calendar('Europe/Berlin'), 'day', at('2026-10-25T12:00:00Z'));
    expect((endMs - startMs) / 3_600_000).toBe(25);
  });
});

describe('the rollup', () => {
  test('keeps least, most and mean of what was online, and the last of the rest', () => {
    const rollup = new Rollup(SHANGHAI);
    rollup.add(at('2026-03-01T00:00:00Z'), counts(5));
    rollup.add(at('2026-03-01T00:01:00Z'), counts(2));
    const [hour, day] = rollup.add(at('2026-03-01T00:59:00Z'), counts(8));
    expect(hour).toEqual({
      step: 'hour',
      startMs: at('2026-03-01T00:00:00Z'),
      category: 'total',
      samples: 3,
      registered: 10,
      verified: 7,
      onlineMin: 2,
      onlineMax: 8,
      onlineSum: 15,
    });
    expect(day).toMatchObject({ step: 'day', startMs: at('2026-02-28T16:00:00Z'), samples: 3 });
    const [next, sameDay] = rollup.add(at('2026-03-01T01:00:00Z'), counts(1));
    expect([next?.samples, next?.onlineMax, sameDay?.samples]).toEqual([1, 1, 4]);
  });
});

describe('the recorder', () => {
  test('goes on with the hour and the day that an earlier run began: a restart loses no sample', async () => {
    using folder = temporaryFolder();
    const store = await openSqliteStore({ folder: folder.path, mode: 'write' });
    let nowMs = at('2026-03-01T00:10:30Z');
    const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
    const head = { total: { registered: 3, online: 2, verified: 1 }, byCategory: {} };
    const caller = { now: () => Promise.resolve({ head }) } as unknown as RollCaller;
    const run = async (): Promise<void> => {
      const log = { debug: () => {}, info: () => {}, warn: () => {} };
      const loop = new LoopWatch(clock).loop('history', 1);
      const recorder = new HistoryRecorder({ caller, store: store.history, calendar: SHANGHAI, clock, loop, log });
      await recorder.start();
      await recorder.sample();
      await recorder.stop();
    };
    await run();
    nowMs += 600_000;
    await run();
    nowMs += 3_600_000;
    await run();
    const reader = storedHistory(store.history, SHANGHAI);
    const hours = await reader.read({ step: 'hour', fromMs: at('2026-03-01T00:30:00Z'), toMs: nowMs });
    expect(
      hours.items.map(({ startMs, counts }) => [new Date(startMs).toISOString(), counts['total']?.online.mean]),
    ).toEqual([
      ['2026-03-01T00:00:00.000Z', 2],
      ['2026-03-01T01:00:00.000Z', 2],
    ]);
    expect(hours.items[0]?.observedShare).toBeCloseTo(2 / 60);
    const days = await reader.read({ step: 'day', fromMs: nowMs, toMs: nowMs + 1 });
    expect(days.items[0]?.observedShare).toBeCloseTo(3 / 1_440);
    await store.close();
  });

  test('forgets hours after 400 days, and keeps days', async () => {
    using folder = temporaryFolder();
    const store = await openSqliteStore({ folder: folder.path, mode: 'write' });
    const old = at('2025-01-01T00:00:00Z');
    const row: HistoryRow = {
      step: 'hour',
      startMs: old,
      category: 'total',
      samples: 1,
      registered: 1,
      verified: 1,
      onlineMin: 1,
      onlineMax: 1,
      onlineSum: 1,
    };
    await store.history.save([row, { ...row, step: 'day' }]);
    await store.history.trim('hour', at('2026-03-01T00:00:00Z'));
    const range = { fromMs: 0, toMs: at('2027-01-01T00:00:00Z') };
    expect([await store.history.read('hour', range), await store.history.read('day', range)]).toEqual([
      [],
      [{ ...row, step: 'day' }],
    ]);
    await store.close();
  });

  test('hours without a sample are missing, not zero', () => {
    expect(itemsOf([], 60_000, SHANGHAI)).toEqual([]);
  });
});
