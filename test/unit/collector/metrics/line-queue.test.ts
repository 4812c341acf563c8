import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LineBuffer } from '../../../../collector/metrics/line-buffer.ts';
import type { LineBatch } from '../../../../collector/metrics/line-queue.ts';
import type { LineGap } from '../../../../collector/metrics/spool/dropped-lines.ts';

const gapLine = ({ reason, lines }: LineGap): string => `gap ${reason} ${lines}`;
const linesOf = (batch: LineBatch | undefined): string[] => batch?.text.split('\n') ?? [];
const ALL = { lines: 1e6, bytes: 1e9 };

describe('lines in memory', () => {
  test('come oldest first and each once, and are held until they are settled', async () => {
    const queue = new LineBuffer(100, gapLine);
    queue.add(['a', 'b'], 1);
    queue.add(['c'], 2);
    const first = await queue.next({ lines: 2, bytes: 100 });
    expect(linesOf(first)).toEqual(['a', 'b']);
    expect(linesOf(await queue.next(ALL))).toEqual(['c']);
    expect(await queue.next(ALL)).toBeUndefined();
    expect(queue.status).toEqual({ lines: 3, bytes: 3, dropped: 0, oldestAtMs: 1, isDurable: false });
    if (first !== undefined) queue.settle(first);
    expect(queue.status).toEqual({ lines: 1, bytes: 1, dropped: 0, oldestAtMs: 2, isDurable: false });
  });

  test('fill a batch by bytes too, but never leave out a line that is larger alone', async () => {
    const queue = new LineBuffer(100, gapLine);
    queue.add(['x'.repeat(50), 'y', 'z'], 1);
    expect(linesOf(await queue.next({ lines: 10, bytes: 10 }))).toEqual(['x'.repeat(50)]);
    expect(linesOf(await queue.next({ lines: 10, bytes: 3 }))).toEqual(['y']);
    expect(linesOf(await queue.next({ lines: 10, bytes: 3 }))).toEqual(['z']);
  });

  test('give way oldest first when they are too long together, are counted, and declared among the next ones', async () => {
    const queue = new LineBuffer(3, gapLine);
    queue.add(['a', 'b', 'c', 'd', 'e'], 1);
    expect(linesOf(await queue.next(ALL))).toEqual(['c', 'd', 'e']);
    expect(queue.status).toMatchObject({ lines: 3, bytes: 3, dropped: 2 });
    const roomy = new LineBuffer(20, gapLine);
    roomy.add(['x'.repeat(20), 'y'], 1);
    roomy.add(['z'], 2);
    expect(linesOf(await roomy.next(ALL))).toEqual(['y', 'gap cap 1', 'z']);
    expect(roomy.status.dropped).toBe(1);
  });

  test('that were dropped while their batch was under way are not taken from the next one', async () => {
    const queue = new LineBuffer(3, gapLine);
    queue.add(['a', 'b', 'c'], 1);
    const batch = await queue.next({ lines: 2, bytes: 100 });
    queue.add(['d'], 2);
    if (batch !== undefined) queue.settle(batch);
    expect(linesOf(await queue.next(ALL))).toEqual(['c', 'd']);
    expect(queue.status.dropped).toBe(1);
  });

  test('are each settled once or dropped, whatever happens in which order', async () => {
    const step = fc.oneof(
      fc.record({ add: fc.nat(40) }),
      fc.record({ write: fc.integer({ min: 1, max: 25 }), meanwhile: fc.nat(30) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 500 }), async (steps, maxBytes) => {
        const queue = new LineBuffer(maxBytes, () => 'gap');
        const stored: string[] = [];
        let added = 0;
        const add = (count: number): void => {
          queue.add(
            Array.from({ length: count }, () => String(added++)),
            added,
          );
        };
        for (const each of steps) {
          if ('add' in each) add(each.add);
          else {
            const batch = await queue.next({ lines: each.write, bytes: 1e6 });
            add(each.meanwhile);
            if (batch === undefined) continue;
            stored.push(...linesOf(batch));
            queue.settle(batch);
          }
        }
        const { lines, dropped, bytes } = queue.status;
        const rest = linesOf(await queue.next(ALL));
        const numbers = stored.filter((line) => line !== 'gap').map(Number);
        expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
        expect(rest).toHaveLength(lines);
        expect(bytes).toBe(rest.join('').length);
        expect(bytes).toBeLessThanOrEqual(maxBytes);
        expect(rest.every((line) => line === 'gap' || !numbers.includes(Number(line)))).toBe(true);
        // What was dropped under way may have been stored as well; nothing vanishes uncounted.
        expect(stored.length + lines + dropped).toBeGreaterThanOrEqual(added);
      }),
    );
  });
});
