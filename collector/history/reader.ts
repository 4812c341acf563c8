import type { Calendar } from '../census/calendar.ts';
import type { History, HistoryItem, HistoryQuery } from '../reading.ts';
import type { HistoryRow, HistoryStore } from '../store/contract.ts';
import { SAMPLE_MS } from './recorder.ts';
import { stepAt } from './rollup.ts';

/** Answers charts of the past from wherever the configuration says. */
export interface HistoryReader {
  read(query: HistoryQuery): Promise<History>;
}

/** History from our own hourly and daily rows. */
export function storedHistory(store: HistoryStore, calendar: Calendar): HistoryReader {
  return {
    async read({ step, fromMs, toMs }) {
      const rows = await store.read(step, { fromMs: stepAt(calendar, step, fromMs).startMs, toMs });
      return { from: 'store', step, timeZone: calendar.timeZone, items: itemsOf(rows, SAMPLE_MS, calendar) };
    },
  };
}

/** Rows grouped by their start, oldest first; `sampleMs` is how far apart samples are when nothing is missing. */
export function itemsOf(rows: readonly HistoryRow[], sampleMs: number, calendar: Calendar): HistoryItem[] {
  return [...Map.groupBy(rows, ({ startMs }) => startMs)]
    .sort(([a], [b]) => a - b)
    .map(([startMs, parts]) => {
      const { endMs } = stepAt(calendar, parts[0]?.step ?? 'hour', startMs);
      const samples = Math.max(...parts.map((part) => part.samples));
      return {
        startMs,
        endMs,
        observedShare: Math.min(1, (samples * sampleMs) / (endMs - startMs)),
        counts: Object.fromEntries(
          parts.map(({ category, registered, verified, onlineMin, onlineMax, onlineSum, ...part }) => [
            category,
            { registered, verified, online: { min: onlineMin, mean: onlineSum / part.samples, max: onlineMax } },
          ]),
        ),
      };
    });
}
