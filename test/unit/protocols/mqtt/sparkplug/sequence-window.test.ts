import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SequenceWindow } from '../../../../../protocols/mqtt/sparkplug/sequence-window.ts';

describe('a window over sequence numbers', () => {
  test('begins where the first message is, and goes on over 255', () => {
    const window = new SequenceWindow<number>();
    const taken = [254, 255, 0, 1].map((seq) => window.take(seq, seq));
    expect(taken).toEqual([[254], [255], [0], [1]]);
    expect(window.isWaiting).toBe(false);
  });

  test('holds what comes too early until what is missing comes', () => {
    const window = new SequenceWindow<string>();
    window.restart(0);
    expect(window.take(2, 'b')).toEqual([]);
    expect(window.take(3, 'c')).toEqual([]);
    expect(window.isWaiting).toBe(true);
    expect(window.take(1, 'a')).toEqual(['a', 'b', 'c']);
    expect(window.isWaiting).toBe(false);
  });

  test('gives up on what is missing and goes on after it', () => {
    const window = new SequenceWindow<string>();
    window.restart(250);
    for (const [seq, item] of [
      [1, 'd'],
      [255, 'b'],
      [0, 'c'],
      [253, 'a'],
    ] as const)
      window.take(seq, item);
    expect(window.release()).toEqual(['a', 'b', 'c', 'd']);
    expect(window.take(2, 'e')).toEqual(['e']);
  });

  test('lets what came before a birth follow it', () => {
    const window = new SequenceWindow<string>();
    window.restart(56);
    expect(window.take(1, 'first device')).toEqual([]);
    expect(window.restart(0)).toEqual(['first device']);
  });

  test('holds no more than 64', () => {
    const window = new SequenceWindow<number>();
    window.restart(0);
    for (let i = 0; i < 64; i++) expect(window.take(i + 2, i)).toEqual([]);
    expect(window.take(100, 100)).toBe('full');
  });

  test('gives every message once and in order, however they were mixed', () => {
    const mixed = fc
      .integer({ min: 1, max: 40 })
      .chain((count) => fc.shuffledSubarray([...Array(count).keys()], { minLength: count, maxLength: count }));
    fc.assert(
      fc.property(mixed, fc.nat(255), (order, start) => {
        const window = new SequenceWindow<number>();
        window.restart(start);
        const taken = order.flatMap((i) => {
          const ready = window.take((start + 1 + i) % 256, i);
          return ready === 'full' ? [] : ready;
        });
        expect(taken).toEqual([...Array(order.length).keys()]);
      }),
    );
  });
});
