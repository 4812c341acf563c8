import { performance } from 'node:perf_hooks';
import type { Clock } from '../protocols/contract.ts';

/** The machine's clocks. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/** Beyond this the two clocks disagree by more than drift and scheduling explain. */
const STEP_TOLERANCE_MS = 2_000;

/** A step of the wall clock, found by comparing it with the monotonic clock (R14). */
export interface ClockStep {
  /** Where the wall clock was expected and where it was found. */
  readonly expectedAtMs: number;
  readonly foundAtMs: number;
}

/** Watches the wall clock; `check` is called about once a second. A suspended machine looks the same as a step forward. */
export class StepWatch {
  readonly #clock: Clock;
  #offsetMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#offsetMs = clock.nowMs() - clock.monotonicMs();
  }

  /** The step since the last call, if there was one. A slow drift (NTP slewing) is followed silently. */
  check(): ClockStep | undefined {
    const foundAtMs = this.#clock.nowMs();
    const expectedAtMs = this.#clock.monotonicMs() + this.#offsetMs;
    this.#offsetMs += foundAtMs - expectedAtMs;
    return Math.abs(foundAtMs - expectedAtMs) > STEP_TOLERANCE_MS ? { expectedAtMs, foundAtMs } : undefined;
  }
}
