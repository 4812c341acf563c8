import { setTimeout as wait } from 'node:timers/promises';
import type { BoundedQueue } from '../bounded-queue.ts';
import { type Clock, UNBOUND } from '../contract.ts';
import type { Line } from './line.ts';
import type { SilenceWatch } from './silence-watch.ts';
import type { Reading, Unit } from './unit.ts';

/** Where no unit is due for so long the connection may be given back (`afterCycle: close`). */
const REST_MS = 50;

export interface PollerParts {
  readonly line: Line;
  readonly units: readonly Unit[];
  /** Of the address of each unit, or `UNBOUND`. */
  readonly indexes: ReadonlyMap<Unit, number>;
  readonly queue: BoundedQueue;
  readonly clock: Clock;
  readonly silence: SilenceWatch;
  /** Of the line's time, for all dead units together. */
  readonly deadUnitShare: number;
}

/** Reads whichever unit is due, on a line that is open, and puts what it saw into the queue. */
export class Poller {
  readonly #parts: PollerParts;

  constructor(parts: PollerParts) {
    this.#parts = parts;
  }

  /** Runs for as long as the connection lasts. Never rejects: a loss is told by the queue. */
  async run(signal: AbortSignal): Promise<void> {
    const { line, units, queue } = this.#parts;
    const workers = Math.min(line.settings.maxOutstanding, units.length);
    try {
      await Promise.all(Array.from({ length: workers }, () => this.#work(signal)));
    } catch (error) {
      if (!signal.aborted) queue.fail(error);
    }
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { clock, line } = this.#parts;
    while (!signal.aborted) {
      const unit = this.#next();
      const waitMs = unit.dueAtMs - clock.monotonicMs();
      if (waitMs > 0) {
        if (waitMs > REST_MS) line.rest();
        await wait(waitMs, undefined, { signal });
        // Another worker may have taken it meanwhile.
        if (unit.isBusy || unit.dueAtMs > clock.monotonicMs()) continue;
      }
      unit.isBusy = true;
      try {
        this.#saw(unit, await unit.read(line, signal));
      } finally {
        unit.isBusy = false;
      }
      unit.schedule(clock, this.#waitOf(unit));
    }
  }

  /** The unit that is due first, among those that nobody reads: there is one for every worker. */
  #next(): Unit {
    const idle = this.#parts.units.filter(({ isBusy }) => !isBusy);
    return idle.reduce((first, other) => (other.dueAtMs < first.dueAtMs ? other : first));
  }

  #saw(unit: Unit, reading: Reading | undefined): void {
    const { queue, indexes, silence, line } = this.#parts;
    if (reading === undefined) {
      if (silence.isDoubtful(line.silentMs) && line.settings.endpoint.kind === 'tcp')
        line.lose(`nothing was heard for ${Math.round(line.silentMs)} ms, it may be half open`);
      return;
    }
    silence.heard();
    const index = indexes.get(unit) ?? UNBOUND;
    const { receivedAtMs, quality, statusCode, points, digest, roundTripUs } = reading;
    if (index === UNBOUND) queue.dropped(1, receivedAtMs);
    else queue.push(index, receivedAtMs, Number.NaN, quality, statusCode, points, digest, roundTripUs);
  }

  /**
   * The breaker: units that do not answer cost a time-out each, so they are asked so seldom that all of them together
   * cost at most their share. The first answer ends it.
   */
  #waitOf(unit: Unit): number {
    if (unit.state !== 'dead') return unit.cycleMs;
    const dead = this.#parts.units.filter(({ state }) => state === 'dead').length;
    return Math.max(unit.cycleMs, (dead * unit.timeoutMs) / this.#parts.deadUnitShare);
  }
}
