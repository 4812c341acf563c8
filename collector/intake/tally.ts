import { type ObservationColumns, Quality } from '../../protocols/observation.ts';
import type { Calendar, SlotInterval } from '../census/calendar.ts';
import type { TallyRow } from '../store/contract.ts';
import { DayPage, SLOT_WORDS } from './day-page.ts';

const FIRST_CAPACITY = 256;
/** Pages of earlier days that may still receive observations (a batch held across midnight, a clock set back). */
const MAX_PAGES = 3;

/** First and last instants of one address over all days; 0 stands for never. */
export interface Sightings {
  firstGoodAtMs: number;
  lastGoodAtMs: number;
  lastSeenAtMs: number;
  lastDeathAtMs: number;
}

/** Dirty rows taken for a flush, and what is needed to put them back when it fails. */
export interface DrainedTallies {
  readonly rows: readonly TallyRow[];
  putBack(): void;
}

/**
 * Folds observations into (address, day): R3's weights, R6's slots. One instance per collector. Every number it holds
 * only grows within a day, which makes flushing the same row twice harmless and lets several collectors fold the same
 * address.
 */
export class Tally {
  readonly #calendar: Calendar;
  #capacity = FIRST_CAPACITY;
  readonly #pages = new Map<number, DayPage>();
  #page: DayPage;
  #slot: SlotInterval;
  /** Column of last instants over all days, so that status needs no look at pages. */
  #firstGoodAtMs = new Float64Array(FIRST_CAPACITY);
  #lastGoodAtMs = new Float64Array(FIRST_CAPACITY);
  #lastSeenAtMs = new Float64Array(FIRST_CAPACITY);
  #lastDeathAtMs = new Float64Array(FIRST_CAPACITY);
  /** Observations folded since start. */
  observations = 0;

  constructor(calendar: Calendar, nowMs: number) {
    this.#calendar = calendar;
    this.#slot = calendar.slotAt(nowMs);
    this.#page = this.#pageOf(this.#slot.day);
  }

