import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../../collector/clock.ts';
import { ResourceGuard } from '../../../../collector/health/guard.ts';
import { LoopWatch } from '../../../../collector/health/loop-watch.ts';
import { type Resources, resourcesOf } from '../../../../collector/health/resources.ts';

const GIB = 1_073_741_824;
const WELL: Resources = {
  diskFreeBytes: 50 * GIB,
  diskTotalBytes: 100 * GIB,
  rssBytes: 0.1 * GIB,
  memoryLimitBytes: GIB,
};

function guardOf(looks: Partial<Resources>[]) {
  const logged: string[] = [];
  const ended: string[] = [];
  let at = 0;
  const guard = new ResourceGuard({
    look: () => Promise.resolve({ ...WELL, ...looks[Math.min(at++, looks.length - 1)] }),
    loop: new LoopWatch(systemClock).loop('guard', 1_000),
    log: { debug: () => {}, info: () => {}, warn: (_, message) => void logged.push(message) },
    onExhausted: (why) => void ended.push(why),
  });
  return { guard, logged, ended };
}

describe('the guard of disk and memory', () => {
  test('warns of a disk that is nearly full, once, and no more when there is room again', async () => {
    const low = { diskFreeBytes: 100 * 1_048_576 };
    const { guard, logged } = guardOf([{}, low, low, {}]);
    await guard.look();
    expect(guard.warnings).toEqual([]);
    await guard.look();
    await guard.look();
    expect(guard.warnings).toEqual([expect.stringContaining('100 MiB left')]);
    expect(logged).toHaveLength(1);
    await guard.look();
    expect(guard.warnings).toEqual([]);
  });

  test('takes a small disk by its size: a twentieth is enough', async () => {
    const { guard } = guardOf([{ diskFreeBytes: 20 * 1_048_576, diskTotalBytes: 200 * 1_048_576 }]);
    await guard.look();
    expect(guard.warnings).toEqual([]);
  });

  test('warns of memory early, and asks to be ended in order, once, only when it stays short', async () => {
    const [high, exhausted] = [{ rssBytes: 0.9 * GIB }, { rssBytes: 0.97 * GIB }];
    const { guard, ended } = guardOf([high, exhausted, exhausted, high, exhausted, exhausted, exhausted, exhausted]);
    await guard.look();
    expect(guard.warnings).toEqual(['922 MiB of 1024 MiB of memory are in use']);
    for (let i = 0; i < 5; i += 1) await guard.look();
    expect(ended).toEqual([]);
    for (let i = 0; i < 4; i += 1) await guard.look();
    expect(ended).toEqual(['993 MiB of 1024 MiB of memory are in use']);
  });

  test('looks at the real disk and memory', async () => {
    const found = await resourcesOf('.');
    expect(found.diskFreeBytes).toBeGreaterThan(0);
    expect(found.diskTotalBytes).toBeGreaterThanOrEqual(found.diskFreeBytes ?? Infinity);
    expect(found.memoryLimitBytes).toBeGreaterThan(found.rssBytes);
    expect(await resourcesOf('/nowhere')).toMatchObject({ diskFreeBytes: undefined });
  });
});
