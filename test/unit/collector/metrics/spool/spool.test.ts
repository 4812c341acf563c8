import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { folderDisk } from '../../../../../collector/metrics/spool/disk.ts';
import type { LineGap } from '../../../../../collector/metrics/spool/dropped-lines.ts';
import { encodeRecord } from '../../../../../collector/metrics/spool/record.ts';
import { Spool, type SpoolParts } from '../../../../../collector/metrics/spool/spool.ts';
import { temporaryFolder } from '../../../../support/folder.ts';
import { until } from '../../../../support/wait.ts';
import { FaultyDisk } from './faulty-disk.ts';

const ALL = { lines: 1_000_000, bytes: 1e9 };
const MIB = 1_048_576;

function partsOf(disk: SpoolParts['disk'], more: Partial<SpoolParts> = {}): SpoolParts & { told: string[] } {
  const told: string[] = [];
  return {
    disk,
    bounds: { maxBytes: 64 * MIB, reserveBytes: 0 },
    sync: 'second',
    gapLine: ({ reason, lines }: LineGap) => `gap ${reason} ${lines}`,
    log: { warn: (_, message) => void told.push(message) },
    told,
    ...more,
  };
}

/** Everything that waits, settled as it comes. */
async function drained(spool: Spool, most = ALL): Promise<string[]> {
  const lines: string[] = [];
  for (let batch = await spool.next(most); batch !== undefined; batch = await spool.next(most)) {
    for (const line of batch.text.split('\n')) lines.push(line);
    spool.settle(batch);
  }
  return lines;
}

/** Lines that deflate cannot make small, so that sizes are what they seem. */
function bulky(from: number, count: number, bytes: number): string[] {
  let state = from + 1;
  const letter = (): string => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return String.fromCharCode(33 + ((state >>> 16) % 90));
  };
  return Array.from({ length: count }, (_, i) => `${from + i} ${Array.from({ length: bytes }, letter).join('')}`);
}

const numbersOf = (lines: readonly string[]): number[] =>
  lines.filter((line) => /^\d/.test(line)).map((line) => Number(line.split(' ')[0]));
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

