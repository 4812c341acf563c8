/** One metric of `/metrics`. Names and base units as the Prometheus naming practice asks. */
export interface Metric {
  readonly kind: 'gauge' | 'counter';
  readonly name: string;
  /** Of the value: `seconds`, `bytes`, `devices`, or `1` for yes (1) and no (0). */
  readonly unit: string;
  readonly help: string;
  readonly labels: readonly string[];
}

const metric = (
  kind: Metric['kind'],
  name: string,
  unit: string,
  help: string,
  labels: readonly string[] = [],
): Metric => ({ kind, name: `rollcall_${name}`, unit, help, labels });

const SOURCE = ['source', 'protocol'] as const;

/** Every metric of our own. `docs/metrics.md` shows this table; alert rules and dashboards may use nothing else. */
export const METRICS = {
  build: metric('gauge', 'build_info', '1', 'Always 1; the version is a label', ['version']),
  ready: metric('gauge', 'ready', '1', '1 while /readyz says ready'),
  warnings: metric('gauge', 'warnings', 'warnings', 'Warnings that /readyz shows'),
  loopOverdue: metric('gauge', 'loop_overdue_seconds', 'seconds', 'By how much a loop is overdue; 0 while it turns', [
    'loop',
  ]),

  devices: metric('gauge', 'devices', 'devices', 'Devices by category and state (registered, online, verified)', [
    'category',
    'state',
  ]),
  protocolDevices: metric('gauge', 'protocol_devices', 'devices', 'Counted devices by protocol family', ['family']),
  protocolVerified: metric('gauge', 'protocol_verified_devices', 'devices', 'Verified devices by protocol family', [
    'family',
  ]),

  sourceUp: metric('gauge', 'source_up', '1', '1 while our path to the source is up', SOURCE),
  observations: metric('counter', 'source_observations_total', 'observations', 'Observations counted', SOURCE),
  bad: metric(
    'counter',
    'source_bad_observations_total',
    'observations',
    'Observations without a usable value',
    SOURCE,
  ),
  dropped: metric(
    'counter',
    'source_dropped_observations_total',
    'observations',
    'Dropped by overflow and declared as gaps',
    SOURCE,
  ),
  reconnects: metric('counter', 'source_reconnects_total', 'connections', 'Connections after the first', SOURCE),
  errors: metric('counter', 'source_errors_total', 'errors', 'Lost connections and failed attempts', SOURCE),
  age: metric('gauge', 'source_last_observation_age_seconds', 'seconds', 'Time since the last observation', SOURCE),
  queueDelay: metric(
    'gauge',
    'source_queue_delay_seconds',
    'seconds',
    'How long observations waited to be folded, at most, lately',
    SOURCE,
  ),

  folded: metric('counter', 'intake_observations_total', 'observations', 'Observations folded into the tally'),
  addresses: metric('gauge', 'intake_addresses', 'addresses', 'Addresses that were ever observed or bound'),
  tallyDirty: metric('gauge', 'tally_dirty_rows', 'rows', 'Tally rows that wait for the next flush'),
  flushAge: metric('gauge', 'last_flush_age_seconds', 'seconds', 'Time since evidence was last stored'),
  flushFailures: metric('counter', 'flush_failures_total', 'flushes', 'Flushes that the store did not take'),
  gaps: metric('counter', 'gaps_total', 'gaps', 'Intervals declared in which something may have been missed'),
  storeBytes: metric('gauge', 'store_bytes', 'bytes', 'Size of the database'),
  ledgerSize: metric(
    'gauge',
    'ledger_size_leaves',
    'leaves',
    'Leaves of the transparency log; 0 while none is written',
  ),

  loopLag: metric('gauge', 'event_loop_lag_seconds', 'seconds', 'How late the event loop was, at most, lately'),
  diskFree: metric('gauge', 'disk_free_bytes', 'bytes', 'Room left for us on the disk of the data folder'),
  memoryLimit: metric('gauge', 'memory_limit_bytes', 'bytes', 'Memory that this process may use'),

  influxUp: metric('gauge', 'influx_up', '1', '1 while InfluxDB takes what is sent'),
  influxLines: metric('gauge', 'influx_waiting_lines', 'lines', 'Lines that wait for InfluxDB'),
  influxBytes: metric('gauge', 'influx_waiting_bytes', 'bytes', 'Bytes that wait for InfluxDB'),
  influxLag: metric('gauge', 'influx_lag_seconds', 'seconds', 'Age of the oldest line that waits'),
  influxWritten: metric('counter', 'influx_written_lines_total', 'lines', 'Lines that InfluxDB said it has'),
  influxDropped: metric('counter', 'influx_dropped_lines_total', 'lines', 'Lines that gave way to newer ones'),
  influxRejected: metric(
    'counter',
    'influx_rejected_lines_total',
    'lines',
    'Lines that InfluxDB refused for what they are',
  ),
  influxSeries: metric('gauge', 'influx_series', 'series', 'Distinct series written since start'),
  influxCapped: metric(
    'counter',
    'influx_capped_lines_total',
    'lines',
    'Lines left out because their series were beyond maxSeries',
  ),
} as const satisfies Record<string, Metric>;

/** The key of a metric in the table. */
export type MetricKey = keyof typeof METRICS;
