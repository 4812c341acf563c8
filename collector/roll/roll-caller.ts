import type { Clock } from '../../protocols/contract.ts';
import type { Calendar } from '../census/calendar.ts';
import type { AddressBooks } from '../intake/address-book.ts';
import type { SourceTask } from '../intake/source-task.ts';
import type { Tally } from '../intake/tally.ts';
import type { EvidenceStore } from '../store/contract.ts';
import { type ActiveDays, countActiveDays } from './active-days.ts';
import { liveEvidence } from './live-evidence.ts';
import { pastEvidence } from './past-evidence.ts';
import type { Roll, RollCall } from './roll.ts';

/** A roll call younger than this is given again: what is online does not change faster than people can read. */
const FRESH_MS = 1_000;
/** An instant this far ahead of our clock is still "now": the asker's clock is not ours. */
const AHEAD_TOLERANCE_MS = 2_000;

export interface RollCallerParts {
  /** Changed by `use`. */
  readonly roll: Roll;
  readonly store: EvidenceStore;
  readonly calendar: Calendar;
  readonly clock: Clock;
  readonly books: AddressBooks;
  readonly tally: Tally;
  readonly tasks: ReadonlyMap<string, SourceTask>;
  readonly minSlotsPerDay: number;
}

/** Calls the roll for whoever asks, from the running intake for now and from the store for the past. */
export class RollCaller {
  #parts: RollCallerParts;
  #latest: RollCall | undefined;
  #earlier: { readonly day: number; readonly days: Promise<ReadonlyMap<string, ActiveDays>> } | undefined;

  constructor(parts: RollCallerParts) {
    this.#parts = parts;
  }

  /** The register and rules in force. */
  get roll(): Roll {
    return this.#parts.roll;
  }

  /** From now on another register, or other rules. */
  use(roll: Roll, minSlotsPerDay: number): void {
    this.#parts = { ...this.#parts, roll, minSlotsPerDay };
    this.#latest = undefined;
    this.#earlier = undefined;
  }

  /** As of now, at most a second old. */
  async now(): Promise<RollCall> {
    const { clock, calendar, roll, books, tally, tasks } = this.#parts;
    const atMs = clock.nowMs();
    if (this.#latest !== undefined && Math.abs(atMs - this.#latest.atMs) < FRESH_MS) return this.#latest;
    const day = calendar.dayAt(atMs);
    const earlierDays = await this.#daysBefore(day);
    const call = roll.call(liveEvidence(books, tally, tasks, { atMs, day }), earlierDays);
    // While the store was read the register may have changed.
    if (roll === this.#parts.roll) this.#latest = call;
    return call;
  }

  /** As of a past instant, from the store alone. Throws `RangeError` for the future. */
  async at(atMs: number): Promise<RollCall> {
    const { clock, calendar, roll, books, store } = this.#parts;
    const nowMs = clock.nowMs();
    if (atMs > nowMs + AHEAD_TOLERANCE_MS) throw new RangeError('the instant lies in the future');
    if (atMs >= nowMs) return this.now();
    const source = await pastEvidence(
      store,
      calendar,
      atMs,
      (sourceId, address) => books.find(sourceId, address)?.rowId,
    );
    return roll.call(source, await this.#countDaysBefore(calendar.dayAt(atMs)));
  }

  /** Active days of the year before `day`; read once a day, because days gone by do not change. */
  async #daysBefore(day: number): Promise<ReadonlyMap<string, ActiveDays>> {
    if (this.#earlier?.day !== day) this.#earlier = { day, days: this.#countDaysBefore(day) };
    try {
      return await this.#earlier.days;
    } catch (error) {
      this.#earlier = undefined;
      throw error;
    }
  }

  #countDaysBefore(day: number): Promise<ReadonlyMap<string, ActiveDays>> {
    const { roll, store, calendar, books, minSlotsPerDay } = this.#parts;
    const owners = new Map<number, string>();
    for (const { rowId, sourceId, address } of books.entries) {
      const deviceId = roll.deviceAt(sourceId, address);
      if (rowId !== undefined && deviceId !== undefined) owners.set(rowId, deviceId);
    }
    return countActiveDays(
      store,
      { fromDay: calendar.yearOf(day).firstDay, toDay: day - 1 },
      minSlotsPerDay,
      (addressId) => owners.get(addressId),
      (deviceId) => roll.hasSeveralAddresses(deviceId),
    );
  }
}
