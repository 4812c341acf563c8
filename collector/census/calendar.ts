const DAY_MS = 86_400_000;
/** R6's unit of presence: five minutes. */
export const SLOT_MS = 300_000;
/** Slots of a local day, by wall clock. A 25-hour day folds its repeated hour onto the same slots. */
export const SLOTS_PER_DAY = 288;

/** One slot of one local day, with its bounds in UTC milliseconds (`endMs` exclusive). */
export interface SlotInterval {
  /** Local calendar day as days since 1970-01-01. */
  readonly day: number;
  /** 0 … 287. */
  readonly slot: number;
  readonly startMs: number;
  readonly endMs: number;
}

/** Local calendar days and five-minute slots of one time zone. */
export class Calendar {
  readonly timeZone: string;
  readonly #parts: Intl.DateTimeFormat;

  /** Throws `RangeError` when `timeZone` is not an IANA name this platform knows. */
  constructor(timeZone: string) {
    this.timeZone = timeZone;
    this.#parts = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
  }

  /** Offset of local time from UTC at an instant, in milliseconds, east positive. */
  offsetMs(atMs: number): number {
    const found: Record<string, number> = {};
    for (const { type, value } of this.#parts.formatToParts(atMs)) found[type] = Number(value);
    const { year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = found;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(atMs / 1000) * 1000;
  }

  /** The slot an instant falls into. Offsets are multiples of five minutes everywhere since 1972. */
  slotAt(atMs: number): SlotInterval {
    const localMs = atMs + this.offsetMs(atMs);
    const day = Math.floor(localMs / DAY_MS);
    const withinDayMs = localMs - day * DAY_MS;
    const slot = Math.floor(withinDayMs / SLOT_MS);
    const startMs = atMs - (withinDayMs % SLOT_MS);
    return { day, slot, startMs, endMs: startMs + SLOT_MS };
  }

  /** The instant at which a slot of a local day begins; of a repeated hour, the second time. */
  startOfSlot(day: number, slot: number): number {
    const localMs = day * DAY_MS + slot * SLOT_MS;
    return localMs - this.offsetMs(localMs - this.offsetMs(localMs));
  }

  /** The local day of an instant, as days since 1970-01-01. */
  dayAt(atMs: number): number {
    return Math.floor((atMs + this.offsetMs(atMs)) / DAY_MS);
  }

  /** The first instant of a local day: midnight, or the first moment after a midnight that the zone skips. */
  startOfDay(day: number): number {
    let before = day * DAY_MS - 15 * 3_600_000;
    let within = day * DAY_MS + 15 * 3_600_000;
    while (within - before > 1) {
      const middle = Math.floor((before + within) / 2);
      if (this.dayAt(middle) < day) before = middle;
      else within = middle;
    }
    return within;
  }

  /** First and last day of the local calendar year of a day. */
  yearOf(day: number): { readonly year: number; readonly firstDay: number; readonly lastDay: number } {
    const year = new Date(day * DAY_MS).getUTCFullYear();
    return { year, firstDay: Date.UTC(year, 0, 1) / DAY_MS, lastDay: Date.UTC(year + 1, 0, 1) / DAY_MS - 1 };
  }
}

/** `YYYY-MM-DD` of a day number. */
export function dayText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** The day number of `YYYY-MM-DD`; NaN when it is not a date of the calendar. */
export function dayOfText(text: string): number {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return Number.NaN;
  const ms = Date.parse(`${text}T00:00:00Z`);
  return Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text ? Number.NaN : ms / DAY_MS;
}

/** How many of a day's slots are set in a 36-byte map. */
export function slotsSet(slots: Uint8Array): number {
  let count = 0;
  for (const byte of slots) {
    let rest = byte;
    while (rest !== 0) {
      rest &= rest - 1;
      count += 1;
    }
  }
  return count;
}

/** The highest set slot at or below `limit`; -1 when there is none. */
export function lastSlotSet(slots: Uint8Array, limit = SLOTS_PER_DAY - 1): number {
  for (let slot = limit; slot >= 0; slot--) {
    if (((slots[slot >> 3] ?? 0) >> (slot & 7)) & 1) return slot;
  }
  return -1;
}

/** The lowest set slot; -1 when there is none. */
export function firstSlotSet(slots: Uint8Array): number {
  for (let slot = 0; slot < SLOTS_PER_DAY; slot++) {
    if (((slots[slot >> 3] ?? 0) >> (slot & 7)) & 1) return slot;
  }
  return -1;
}
