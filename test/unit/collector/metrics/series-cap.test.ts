import { describe, expect, test } from 'vitest';
import { SeriesCap } from '../../../../collector/metrics/series-cap.ts';

describe('the cap of series', () => {
  test('lets known series pass for ever, leaves further ones out, counts them, and says so once', () => {
    const told: number[] = [];
    const cap = new SeriesCap(2, (most) => void told.push(most));
    expect(cap.admit(['m,t=a v=1 1', 'm,t=b v=1 1'])).toEqual(['m,t=a v=1 1', 'm,t=b v=1 1']);
    expect(cap.admit(['m,t=c v=1 2', 'm,t=a v=2 2', 'n,t=a v=2 2'])).toEqual(['m,t=a v=2 2']);
    expect(cap.admit(['m,t=b v=3 3', 'm,t=c v=3 3'])).toEqual(['m,t=b v=3 3']);
    expect([cap.series, cap.capped, told]).toEqual([2, 3, [2]]);
  });

  test('knows a series by measurement and tags: not by fields or time, and past escaped spaces', () => {
    const cap = new SeriesCap(100, () => {});
    cap.admit(['m,t=a v=1 1', 'm,t=a w=2,v=9 7', String.raw`m,t=a\ b v=1 1`, String.raw`m,t=a\ c v=1 1`]);
    expect(cap.series).toBe(3);
  });

  test('tells a hundred thousand series apart', () => {
    const cap = new SeriesCap(1_000_000, () => {});
    cap.admit(Array.from({ length: 100_000 }, (_, i) => `device_activity,device=machine-${i},protocol=mqtt bad=0i 1`));
    expect(cap.series).toBe(100_000);
  });
});