  /** Makes room for an address's integer; called once when it is bound. */
  reserve(index: number): void {
    if (index < this.#capacity) return;
    while (this.#capacity <= index) this.#capacity *= 2;
    for (const page of this.#pages.values()) page.grow(this.#capacity);
    this.#firstGoodAtMs = grown(this.#firstGoodAtMs, this.#capacity);
    this.#lastGoodAtMs = grown(this.#lastGoodAtMs, this.#capacity);
    this.#lastSeenAtMs = grown(this.#lastSeenAtMs, this.#capacity);
    this.#lastDeathAtMs = grown(this.#lastDeathAtMs, this.#capacity);
  }

  /** The hot path: folds a batch in place. Returns how many of its observations were bad. */
  fold(batch: ObservationColumns): number {
    let badInBatch = 0;
    for (let row = 0; row < batch.length; row++) {
      const index = batch.address[row] as number;
      const atMs = batch.receivedAtMs[row] as number;
      if (atMs < this.#slot.startMs || atMs >= this.#slot.endMs) this.#enterSlot(atMs);
      const page = this.#page;
      const quality = batch.quality[row] as number;
      if (quality === Quality.good) {
        this.#foldGood(page, index, atMs, batch.points[row] as number, batch.digest[row] as number);
      } else {
        const column =
          quality === Quality.bad ? page.bad : quality === Quality.uncertain ? page.uncertain : page.weightless;
        column[index] = (column[index] as number) + 1;
        page.lastStatusCode[index] = batch.statusCode[row] as number;
        if (quality === Quality.bad) badInBatch += 1;
      }
      const roundTripUs = batch.roundTripUs[row] as number;
      if (roundTripUs >= 0) page.foldRoundTrip(index, roundTripUs);
      if (atMs > (page.lastSeenAtMs[index] as number)) page.lastSeenAtMs[index] = atMs;
      if (atMs > (this.#lastSeenAtMs[index] as number)) this.#lastSeenAtMs[index] = atMs;
      page.markDirty(index);
    }
    this.observations += batch.length;
    return badInBatch;
  }

  /** R5: the protocol said that the device is gone. */
  foldDeath(index: number, atMs: number): void {
    if (atMs < this.#slot.startMs || atMs >= this.#slot.endMs) this.#enterSlot(atMs);
    const page = this.#page;
    if (atMs > (page.lastDeathAtMs[index] as number)) page.lastDeathAtMs[index] = atMs;
    if (atMs > (this.#lastDeathAtMs[index] as number)) this.#lastDeathAtMs[index] = atMs;
    if (atMs > (page.lastSeenAtMs[index] as number)) page.lastSeenAtMs[index] = atMs;
    page.markDirty(index);
  }

  sightings(index: number): Sightings {
    return {
      firstGoodAtMs: this.#firstGoodAtMs[index] ?? 0,
      lastGoodAtMs: this.#lastGoodAtMs[index] ?? 0,
      lastSeenAtMs: this.#lastSeenAtMs[index] ?? 0,
      lastDeathAtMs: this.#lastDeathAtMs[index] ?? 0,
    };
  }

  /** What the store knows of an address from all days, before any source starts. */
  restoreSightings(index: number, sightings: Sightings): void {
    this.reserve(index);
    this.#firstGoodAtMs[index] = sightings.firstGoodAtMs;
    this.#lastGoodAtMs[index] = sightings.lastGoodAtMs;
    this.#lastSeenAtMs[index] = sightings.lastSeenAtMs;
    this.#lastDeathAtMs[index] = sightings.lastDeathAtMs;
  }

  /** Goes on from a stored row of today. */
  restoreRow(index: number, row: TallyRow): void {
    this.reserve(index);
    this.#pageOf(row.day).restore(index, row);
  }

  /** The page of a day, if it is still held. */
  row(index: number, day: number): TallyRow | undefined {
    const page = this.#pages.get(day);
    return page === undefined || (page.lastSeenAtMs[index] ?? 0) === 0 ? undefined : page.row(index, 0);
  }

  /** Slots with live evidence on a day that is still held; undefined when there is none. */
  slots(index: number, day: number): Uint8Array | undefined {
    const page = this.#pages.get(day);
    return page === undefined || (page.good[index] ?? 0) === 0 ? undefined : page.slotBytes(index);
  }

  get dirtyCount(): number {
    let count = 0;
    for (const page of this.#pages.values()) count += page.dirtyCount;
    return count;
  }

  /**
   * Takes the dirty rows of all pages for a flush, oldest day first. `rowIdOf` gives the store's id of an address;
   * addresses without one stay dirty. Pages of days gone by are dropped once they are clean.
   */
  drain(rowIdOf: (index: number) => number | undefined): DrainedTallies {
    const rows: TallyRow[] = [];
    const taken: [DayPage, number][] = [];
    for (const day of [...this.#pages.keys()].sort((a, b) => a - b)) {
      const page = this.#pages.get(day);
      if (page === undefined) continue;
      for (const index of page.takeDirty()) {
        const rowId = rowIdOf(index);
        if (rowId === undefined) {
          page.markDirty(index);
          continue;
        }
        rows.push(page.row(index, rowId));
        taken.push([page, index]);
      }
    }
    this.#dropOldPages();
    const putBack = (): void => {
      for (const [page, index] of taken) {
        if (!this.#pages.has(page.day)) this.#pages.set(page.day, page);
        page.grow(this.#capacity);
        page.markDirty(index);
      }
    };
    return { rows, putBack };
  }

  #foldGood(page: DayPage, index: number, atMs: number, points: number, digest: number): void {
    const word = index * SLOT_WORDS + (this.#slot.slot >> 5);
    page.slots[word] = (page.slots[word] as number) | (1 << (this.#slot.slot & 31));
    page.good[index] = (page.good[index] as number) + 1;
    page.points[index] = (page.points[index] as number) + points;
    page.foldDigest(index, digest);
    if ((page.firstGoodAtMs[index] as number) === 0) page.firstGoodAtMs[index] = atMs;
    if (atMs > (page.lastGoodAtMs[index] as number)) page.lastGoodAtMs[index] = atMs;
    if ((this.#firstGoodAtMs[index] as number) === 0) this.#firstGoodAtMs[index] = atMs;
    if (atMs > (this.#lastGoodAtMs[index] as number)) this.#lastGoodAtMs[index] = atMs;
  }

  #enterSlot(atMs: number): void {
    this.#slot = this.#calendar.slotAt(atMs);
    if (this.#slot.day !== this.#page.day) this.#page = this.#pageOf(this.#slot.day);
  }

  #pageOf(day: number): DayPage {
    let page = this.#pages.get(day);
    if (page === undefined) {
      page = new DayPage(day, this.#capacity);
      this.#pages.set(day, page);
    }
    return page;
  }

  #dropOldPages(): void {
    const days = [...this.#pages.keys()].sort((a, b) => a - b);
    for (const day of days.slice(0, Math.max(0, days.length - (MAX_PAGES - 1)))) {
      const page = this.#pages.get(day);
      if (page !== this.#page && page?.dirtyCount === 0) this.#pages.delete(day);
    }
  }
}

function grown(column: Float64Array<ArrayBuffer>, length: number): Float64Array<ArrayBuffer> {
  const wide = new Float64Array(length);
  wide.set(column);
  return wide;
}
