import type { Clock } from '../../protocols/contract.ts';
import type { InfluxConfig } from '../config/config.ts';
import { type InfluxParts, influxWriter } from './influx.ts';
import type { InfluxStatus, InfluxWriter } from './influx-writer.ts';
import { MetricsPublisher } from './publisher.ts';
import type { SnapshotTaker } from './take-snapshot.ts';

/** A publisher takes a snapshot each interval; this much later it hangs. */
const LATE_MS = 120_000;

export interface InfluxOutputParts extends Omit<InfluxParts, 'config'> {
  readonly taker: SnapshotTaker;
  readonly clock: Clock;
}

/** Metrics to InfluxDB as configured, and as configured anew. */
export class InfluxOutput {
  readonly #parts: InfluxOutputParts;
  #writer: InfluxWriter | undefined;
  #publisher: MetricsPublisher | undefined;

  constructor(parts: InfluxOutputParts) {
    this.#parts = parts;
  }

  /** Undefined where nothing is written. */
  get status(): InfluxStatus | undefined {
    return this.#writer?.status;
  }

  /** Ends what is written at the moment, and begins again as configured. What waits on disk waits for the new server. */
  async use(config: InfluxConfig): Promise<void> {
    await this.stop();
    const { taker, clock, log, watch } = this.#parts;
    const { interval: intervalMs, deviceActivity, tags } = config;
    const writer = await influxWriter({ ...this.#parts, config });
    const loop = watch.loop('metrics', intervalMs + LATE_MS);
    this.#writer = writer;
    this.#publisher = new MetricsPublisher({ taker, writer, intervalMs, deviceActivity, tags, clock, log, loop });
    this.#publisher.start();
  }

  async stop(): Promise<void> {
    await this.#publisher?.stop();
    this.#publisher = undefined;
    this.#writer = undefined;
  }
}
