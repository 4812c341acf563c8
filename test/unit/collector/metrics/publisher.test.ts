import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { InfluxWriter } from '../../../../collector/metrics/influx-writer.ts';
import { MetricsPublisher } from '../../../../collector/metrics/publisher.ts';
import type { SnapshotTaker } from '../../../../collector/metrics/take-snapshot.ts';
import { snapshotOf } from '../../../support/snapshot.ts';
import { unwatched } from '../../../support/writer-parts.ts';

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000_003_500 }));
afterEach(() => void vi.useRealTimers());

function publisherOf(nowMs: () => number, take: (atMs: number) => Promise<void> = () => Promise.resolve()) {
  const times: number[] = [];
  const warnings: string[] = [];
  const taker = {
    take: async (atMs: number) => {
      await take(atMs);
      return snapshotOf({ atMs });
    },
  } as unknown as SnapshotTaker;
  const writer = {
    start: () => {},
    stop: () => Promise.resolve(),
    add: (lines: readonly string[], atMs: number) => {
      expect(lines.every((line) => line.endsWith(` ${atMs}`))).toBe(true);
      times.push(atMs);
    },
  } as unknown as InfluxWriter;
  const publisher = new MetricsPublisher({
    taker,
    writer,
    intervalMs: 10_000,
    deviceActivity: false,
    tags: {},
    clock: { nowMs, monotonicMs: () => performance.now() },
    log: { warn: (_: object, message: string) => void warnings.push(message) },
    loop: unwatched().loop,
  });
  return { publisher, times, warnings };
}

describe('the publisher', () => {
  test('writes at whole multiples of the interval', async () => {
    const { publisher, times } = publisherOf(() => Date.now());
    publisher.start();
    await vi.advanceTimersByTimeAsync(30_000);
    await publisher.stop();
    expect(times).toEqual([1_000_000_010_000, 1_000_000_020_000, 1_000_000_030_000]);
  });

  test('does not write one instant twice when a timer fires a moment early', async () => {
    const { publisher, times } = publisherOf(() => Date.now() - 2);
    publisher.start();
    await vi.advanceTimersByTimeAsync(30_000);
    await publisher.stop();
    expect(new Set(times).size).toBe(times.length);
    expect(times.length).toBeGreaterThanOrEqual(2);
  });

  test('goes on after the clock was put back', async () => {
    let offsetMs = 0;
    const { publisher, times } = publisherOf(() => Date.now() + offsetMs);
    publisher.start();
    await vi.advanceTimersByTimeAsync(10_000);
    offsetMs = -3_600_000;
    await vi.advanceTimersByTimeAsync(25_000);
    await publisher.stop();
    expect(times.length).toBeGreaterThanOrEqual(3);
    expect(times.at(-1)).toBeLessThan(1_000_000_000_000);
  });

  test('survives a snapshot that cannot be taken', async () => {
    let fails = true;
    const { publisher, times, warnings } = publisherOf(
      () => Date.now(),
      () => (fails ? Promise.reject(new Error('the store is busy')) : Promise.resolve()),
    );
    publisher.start();
    await vi.advanceTimersByTimeAsync(10_000);
    fails = false;
    await vi.advanceTimersByTimeAsync(10_000);
    await publisher.stop();
    expect([warnings, times.length]).toEqual([['metrics could not be taken'], 1]);
  });
});
