import type { Calendar } from '../census/calendar.ts';
import type { CategoryCount } from '../census/count.ts';
import type { HistoryRow, HistoryStep } from '../store/contract.ts';

const HOUR_MS = 3_600_000;
export const STEPS = ['hour', 'day'] as const satisfies readonly HistoryStep[];

/** Where the hour or the local day of an instant begins, and where the next one does. */
export function stepAt(calendar: Calendar, step: HistoryStep, atMs: number): { startMs: number; endMs: number } {
  if (step === 'day') {
    const day = calendar.dayAt(atMs);
    return { startMs: calendar.startOfDay(day), endMs: calendar.startOfDay(day + 1) };
  }
  // Hours of local time begin with its own minutes, which are not those of UTC everywhere.
  const { startMs } = stepAt(calendar, 'day', atMs);
  const hour = Math.floor((atMs - startMs) / HOUR_MS);
  return { startMs: startMs + hour * HOUR_MS, endMs: startMs + (hour + 1) * HOUR_MS };
}

/** Folds samples of the counts into the current hour and the current day. */
export class Rollup {
  readonly #calendar: Calendar;
  readonly #rows = new Map<string, HistoryRow>();

  constructor(calendar: Calendar) {
    this.#calendar = calendar;
  }

  /** Takes over a row of the current hour or day that an earlier run began. */
  restore(row: HistoryRow): void {
    this.#rows.set(`${row.step}\n${row.category}`, row);
  }

  /** Adds one sample and returns the rows it changed. A row of an earlier hour or day is left as it was stored. */
  add(atMs: number, counts: Readonly<Record<string, CategoryCount>>): readonly HistoryRow[] {
    return STEPS.flatMap((step) => {
      const { startMs } = stepAt(this.#calendar, step, atMs);
      return Object.entries(counts).map(([category, count]) => {
        const key = `${step}\n${category}`;
        const before = this.#rows.get(key);
        const row = folded(before?.startMs === startMs ? before : undefined, { step, startMs, category }, count);
        this.#rows.set(key, row);
        return row;
      });
    });
  }
}

function folded(
  before: HistoryRow | undefined,
  place: Pick<HistoryRow, 'step' | 'startMs' | 'category'>,
  { registered, online, verified }: CategoryCount,
): HistoryRow {
  return {
    ...place,
    registered,
    verified,
    samples: (before?.samples ?? 0) + 1,
    onlineMin: Math.min(before?.onlineMin ?? online, online),
    onlineMax: Math.max(before?.onlineMax ?? online, online),
    onlineSum: (before?.onlineSum ?? 0) + online,
  };
}
