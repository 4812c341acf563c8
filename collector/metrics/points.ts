import { Point } from '@influxdata/influxdb-client';
import type { MetricsSnapshot } from './snapshot.ts';
import type { LineGap } from './spool/dropped-lines.ts';

/**
 * A snapshot as InfluxDB points, time in milliseconds. The same snapshot gives the same series, times and fields, so
 * writing it twice changes nothing. Counts are integers; a missing tag value is written as `none`.
 */
export function pointsOf(snapshot: MetricsSnapshot, tags: Readonly<Record<string, string>>): Point[] {
  const points: Point[] = [];
  const point = (measurement: string, own: Readonly<Record<string, string>>): Point => {
    const made = new Point(measurement).timestamp(snapshot.atMs);
    for (const [name, value] of Object.entries({ ...tags, ...own })) made.tag(name, tagValue(value));
    points.push(made);
    return made;
  };
  for (const { category, protocol, enterprise, registered, online, liveToday, verified } of snapshot.connections) {
    point('device_connections', { category, protocol, enterprise })
      .intField('registered', registered)
      .intField('online', online)
      .intField('live_today', liveToday)
      .intField('verified', verified);
  }
  // A device with two protocols stands in two rows above, so the totals have points of their own.
  for (const [category, { registered, online, verified }] of Object.entries(snapshot.totals)) {
    point('devices', { category })
      .intField('registered', registered)
      .intField('online', online)
      .intField('verified', verified);
  }
  for (const { family, devices, verified } of snapshot.protocols) {
    point('protocols', { family }).intField('devices', devices).intField('verified', verified);
  }
  for (const { source, protocol, isUp, reconnects, errors, dropped, lastCycleAgeMs } of snapshot.sources) {
    const made = point('source_health', { source, protocol })
      .intField('up', isUp ? 1 : 0)
      .intField('reconnects', reconnects)
      .intField('errors', errors)
      .intField('dropped', dropped);
    if (lastCycleAgeMs !== undefined) made.intField('last_cycle_age_ms', Math.round(lastCycleAgeMs));
  }
  for (const { device, category, protocol, observations, bad, rttMs } of snapshot.activity) {
    const made = point('device_activity', { device, category, protocol })
      .intField('observations', observations)
      .intField('bad', bad);
    if (rttMs !== undefined) made.floatField('rtt_ms', rttMs);
  }
  const { influx, tallyDirty, loopLagMs, rssBytes } = snapshot.collector;
  const collector = point('collector', {})
    .intField('tally_dirty', tallyDirty)
    .floatField('loop_lag_ms', loopLagMs)
    .intField('rss_bytes', rssBytes);
  if (influx !== undefined) {
    collector
      .intField('spool_bytes', influx.bytes)
      .floatField('spool_lag_s', influx.lagS)
      .intField('spool_dropped', influx.dropped)
      .intField('spool_rejected', influx.rejected)
      .intField('series', influx.series)
      .intField('series_capped', influx.capped);
  }
  return points;
}

/** The line that declares an interval of which lines are missing. */
export function gapLineOf({ reason, lines, fromMs, toMs }: LineGap, tags: Readonly<Record<string, string>>): string {
  const point = new Point('spool_gap').timestamp(toMs).tag('reason', reason);
  for (const [name, value] of Object.entries(tags)) point.tag(name, tagValue(value));
  point.intField('lines', lines).intField('from_ms', fromMs).intField('to_ms', toMs);
  return point.toLineProtocol() ?? '';
}

/** The line protocol has no escape for a backslash before a comma or a space, and no empty tag value. */
function tagValue(value: string): string {
  return value === '' ? 'none' : value.replaceAll('\\', '/');
}

/** Points as lines of the line protocol; a point without fields has none. */
export function linesOf(points: readonly Point[]): string[] {
  return points.map((point) => point.toLineProtocol()).filter((line) => line !== undefined);
}
