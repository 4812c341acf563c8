import { expect, test } from 'vitest';
import { LoopWatch } from '../../../../collector/health/loop-watch.ts';

test('a loop is overdue when it did not turn within its limit, and not while it rests or after it ended', () => {
  let nowMs = 0;
  const watch = new LoopWatch({ monotonicMs: () => nowMs });
  const flush = watch.loop('flush', 1_000);
  const writer = watch.loop('writer', 1_000);
  const overdue = () => Object.fromEntries(watch.states.map(({ loop, overdueMs }) => [loop, overdueMs]));
  nowMs = 1_000;
  writer.resting();
  expect(overdue()).toEqual({ flush: 0, writer: 0 });
  expect(watch.isTurning('flush')).toBe(true);
  nowMs = 3_000;
  expect(overdue()).toEqual({ flush: 2_000, writer: 0 });
  expect(watch.isTurning('flush')).toBe(false);
  flush.turned();
  writer.turned(60_000);
  nowMs = 10_000;
  expect(overdue()).toEqual({ flush: 6_000, writer: 0 });
  flush.ended();
  expect(overdue()).toEqual({ writer: 0 });
  expect(watch.isTurning('flush')).toBe(true);
});
