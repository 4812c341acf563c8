import type { AdapterLog, Clock } from '../../protocols/contract.ts';
import type { Calendar } from '../census/calendar.ts';
import type { Loop } from '../health/loop-watch.ts';
import type { RollCaller } from '../roll/roll-caller.ts';
import type { HistoryStore } from '../store/contract.ts';
import { Rollup, STEPS, stepAt } from './rollup.ts';

/** Samples are taken at whole minutes. */
export const SAMPLE_MS = 60_000;
/** Hours are kept this long; days for ever: five rows each. */
const KEEP_HOURS_MS = 400 * 86_400_000;

export interface RecorderParts {
  readonly caller: Pick<RollCaller, 'now'>;
  readonly store: HistoryStore;
  readonly calendar: Calendar;
  readonly clock: Clock;
  readonly loop: Loop;
  readonly log: AdapterLog;
}

/**
 * Samples the counts once a minute into hourly and daily rows of the store. What was not sampled, because the collector
 * did not run, is missing from `samples`: an hour half observed says so and is not filled in.
 */
export class HistoryRecorder {
  readonly #parts: RecorderParts;
  readonly #rollup: Rollup;
  #timer: NodeJS.Timeout | undefined;
  #recording: Promise<void> = Promise.resolve();
  #trimmedAtMs = 0;

  constructor(parts: RecorderParts) {
    this.#parts = parts;
    this.#rollup = new Rollup(parts.calendar);
  }

  /** Takes up the hour and the day that an earlier run began, then samples until stopped. */
  async start(): Promise<void> {
    const { store, calendar, clock } = this.#parts;
    for (const step of STEPS) {
      const { startMs, endMs } = stepAt(calendar, step, clock.nowMs());
      for (const row of await store.read(step, { fromMs: startMs, toMs: endMs })) this.#rollup.restore(row);
    }
    this.#schedule();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#recording;
    this.#parts.loop.ended();
  }

  /** One sample. Never rejects: a store that fails costs the sample, and says so. */
  async sample(): Promise<void> {
    const { caller, store, clock, loop, log } = this.#parts;
    const atMs = clock.nowMs();
    try {
      const { head } = await caller.now();
      await store.save(this.#rollup.add(atMs, { ...head.byCategory, total: head.total }));
      if (Math.abs(atMs - this.#trimmedAtMs) > 86_400_000) {
        await store.trim('hour', atMs - KEEP_HOURS_MS);
        this.#trimmedAtMs = atMs;
      }
    } catch (error) {
      log.warn({ error }, 'a sample for the charts of the past could not be stored');
    }
    loop.turned();
  }

  #schedule(): void {
    const untilNextMs = SAMPLE_MS - (this.#parts.clock.nowMs() % SAMPLE_MS);
    this.#timer = setTimeout(() => {
      this.#recording = this.sample().finally(() => {
        if (this.#timer !== undefined) this.#schedule();
      });
    }, untilNextMs);
  }
}
