import { Counter, collectDefaultMetrics, Gauge, Registry, type RegistryContentType } from 'prom-client';
import { METRICS, type MetricKey } from './metric-table.ts';
import type { MetricsSnapshot } from './snapshot.ts';

type Labels = Readonly<Record<string, string>>;
type Set = (key: MetricKey, value: number, labels?: Labels) => void;

/** The two text formats that Prometheus reads: its own 0.0.4, and OpenMetrics 1.0. */
export type ExpositionFormat = 'prometheus' | 'openmetrics';

/** Text of a snapshot and of the process, in registries of its own. */
export class PrometheusExposition {
  readonly #process = new Registry();

  constructor() {
    collectDefaultMetrics({ register: this.#process });
  }

  async text(
    snapshot: MetricsSnapshot,
    format: ExpositionFormat = 'prometheus',
  ): Promise<{ contentType: string; body: string }> {
    const registry: Registry<RegistryContentType> = Registry.merge([this.#process, registryOf(snapshot)]);
    if (format === 'openmetrics') registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    return { contentType: registry.contentType, body: await registry.metrics() };
  }
}

/** A snapshot holds whole figures, so each makes a registry of its own: a series that ended is not in the next. */
function registryOf(snapshot: MetricsSnapshot): Registry {
  const registry = new Registry();
  const metrics = new Map<MetricKey, Gauge | Counter>();
  const set: Set = (key, value, labels = {}) => {
    const metric = metrics.get(key) ?? newMetric(key, registry);
    metrics.set(key, metric);
    metric.inc(labels, value);
  };
  setCounts(snapshot, set);
  for (const { source, protocol, ...row } of snapshot.sources) {
    const labels = { source, protocol };
    set('sourceUp', row.isUp ? 1 : 0, labels);
    set('observations', row.observations, labels);
    set('bad', row.bad, labels);
    set('dropped', row.dropped, labels);
    set('reconnects', row.reconnects, labels);
    set('errors', row.errors, labels);
    set('queueDelay', row.queueDelayMs / 1000, labels);
    if (row.lastCycleAgeMs !== undefined) set('age', row.lastCycleAgeMs / 1000, labels);
  }
  setCollector(snapshot.collector, set);
  return registry;
}

function setCounts({ totals, protocols }: MetricsSnapshot, set: Set): void {
  for (const [category, { registered, online, verified }] of Object.entries(totals)) {
    for (const [state, value] of Object.entries({ registered, online, verified })) {
      set('devices', value, { category, state });
    }
  }
  for (const { family, devices, verified } of protocols) {
    set('protocolDevices', devices, { family });
    set('protocolVerified', verified, { family });
  }
}

function setCollector({ influx, health, ...collector }: MetricsSnapshot['collector'], set: Set): void {
  set('build', 1, { version: collector.version });
  set('ready', health.isReady ? 1 : 0);
  set('warnings', health.warnings);
  for (const { loop, overdueMs } of health.loops) set('loopOverdue', overdueMs / 1000, { loop });
  set('folded', collector.observations);
  set('addresses', collector.addresses);
  set('tallyDirty', collector.tallyDirty);
  if (collector.flushAgeMs !== undefined) set('flushAge', collector.flushAgeMs / 1000);
  set('flushFailures', collector.flushFailures);
  set('gaps', collector.gaps);
  set('storeBytes', collector.storeBytes);
  set('ledgerSize', collector.ledgerSize);
  set('loopLag', collector.loopLagMs / 1000);
  if (health.diskFreeBytes !== undefined) set('diskFree', health.diskFreeBytes);
  set('memoryLimit', health.memoryLimitBytes);
  if (influx === undefined) return;
  set('influxUp', influx.isWell ? 1 : 0);
  set('influxLines', influx.lines);
  set('influxBytes', influx.bytes);
  set('influxLag', influx.lagS);
  set('influxWritten', influx.written);
  set('influxDropped', influx.dropped);
  set('influxRejected', influx.rejected);
  set('influxSeries', influx.series);
  set('influxCapped', influx.capped);
}

function newMetric(key: MetricKey, registry: Registry): Gauge | Counter {
  const { kind, name, help, labels } = METRICS[key];
  const options = { name, help, labelNames: [...labels], registers: [registry] };
  return kind === 'gauge' ? new Gauge(options) : new Counter(options);
}