describe('the spool', () => {
  test('gives each line out once, and holds it until it is settled', async () => {
    const spool = await Spool.open(partsOf(new FaultyDisk()));
    spool.add(['a', 'b'], 1);
    spool.add(['c'], 2);
    const batch = await spool.next(ALL);
    expect(batch).toMatchObject({ text: 'a\nb\nc', lines: 3 });
    expect(await spool.next(ALL)).toBeUndefined();
    expect(spool.status).toMatchObject({ lines: 3, oldestAtMs: 1, dropped: 0, isDurable: true });
    if (batch !== undefined) spool.settle(batch);
    expect(spool.status).toEqual({ lines: 0, bytes: 0, oldestAtMs: undefined, dropped: 0, isDurable: true });
    await spool.close();
  });

  test('gives out again at the next start what was given out and not settled, and only that', async () => {
    const disk = new FaultyDisk();
    const first = await Spool.open(partsOf(disk));
    for (let i = 0; i < 4; i += 1) {
      first.add([`${i}`], i);
      await first.kept();
    }
    const batches = [await first.next({ lines: 1, bytes: 1e9 }), await first.next({ lines: 1, bytes: 1e9 })];
    if (batches[0] !== undefined) first.settle(batches[0]);
    expect(batches.map((batch) => batch?.text)).toEqual(['0', '1']);
    await first.close();
    const second = await Spool.open(partsOf(disk));
    expect(numbersOf(await drained(second))).toEqual([1, 2, 3]);
    await second.close();
  });

  test('keeps lines over the end of the process, also by a crash, and settled ones do not come back after an end in order', async () => {
    using folder = temporaryFolder();
    const first = await Spool.open(partsOf(await folderDisk(folder.path)));
    for (let i = 0; i < 10; i += 1) first.add([`${i}`], i);
    await first.kept();
    const one = await first.next({ lines: 1, bytes: 1e9 });
    if (one !== undefined) first.settle(one);
    await first.close();

    const second = await Spool.open(partsOf(await folderDisk(folder.path)));
    second.add(['10'], 10);
    await second.kept();
    // No close: the process is killed here.
    const third = await Spool.open(partsOf(await folderDisk(folder.path)));
    const left = numbersOf(await drained(third)).sort((a, b) => a - b);
    expect(left).toEqual(range(one?.lines ?? 0, 11));
    await third.close();
    await second.close();
  });

  test('gives out what comes now before what waits from an outage, and that oldest first', async () => {
    const disk = new FaultyDisk();
    const bounds = { maxBytes: 4 * MIB, reserveBytes: 0 };
    const before = await Spool.open(partsOf(disk, { bounds }));
    for (let i = 0; i < 20; i += 1) {
      before.add(bulky(i * 100, 100, 1_000), i);
      await before.kept();
    }
    await before.close();
    const spool = await Spool.open(partsOf(disk, { bounds }));
    spool.add(['9999 now'], 99);
    const order: number[] = [];
    for (
      let batch = await spool.next({ lines: 100, bytes: 1e9 });
      batch !== undefined;
      batch = await spool.next({ lines: 100, bytes: 1e9 })
    ) {
      order.push(...numbersOf(batch.text.split('\n')));
      spool.settle(batch);
      if (order.length === 501) spool.add(['10000 now'], 100);
    }
    expect(order[0]).toBe(9_999);
    expect(order[501]).toBe(10_000);
    const backlog = order.filter((number) => number < 9_000);
    expect(backlog).toEqual(range(0, 2_000));
    await spool.close();
  });

  test('keeps to its cap: the oldest give way, are counted, and declared', async () => {
    const disk = new FaultyDisk();
    const spool = await Spool.open(partsOf(disk, { bounds: { maxBytes: 2 * MIB, reserveBytes: 0 } }));
    for (let i = 0; i < 50; i += 1) {
      spool.add(bulky(i * 100, 100, 1_000), i);
      await spool.kept();
      expect(disk.size).toBeLessThanOrEqual(2 * MIB + 1_000);
    }
    const { dropped } = spool.status;
    expect(dropped).toBeGreaterThan(1_000);
    expect(spool.status.oldestAtMs).toBeGreaterThan(10);
    const lines = await drained(spool);
    const kept = numbersOf(lines).sort((a, b) => a - b);
    expect(kept).toEqual(range(5_000 - kept.length, 5_000));
    const declared = lines
      .filter((line) => line.startsWith('gap cap '))
      .reduce((sum, line) => sum + Number(line.slice(8)), 0);
    // Gap lines wait like others, and the first of them may have given way too.
    expect(kept.length + dropped).toBeGreaterThanOrEqual(5_000);
    expect(declared).toBeGreaterThan(0);
    expect(declared).toBeLessThanOrEqual(dropped);
    await spool.close();
  });

  test('leaves nothing but one file when everything is settled, however much went through', async () => {
    const disk = new FaultyDisk();
    const spool = await Spool.open(partsOf(disk, { bounds: { maxBytes: 4 * MIB, reserveBytes: 0 } }));
    for (let i = 0; i < 40; i += 1) {
      spool.add(bulky(i * 100, 100, 1_000), i);
      await drained(spool);
    }
    await spool.close();
    expect(await disk.list()).toEqual(['settled.json']);
  });

  test('takes one call of any size, and drops what comes faster than the disk', async () => {
    const spool = await Spool.open(partsOf(new FaultyDisk()));
    spool.add(range(0, 250_000).map(String), 1);
    spool.add(range(250_000, 260_000).map(String), 2);
    expect(spool.status.dropped).toBe(10_000);
    expect(numbersOf(await drained(spool))).toHaveLength(250_000);
    await spool.close();
  });
});

