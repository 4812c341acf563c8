import { describe, expect, test } from 'vitest';
import { PrometheusExposition } from '../../../../collector/metrics/prometheus.ts';
import { snapshotOf } from '../../../support/snapshot.ts';

const SAMPLE =
  /^[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_][a-zA-Z0-9_]*="(\\.|[^"\\])*",?)*\})? (Na[nN]|[+-]Inf|[-+0-9.e]+)$/;

describe('the Prometheus text', () => {
  test('has every figure of the snapshot under its name and labels', async () => {
    const { body, contentType } = await new PrometheusExposition().text(snapshotOf());
    expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
    for (const line of [
      'rollcall_devices{category="running",state="online"} 2',
      'rollcall_protocol_devices{family="modbus"} 3',
      'rollcall_protocol_verified_devices{family="modbus"} 1',
      'rollcall_source_up{source="line-1",protocol="modbus"} 1',
      'rollcall_source_observations_total{source="line-1",protocol="modbus"} 120',
      'rollcall_source_last_observation_age_seconds{source="line-1",protocol="modbus"} 0.2504',
      'rollcall_influx_waiting_lines 7',
      'rollcall_influx_dropped_lines_total 5',
      'rollcall_event_loop_lag_seconds 0.0015',
      '# TYPE rollcall_source_errors_total counter',
      '# TYPE rollcall_tally_dirty_rows gauge',
    ]) {
      expect(body.split('\n')).toContain(line);
    }
    expect(body).toMatch(/^process_resident_memory_bytes \d+$/m);
  });

  test('is well-formed: every sample after its help and type, only counters end in _total', async () => {
    const { body } = await new PrometheusExposition().text(snapshotOf());
    const types = new Map([...body.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]));
    const helped = new Set([...body.matchAll(/^# HELP (\S+) .+$/gm)].map(([, name]) => name));
    for (const line of body.split('\n').filter((text) => text !== '' && !text.startsWith('#'))) {
      expect(line).toMatch(SAMPLE);
      const name = (/^[^{ ]+/.exec(line)?.[0] ?? '').replace(/_(bucket|sum|count)$/, '');
      expect(types.has(name), name).toBe(true);
      expect(helped.has(name), name).toBe(true);
      if (name.startsWith('rollcall_')) expect(name.endsWith('_total'), name).toBe(types.get(name) === 'counter');
    }
  });

  test('does not add up from scrape to scrape, and forgets a source that is gone', async () => {
    const exposition = new PrometheusExposition();
    await exposition.text(snapshotOf());
    const { body } = await exposition.text(snapshotOf());
    expect(body).toContain('rollcall_source_observations_total{source="line-1",protocol="modbus"} 120\n');
    const { body: later } = await exposition.text(snapshotOf({ sources: [] }));
    expect(later).not.toContain('line-1');
  });

  test('says nothing of InfluxDB where none is written to', async () => {
    const { collector } = snapshotOf();
    const { body } = await new PrometheusExposition().text(
      snapshotOf({ collector: { ...collector, influx: undefined } }),
    );
    expect(body).not.toContain('rollcall_influx');
  });

  test('escapes labels', async () => {
    const { body } = await new PrometheusExposition().text(
      snapshotOf({ protocols: [{ family: 'a"b\\c\nd', devices: 1, verified: 0 }] }),
    );
    expect(body).toContain('rollcall_protocol_devices{family="a\\"b\\\\c\\nd"} 1');
  });
});
