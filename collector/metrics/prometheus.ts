import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { MetricsSnapshot } from './snapshot.ts';

const SOURCE = ['source', 'protocol'] as const;

/** Every metric of our own: kind, name, help, labels. Names and units as the Prometheus naming practice asks. */
const METRICS = {
  devices: [
    'gauge',
    'rollcall_devices',
    'Devices by category and state (registered, online, verified)',
    ['category', 'state'],
  ],
  protocolDevices: ['gauge', 'rollcall_protocol_devices', 'Counted devices by protocol family', ['family']],
  protocolVerified: ['gauge', 'rollcall_protocol_verified_devices', 'Verified devices by protocol family', ['family']],
  sourceUp: ['gauge', 'rollcall_source_up', '1 while our path to the source is up', SOURCE],
  observations: ['counter', 'rollcall_source_observations_total', 'Observations counted', SOURCE],
  bad: ['counter', 'rollcall_source_bad_observations_total', 'Observations without a usable value', SOURCE],
  dropped: [
    'counter',
    'rollcall_source_dropped_observations_total',
    'Dropped by overflow and declared as gaps',
    SOURCE,
  ],
  reconnects: ['counter', 'rollcall_source_reconnects_total', 'Connections after the first', SOURCE],
  errors: ['counter', 'rollcall_source_errors_total', 'Lost connections and failed attempts', SOURCE],
  age: ['gauge', 'rollcall_source_last_observation_age_seconds', 'Time since the last observation', SOURCE],
  tallyDirty: ['gauge', 'rollcall_tally_dirty_rows', 'Tally rows that wait for the next flush', []],
  storeBytes: ['gauge', 'rollcall_store_bytes', 'Size of the database', []],
  loopLag: ['gauge', 'rollcall_event_loop_lag_seconds', 'How late the event loop was, at most, lately', []],
  influxUp: ['gauge', 'rollcall_influx_up', '1 while InfluxDB takes what is sent', []],
  influxLines: ['gauge', 'rollcall_influx_waiting_lines', 'Lines that wait for InfluxDB', []],
  influxBytes: ['gauge', 'rollcall_influx_waiting_bytes', 'Bytes that wait for InfluxDB', []],
  influxLag: ['gauge', 'rollcall_influx_lag_seconds', 'Age of the oldest line that waits', []],
  influxWritten: ['counter', 'rollcall_influx_written_lines_total', 'Lines that InfluxDB said it has', []],
  influxDropped: ['counter', 'rollcall_influx_dropped_lines_total', 'Lines that gave way to newer ones', []],
  influxRejected: [
    'counter',
    'rollcall_influx_rejected_lines_total',
    'Lines that InfluxDB refused for what they are',
    [],
  ],
} as const satisfies Record<string, readonly ['gauge' | 'counter', string, string, readonly string[]]>;

type Name = keyof typeof METRICS;
type Labels = Readonly<Record<string, string>>;

/** Prometheus text of a snapshot and of the process, in registries of its own. */
export class PrometheusExposition {
  readonly #process = new Registry();

  constructor() {
    collectDefaultMetrics({ register: this.#process });
  }

  async text(snapshot: MetricsSnapshot): Promise<{ contentType: string; body: string }> {
    const registry = Registry.merge([this.#process, registryOf(snapshot)]);
    return { contentType: registry.contentType, body: await registry.metrics() };
  }
}

/** A snapshot holds whole figures, so each makes a registry of its own: a series that ended is not in the next. */
function registryOf({ totals, protocols, sources, collector }: MetricsSnapshot): Registry {
  const registry = new Registry();
  const metrics = new Map<Name, Gauge | Counter>();
  const set = (name: Name, value: number, labels: Labels = {}): void => {
    const metric = metrics.get(name) ?? newMetric(name, registry);
    metrics.set(name, metric);
    metric.inc(labels, value);
  };
  for (const [category, { registered, online, verified }] of Object.entries(totals)) {
    for (const [state, value] of Object.entries({ registered, online, verified })) {
      set('devices', value, { category, state });
    }
  }
  for (const { family, devices, verified } of protocols) {
    set('protocolDevices', devices, { family });
    set('protocolVerified', verified, { family });
  }
  for (const { source, protocol, ...row } of sources) {
    const labels = { source, protocol };
    set('sourceUp', row.isUp ? 1 : 0, labels);
    set('observations', row.observations, labels);
    set('bad', row.bad, labels);
    set('dropped', row.dropped, labels);
    set('reconnects', row.reconnects, labels);
    set('errors', row.errors, labels);
    if (row.lastCycleAgeMs !== undefined) set('age', row.lastCycleAgeMs / 1000, labels);
  }
  const { tallyDirty, storeBytes, loopLagMs, influx } = collector;
  set('tallyDirty', tallyDirty);
  set('storeBytes', storeBytes);
  set('loopLag', loopLagMs / 1000);
  if (influx !== undefined) {
    set('influxUp', influx.isWell ? 1 : 0);
    set('influxLines', influx.lines);
    set('influxBytes', influx.bytes);
    set('influxLag', influx.lagS);
    set('influxWritten', influx.written);
    set('influxDropped', influx.dropped);
    set('influxRejected', influx.rejected);
  }
  return registry;
}

function newMetric(key: Name, registry: Registry): Gauge | Counter {
  const [kind, name, help, labels] = METRICS[key];
  const options = { name, help, labelNames: [...labels], registers: [registry] };
  return kind === 'gauge' ? new Gauge(options) : new Counter(options);
}
