import type { MetricsSnapshot } from '../../collector/metrics/snapshot.ts';

/** A snapshot of a small plant, with what the test changes. */
export function snapshotOf(changes: Partial<MetricsSnapshot> = {}): MetricsSnapshot {
  const count = { registered: 3, online: 2, verified: 1 };
  return {
    atMs: 1_767_225_600_000,
    connections: [{ category: 'running', protocol: 'modbus', enterprise: 'jinhua', ...count, liveToday: 2 }],
    totals: { running: count, processing: { registered: 0, online: 0, verified: 0 } },
    protocols: [{ family: 'modbus', devices: 3, verified: 1 }],
    sources: [
      {
        source: 'line-1',
        protocol: 'modbus',
        isUp: true,
        observations: 120,
        bad: 4,
        reconnects: 1,
        errors: 2,
        dropped: 0,
        lastCycleAgeMs: 250.4,
      },
    ],
    activity: [],
    collector: {
      influx: { isWell: true, lines: 7, bytes: 700, lagS: 10, written: 100, dropped: 5, rejected: 1 },
      tallyDirty: 12,
      loopLagMs: 1.5,
      rssBytes: 90_000_000,
      storeBytes: 4_096,
    },
    ...changes,
  };
}
