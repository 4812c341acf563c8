import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LineBuffer } from '../../../../collector/metrics/line-buffer.ts';

const ALL = { lines: 1e6, bytes: 1e9 };

describe('lines in memory', () => {
  test('come oldest first, and again until they are settled', async () => {
    const queue = new LineBuffer(100);
    queue.add(['a', 'b'], 1);
    queue.add(['c'], 2);
    const first = await queue.next({ lines: 2, bytes: 100 });
    expect(first?.lines).toEqual(['a', 'b']);
    expect((await queue.next(ALL))?.lines).toEqual(['a', 'b', 'c']);
    if (first !== undefined) queue.settle(first);
    expect((await queue.next(ALL))?.lines).toEqual(['c']);
    expect(queue.status).toEqual({ lines: 1, bytes: 1, dropped: 0, oldestAtMs: 2, isDurable: false });
  });

  test('fill a batch by bytes too, but never leave out a line that is larger alone', async () => {
    const queue = new LineBuffer(100);
    queue.add(['x'.repeat(50), 'y', 'z'], 1);
    expect((await queue.next({ lines: 10, bytes: 10 }))?.lines).toEqual(['x'.repeat(50)]);
    expect((await queue.next({ lines: 10, bytes: 53 }))?.lines).toHaveLength(2);
  });

  test('give way oldest first when there are too many, and are counted', async () => {
    const queue = new LineBuffer(3);
    queue.add(['a', 'b', 'c', 'd', 'e'], 1);
    expect((await queue.next(ALL))?.lines).toEqual(['c', 'd', 'e']);
    expect(queue.status).toMatchObject({ lines: 3, bytes: 3, dropped: 2 });
  });

  test('that were dropped while their batch was under way are not taken from the next one', async () => {
    const queue = new LineBuffer(3);
    queue.add(['a', 'b', 'c'], 1);
    const batch = await queue.next({ lines: 2, bytes: 100 });
    queue.add(['d'], 2);
    if (batch !== undefined) queue.settle(batch);
    expect((await queue.next(ALL))?.lines).toEqual(['c', 'd']);
    expect(queue.status.dropped).toBe(1);
  });

  test('are each settled once or dropped, whatever happens in which order', async () => {
    const step = fc.oneof(
      fc.record({ add: fc.nat(40) }),
      fc.record({ write: fc.integer({ min: 1, max: 25 }), meanwhile: fc.nat(30) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 50 }), async (steps, capacity) => {
        const queue = new LineBuffer(capacity);
        const stored: number[] = [];
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
            stored.push(...batch.lines.map(Number));
            queue.settle(batch);
          }
        }
        const { lines, dropped, bytes } = queue.status;
        const rest = (await queue.next(ALL))?.lines ?? [];
        expect(new Set(stored).size).toBe(stored.length);
        expect(stored).toEqual([...stored].sort((a, b) => a - b));
        expect(rest).toHaveLength(lines);
        expect(bytes).toBe(rest.join('').length);
        expect(rest.every((line) => !stored.includes(Number(line)))).toBe(true);
        // What was dropped under way may have been stored as well: it is counted as dropped, never twice as stored.
        expect(stored.length + lines + dropped).toBeGreaterThanOrEqual(added);
      }),
    );
  });
});
