import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { linesOf, pointsOf } from '../../../../collector/metrics/points.ts';
import { parseLine } from '../../../support/line-protocol.ts';
import { snapshotOf } from '../../../support/snapshot.ts';

describe('a snapshot as lines', () => {
  test('has the measurements, tags and typed fields that are promised', () => {
    expect(linesOf(pointsOf(snapshotOf(), { city: 'suzhou' }))).toEqual([
      'device_connections,category=running,city=suzhou,enterprise=jinhua,protocol=modbus live_today=2i,online=2i,registered=3i,verified=1i 1767225600000',
      'devices,category=running,city=suzhou online=2i,registered=3i,verified=1i 1767225600000',
      'devices,category=processing,city=suzhou online=0i,registered=0i,verified=0i 1767225600000',
      'protocols,city=suzhou,family=modbus devices=3i,verified=1i 1767225600000',
      'source_health,city=suzhou,protocol=modbus,source=line-1 dropped=0i,errors=2i,last_cycle_age_ms=250i,reconnects=1i,up=1i 1767225600000',
      'collector,city=suzhou loop_lag_ms=1.5,rss_bytes=90000000i,series=42i,series_capped=3i,spool_bytes=700i,spool_dropped=5i,spool_lag_s=10,spool_rejected=1i,tally_dirty=12i 1767225600000',
    ]);
  });

  test('leaves out what nobody knows yet', () => {
    const [source] = snapshotOf().sources;
    if (source === undefined) throw new Error('the snapshot has a source');
    const lines = linesOf(
      pointsOf(snapshotOf({ sources: [{ ...source, isUp: false, lastCycleAgeMs: undefined }] }), {}),
    );
    expect(lines.find((line) => line.startsWith('source_health'))).toBe(
      'source_health,protocol=modbus,source=line-1 dropped=0i,errors=2i,reconnects=1i,up=0i 1767225600000',
    );
  });

  test('gives a series to each device where that is wanted', () => {
    const activity = [
      { device: 'd1', category: 'moving', protocol: 'mqtt', observations: 9, bad: 0, rttMs: undefined },
      { device: 'd2', category: 'running', protocol: 'modbus', observations: 8, bad: 1, rttMs: 16 },
    ];
    expect(
      linesOf(pointsOf(snapshotOf({ activity }), {})).filter((line) => line.startsWith('device_activity')),
    ).toEqual([
      'device_activity,category=moving,device=d1,protocol=mqtt bad=0i,observations=9i 1767225600000',
      'device_activity,category=running,device=d2,protocol=modbus bad=1i,observations=8i,rtt_ms=16 1767225600000',
    ]);
  });

  test('is the same twice: sending again makes no new point', () => {
    expect(linesOf(pointsOf(snapshotOf(), {}))).toEqual(linesOf(pointsOf(snapshotOf(), {})));
  });

  test('survives any tag value: each line is one point of the series that was meant', () => {
    const hostile = fc.string({
      unit: fc.constantFrom('\\', ',', '=', ' ', '"', '\n', '\r', '\t', 'a', '点', '#', "'"),
      maxLength: 12,
    });
    fc.assert(
      fc.property(hostile, hostile, (enterprise, city) => {
        const [row] = snapshotOf().connections;
        if (row === undefined) throw new Error('the snapshot has a row');
        const lines = linesOf(pointsOf(snapshotOf({ connections: [{ ...row, enterprise }] }), { city }));
        const parsed = lines.map(parseLine);
        expect(parsed.filter((point) => typeof point === 'string')).toEqual([]);
        const [first] = parsed;
        if (typeof first !== 'object') throw new Error('the first line is a point');
        expect(Object.keys(first.tags).sort()).toEqual(['category', 'city', 'enterprise', 'protocol']);
        expect(Object.keys(first.fields).sort()).toEqual(['live_today', 'online', 'registered', 'verified']);
        expect(lines.join('\n').split('\n')).toHaveLength(lines.length);
      }),
    );
  });
});
