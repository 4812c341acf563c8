import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { MetricsSnapshot } from './snapshot.ts';

/** Every metric of our own: name, help, labels. Counts since start end in `_total`. */
const METRICS = {
  devices: ['rollcall_devices', 'Devices by category and state (registered, online, verified)', ['category', 'state']],
  protocolDevices: ['rollcall_protocol_devices', 'Counted devices by protocol family', ['family']],
  sourceUp: ['rollcall_source_up', '1 while the path to the source is up', ['source', 'protocol']],
  observations: ['rollcall_source_observations_total', 'Observations folded', ['source', 'protocol']],
  bad: ['rollcall_source_bad_total', 'Observations without a usable value', ['source', 'protocol']],
  dropped: [
    'rollcall_source_dropped_total',
    'Observations dropped by overflow; declared as gaps',
    ['source', 'protocol'],
  ],
  reconnects: ['rollcall_source_reconnects_total', 'Connections after the first', ['source', 'protocol']],
  errors: ['rollcall_source_errors_total', 'Lost connections and failed attempts', ['source', 'protocol']],
  age: ['rollcall_source_last_observation_age_seconds', 'Since the last observation', ['source', 'protocol']],
  tallyDirty: ['rollcall_tally_dirty_rows', 'Rows that wait for the next flush', []],
  storeBytes: ['rollcall_store_bytes', 'Size of the database', []],
  bufferLines: ['rollcall_influx_buffer_lines', 'Lines that wait for InfluxDB', []],
  bufferDropped: ['rollcall_influx_dropped_lines_total', 'Lines that gave way to newer ones', []],
  loopLag: ['rollcall_event_loop_lag_seconds', 'How late the event loop was, at most, in the last period', []],
} as const satisfies Record<string, readonly [string, string, readonly string[]]>;

type Name = keyof typeof METRICS;

/** Prometheus text of a snapshot, in a registry of its own. */
export class PrometheusExposition {
  readonly #registry = new Registry();
  readonly #gauges: Readonly<Record<Name, Gauge<string>>>;

  constructor() {
    collectDefaultMetrics({ register: this.#registry, prefix: 'rollcall_' });
    this.#gauges = Object.fromEntries(
      Object.entries(METRICS).map(([key, [name, help, labelNames]]) => [
        key,
        new Gauge({ name, help, labelNames: [...labelNames], registers: [this.#registry] }),
      ]),
    ) as Record<Name, Gauge<string>>;
  }

  async text(snapshot: MetricsSnapshot): Promise<{ contentType: string; body: string }> {
    this.#fill(snapshot);
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() };
  }

  #fill({ totals, protocols, sources, collector }: MetricsSnapshot): void {
    for (const gauge of Object.values(this.#gauges)) gauge.reset();
    for (const [category, { registered, online, verified }] of Object.entries(totals)) {
      for (const [state, value] of Object.entries({ registered, online, verified })) {
        this.#gauges.devices.set({ category, state }, value);
      }
    }
    for (const { family, devices } of protocols) this.#gauges.protocolDevices.set({ family }, devices);
    for (const { source, protocol, isUp, observations, bad, dropped, reconnects, errors, lastCycleAgeMs } of sources) {
      const labels = { source, protocol };
      this.#gauges.sourceUp.set(labels, isUp ? 1 : 0);
      this.#gauges.observations.set(labels, observations);
      this.#gauges.bad.set(labels, bad);
      this.#gauges.dropped.set(labels, dropped);
      this.#gauges.reconnects.set(labels, reconnects);
      this.#gauges.errors.set(labels, errors);
      if (lastCycleAgeMs !== undefined) this.#gauges.age.set(labels, lastCycleAgeMs / 1000);
    }
    this.#gauges.tallyDirty.set(collector.tallyDirty);
    this.#gauges.storeBytes.set(collector.storeBytes);
    this.#gauges.bufferLines.set(collector.bufferLines);
    this.#gauges.bufferDropped.set(collector.bufferDropped);
    this.#gauges.loopLag.set(collector.loopLagMs / 1000);
  }
}