describe('what the disk does', () => {
  test.each(['refuse', 'tear', 'lie'] as const)(
    'a write that fails (%s) costs its own lines, is told once, and harms no others',
    async (fault) => {
      const disk = new FaultyDisk();
      const parts = partsOf(disk);
      const spool = await Spool.open(parts);
      spool.add(['1'], 1);
      await spool.kept();
      disk.faults.push(fault, fault);
      spool.add(['2'], 2);
      await spool.kept();
      spool.add(['3'], 3);
      await spool.kept();
      spool.add(['4'], 4);
      await spool.kept();
      expect(spool.status.dropped).toBe(2);
      expect(parts.told).toEqual([
        'the metrics spool cannot be written, and what comes is dropped: ENOSPC: no space left on device',
      ]);
      const lines = await drained(spool);
      expect(new Set(numbersOf(lines))).toEqual(new Set([1, 4]));
      expect(lines).toContain('gap disk 2');
      await spool.close();
      // What a failed write left behind may come after all, but only whole.
      const again = await Spool.open(partsOf(disk));
      expect(numbersOf(await drained(again)).every((number) => number === 2 || number === 3)).toBe(true);
      await again.close();
    },
  );

  test('a disk that is full takes old lines out for new ones, and leaves the reserve to the evidence', async () => {
    const disk = new FaultyDisk();
    disk.capacity = MIB;
    const spool = await Spool.open(partsOf(disk, { bounds: { maxBytes: 64 * MIB, reserveBytes: 100 * MIB } }));
    for (let i = 0; i < 40; i += 1) {
      spool.add(bulky(i * 50, 50, 1_000), i);
      await spool.kept();
      expect(disk.capacity - disk.size).toBeGreaterThanOrEqual(MIB / 20 - 1_000);
    }
    expect(spool.status.dropped).toBeGreaterThan(500);
    expect(Math.max(...numbersOf(await drained(spool)))).toBe(1_999);
    await spool.close();
  });

  test('a disk that others filled costs what comes, and is used again when there is room', async () => {
    const disk = new FaultyDisk();
    const parts = partsOf(disk, { bounds: { maxBytes: 64 * MIB, reserveBytes: 1_000 } });
    const spool = await Spool.open(parts);
    disk.capacity = 0;
    spool.add(['1'], 1);
    await spool.kept();
    expect(parts.told).toEqual([
      'the metrics spool cannot be written, and what comes is dropped: what is left of the disk is kept for the evidence',
    ]);
    disk.capacity = 1e6;
    spool.add(['2'], 2);
    expect(await drained(spool)).toEqual(['gap disk 1', '2']);
    await spool.close();
  });

  test('a disk that cannot be read for a while loses nothing', async () => {
    const disk = new FaultyDisk();
    const parts = partsOf(disk);
    const spool = await Spool.open(parts);
    spool.add(['1'], 1);
    await spool.kept();
    disk.isReadable = false;
    expect(await spool.next(ALL)).toBeUndefined();
    expect(parts.told).toEqual(['the metrics spool cannot be read, and is tried again: EIO: i/o error']);
    disk.isReadable = true;
    expect(await drained(spool)).toEqual(['1']);
    await spool.close();
  });

  test('lines that gave way while their batch was under way are settled without harm', async () => {
    const disk = new FaultyDisk();
    const spool = await Spool.open(partsOf(disk, { bounds: { maxBytes: MIB, reserveBytes: 0 } }));
    spool.add(bulky(0, 50, 1_000), 1);
    const batch = await spool.next(ALL);
    for (let i = 1; i < 30; i += 1) {
      spool.add(bulky(i * 50, 50, 1_000), i);
      await spool.kept();
    }
    if (batch !== undefined) spool.settle(batch);
    const rest = numbersOf(await drained(spool));
    expect(rest).not.toContain(0);
    expect(rest).toContain(1_499);
    await spool.close();
  });

  test('damage in the middle of a file costs the records it touches, is told and declared, and no others', async () => {
    const disk = new FaultyDisk();
    const first = await Spool.open(partsOf(disk));
    for (let i = 0; i < 20; i += 1) {
      first.add([`${i}`], i);
      await first.kept();
    }
    await first.close();
    const record = await encodeRecord(['7'], 7);
    disk.damage('000000000001.spool', (bytes) => {
      const at = bytes.indexOf(record);
      return bytes.fill(0, at + 10, at + 20);
    });
    const parts = partsOf(disk);
    const second = await Spool.open(parts);
    expect(numbersOf(await drained(second))).toEqual(range(0, 20).filter((number) => number !== 7));
    expect(parts.told).toEqual(['a part of the metrics spool was damaged and is left out']);
    second.add(['20'], 20);
    expect(await drained(second)).toEqual(['gap damage 0', '20']);
    await second.close();
  });

  test('a file of nothing but zeros, as a loss of power can leave it, is left out', async () => {
    const disk = new FaultyDisk();
    const first = await Spool.open(partsOf(disk));
    first.add(['1'], 1);
    await first.close();
    disk.damage('000000000001.spool', () => Buffer.alloc(700_000));
    const second = await Spool.open(partsOf(disk));
    second.add(['2'], 2);
    expect(numbersOf(await drained(second))).toEqual([2]);
    await second.close();
    expect(await disk.list()).toEqual(['settled.json']);
  });

  test.each([
    '',
    '{',
    'null',
    '[]',
    '{"1":null}',
    '{"1":{"bytes":1e99,"lines":0}}',
    '{"1":{"bytes":-5,"lines":"x"}}',
    '{"__proto__":{"bytes":1,"lines":1}}',
  ])('a note of what is settled that is broken (%s) makes everything be sent again', async (note) => {
    const disk = new FaultyDisk();
    const first = await Spool.open(partsOf(disk));
    first.add(['1'], 1);
    await first.close();
    await disk.replace('settled.json', note);
    const second = await Spool.open(partsOf(disk));
    expect(numbersOf(await drained(second))).toEqual([1]);
    await second.close();
  });

  test('what was settled under a number is never taken for settled under another', async () => {
    const disk = new FaultyDisk();
    await disk.replace('settled.json', '{"1":{"bytes":5000,"lines":50},"7":{"bytes":5000,"lines":50}}');
    const first = await Spool.open(partsOf(disk));
    first.add(['1'], 1);
    await first.close();
    expect(await disk.list()).toContain('000000000008.spool');
    const second = await Spool.open(partsOf(disk));
    expect(numbersOf(await drained(second))).toEqual([1]);
    await second.close();
  });

  test('files of others in the folder are left alone', async () => {
    const disk = new FaultyDisk();
    await disk.replace('refused.lines', 'x');
    await disk.replace('1.spool', 'x');
    const spool = await Spool.open(partsOf(disk));
    await spool.close();
    expect(await disk.list()).toEqual(['1.spool', 'refused.lines', 'settled.json']);
  });
});

