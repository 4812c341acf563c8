import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addressStatus,
  deviceStatus,
  keepDecisive,
  livenessTimeoutMs,
  silenceWhileUp,
  type UpInterval,
} from '../../../../collector/census/presence.ts';

const MINUTE = 60_000;

function device(fields: { expectedIntervalMs?: number; livenessTimeoutMs?: number }) {
  return { expectedIntervalMs: fields.expectedIntervalMs, livenessTimeoutMs: fields.livenessTimeoutMs };
}

function evidence(fields: { live?: number; death?: number; upSince?: number; silent?: number }) {
  return {
    lastGoodAtMs: fields.live,
    lastDeathAtMs: fields.death,
    path: { upSinceMs: fields.upSince, silentWhileUpMs: fields.silent ?? 0 },
  };
}

describe('R5 status now', () => {
  it('waits the larger of five minutes and three intervals, unless the operator said otherwise', () => {
    expect(livenessTimeoutMs(device({}))).toBe(5 * MINUTE);
    expect(livenessTimeoutMs(device({ expectedIntervalMs: 1_000 }))).toBe(5 * MINUTE);
    expect(livenessTimeoutMs(device({ expectedIntervalMs: 10 * MINUTE }))).toBe(30 * MINUTE);
    expect(livenessTimeoutMs(device({ expectedIntervalMs: 10 * MINUTE, livenessTimeoutMs: 5_000 }))).toBe(5_000);
  });

  it('is never without live evidence, whatever the path', () => {
    expect(addressStatus(evidence({ upSince: 0 }), MINUTE, 1e9)).toBe('never');
    expect(addressStatus(evidence({}), MINUTE, 1e9)).toBe('never');
  });

  it('is online up to and including the timeout while the path is up', () => {
    const live = evidence({ live: 1_000, upSince: 0 });
    expect(addressStatus(live, MINUTE, 1_000 + MINUTE)).toBe('online');
    expect(addressStatus(live, MINUTE, 1_001 + MINUTE)).toBe('offline');
  });

  it('is unknown from the moment our own path is down, never offline', () => {
    expect(addressStatus(evidence({ live: 1_000 }), MINUTE, 1_001)).toBe('unknown');
    expect(addressStatus(evidence({ live: 1_000, death: 2_000 }), MINUTE, 1e9)).toBe('unknown');
    expect(addressStatus(evidence({ live: 1_000, silent: 1e8 }), MINUTE, 1e9)).toBe('unknown');
  });

  it('calls a device offline only after the path was up for the whole timeout', () => {
    const back = evidence({ live: 0, upSince: 10 * MINUTE });
    expect(addressStatus(back, 5 * MINUTE, 12 * MINUTE)).toBe('unknown');
    expect(addressStatus(back, 5 * MINUTE, 15 * MINUTE)).toBe('unknown');
    expect(addressStatus(back, 5 * MINUTE, 15 * MINUTE + 1)).toBe('offline');
  });

  it('restores offline after a restart where silence was observed before it', () => {
    expect(
      addressStatus(evidence({ live: 0, upSince: 20 * MINUTE, silent: 6 * MINUTE }), 5 * MINUTE, 20 * MINUTE + 1),
    ).toBe('offline');
  });

  it('believes an explicit death until the device is live again', () => {
    expect(addressStatus(evidence({ live: 1_000, death: 1_000, upSince: 0 }), MINUTE, 1_001)).toBe('offline');
    expect(addressStatus(evidence({ live: 1_001, death: 1_000, upSince: 0 }), MINUTE, 1_002)).toBe('online');
  });

  it('is online over any path, and unknown while any path is in doubt', () => {
    expect(deviceStatus(['offline', 'online'])).toBe('online');
    expect(deviceStatus(['offline', 'unknown'])).toBe('unknown');
    expect(deviceStatus(['never', 'offline'])).toBe('offline');
    expect(deviceStatus(['never'])).toBe('never');
    expect(deviceStatus([])).toBe('never');
  });

  it('keeps only the intervals that can decide, and decides the same with them', () => {
    const interval = fc.tuple(fc.nat(100), fc.integer({ min: 1, max: 100 })).map(([gap, length]) => ({ gap, length }));
    fc.assert(
      fc.property(fc.array(interval, { maxLength: 30 }), fc.nat(4_000), (steps, live) => {
        let at = 0;
        const all: UpInterval[] = steps.map(({ gap, length }) => {
          const fromMs = at + gap;
          at = fromMs + length;
          return { fromMs, toMs: at };
        });
        const kept = all.reduce<readonly UpInterval[]>(keepDecisive, []);
        expect(silenceWhileUp(kept, live)).toBe(silenceWhileUp(all, live));
      }),
    );
  });
});
