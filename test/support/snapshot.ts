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
        queueDelayMs: 12,
      },
    ],
    activity: [],
    collector: {
      influx: {
        isWell: true,
        lines: 7,
        bytes: 700,
        lagS: 10,
        written: 100,
        dropped: 5,
        rejected: 1,
        series: 42,
        capped: 3,
      },
      health: {
        isReady: true,
        warnings: 0,
        loops: [{ loop: 'flush', overdueMs: 0 }],
        diskFreeBytes: 5_000_000_000,
        memoryLimitBytes: 1_000_000_000,
      },
      version: '1.2.3',
      observations: 120,
      addresses: 4,
      tallyDirty: 12,
      loopLagMs: 1.5,
      rssBytes: 90_000_000,
      storeBytes: 4_096,
      flushAgeMs: 900,
      flushFailures: 0,
      gaps: 2,
      ledgerSize: 0,
    },
    ...changes,
  };
}