describe('when the disk is made to have it', () => {
  test('each: a loss of power takes nothing that can have been sent', async () => {
    const disk = new FaultyDisk();
    const spool = await Spool.open(partsOf(disk, { sync: 'each' }));
    spool.add(['1'], 1);
    await spool.kept();
    spool.add(['2'], 2);
    await spool.kept();
    disk.cutPower();
    const after = await Spool.open(partsOf(disk));
    expect(numbersOf(await drained(after))).toEqual([1, 2]);
  });

  test('second: one sync a second, however much comes', async () => {
    const disk = new FaultyDisk();
    const spool = await Spool.open(partsOf(disk, { sync: 'second' }));
    for (let i = 0; i < 50; i += 1) {
      spool.add([`${i}`], i);
      await spool.kept();
    }
    expect(disk.syncs).toBe(0);
    await until('a sync', () => disk.syncs > 0);
    expect(disk.syncs).toBe(1);
    disk.cutPower();
    const after = await Spool.open(partsOf(disk));
    expect(numbersOf(await drained(after))).toEqual(range(0, 50));
    await spool.close();
  });

  test('never: only the operating system decides', async () => {
    const disk = new FaultyDisk();
    const spool = await Spool.open(partsOf(disk, { sync: 'never' }));
    spool.add(['1'], 1);
    await spool.close();
    expect(disk.syncs).toBe(0);
  });
});

test('whatever happens in which order, no line is lost that was on disk, none is invented, and none comes back once settled', async () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('add' as const), count: fc.integer({ min: 1, max: 400 }) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('send' as const),
        lines: fc.integer({ min: 1, max: 600 }),
        isStored: fc.boolean(),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const), torn: fc.nat(60) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      let disk = new FaultyDisk();
      let spool = await Spool.open(partsOf(disk));
      const [stored, settledInThisRun] = [new Set<number>(), new Set<number>()];
      let added = 0;
      // Batches are settled in order: behind one that was not stored, none is settled before the next start.
      let isHeldUp = false;
      for (const each of steps) {
        if (each.kind === 'add') {
          spool.add(bulky(added, each.count, 20), added);
          await spool.kept();
          added += each.count;
        } else if (each.kind === 'send') {
          const batch = await spool.next({ lines: each.lines, bytes: 1e9 });
          const numbers = numbersOf(batch?.text.split('\n') ?? []);
          expect(numbers.some((number) => settledInThisRun.has(number))).toBe(false);
          isHeldUp ||= !each.isStored;
          if (batch === undefined || isHeldUp) continue;
          for (const number of numbers) {
            stored.add(number);
            settledInThisRun.add(number);
          }
          spool.settle(batch);
        } else {
          if (each.kind === 'restart') await spool.close();
          disk = disk.left();
          const newest = (await disk.list()).findLast((name) => name.endsWith('.spool'));
          // What was being written when it was killed stands behind the last record.
          if (each.kind === 'crash' && newest !== undefined) {
            const half = (await encodeRecord(['never finished'], 1)).subarray(0, each.torn);
            disk.damage(newest, (bytes) => Buffer.concat([bytes, half.subarray(0, -1)]));
          }
          spool = await Spool.open(partsOf(disk));
          settledInThisRun.clear();
          isHeldUp = false;
        }
      }
      await spool.close();
      spool = await Spool.open(partsOf(disk.left()));
      for (const number of numbersOf(await drained(spool))) stored.add(number);
      await spool.close();
      expect([...stored].sort((a, b) => a - b)).toEqual(range(0, added));
    }),
    { numRuns: 60 },
  );
});
