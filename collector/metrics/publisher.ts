import type { Clock } from '../../protocols/contract.ts';
import type { Loop } from '../health/loop-watch.ts';
import type { InfluxWriter } from './influx-writer.ts';
import { linesOf, pointsOf } from './points.ts';
import type { SnapshotTaker } from './take-snapshot.ts';

/** How long the end may wait for InfluxDB to take the last lines. */
const LAST_WRITE_MS = 2_000;

export interface PublisherParts {
  readonly taker: SnapshotTaker;
  readonly writer: InfluxWriter;
  readonly intervalMs: number;
  readonly deviceActivity: boolean;
  readonly tags: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly log: { warn(fields: object, message: string): void };
  readonly loop: Loop;
}

/** Writes a snapshot at every multiple of the interval: times are aligned, so that writing again is the same point. */
export class MetricsPublisher {
  readonly #parts: PublisherParts;
  #timer: NodeJS.Timeout | undefined;
  #publishing: Promise<void> = Promise.resolve();
  #lastAtMs = 0;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#parts.writer.start();
    this.#schedule();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#publishing;
    this.#parts.loop.ended();
    await this.#parts.writer.stop(LAST_WRITE_MS);
  }

  #schedule(): void {
    const { clock, intervalMs } = this.#parts;
    const nowMs = clock.nowMs();
    const nextAtMs = Math.floor(nowMs / intervalMs + 1) * intervalMs;
    // A timer may fire a moment before its time, and that multiple has been written.
    const atMs = nextAtMs === this.#lastAtMs ? nextAtMs + intervalMs : nextAtMs;
    this.#lastAtMs = atMs;
    this.#timer = setTimeout(() => {
      this.#publishing = this.#publish(atMs).finally(() => {
        if (this.#timer !== undefined) this.#schedule();
      });
    }, atMs - nowMs);
  }

  async #publish(atMs: number): Promise<void> {
    const { taker, writer, deviceActivity, tags, log, loop } = this.#parts;
    try {
      writer.add(linesOf(pointsOf(await taker.take(atMs, deviceActivity), tags)), atMs);
    } catch (error) {
      log.warn({ err: error }, 'metrics could not be taken');
    }
    loop.turned();
  }
}
