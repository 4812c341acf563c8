import type { SecretReference } from '../../protocols/contract.ts';
import type { Calendar } from '../census/calendar.ts';
import type { InfluxConfig } from '../config/config.ts';
import { CollectorError } from '../errors.ts';
import { type HistoryReader, itemsOf } from '../history/reader.ts';
import { stepAt } from '../history/rollup.ts';
import type { HistoryRow } from '../store/contract.ts';
import { influxQlName, influxQlText, queryInfluxQl } from './influx-query.ts';

const TOTAL = 'total';

/**
 * History from InfluxDB by InfluxQL, for plants that keep finer or longer figures there than we do. Sums of the
 * categories make the total: its least and most are bounds, because categories have theirs at different moments.
 */
export function influxHistory(
  config: InfluxConfig,
  calendar: Calendar,
  readSecret: (reference: SecretReference) => Promise<string>,
): HistoryReader {
  return {
    async read({ step, fromMs, toMs }) {
      const { startMs } = stepAt(calendar, step, fromMs);
      const query = historyQuery(step, { fromMs: startMs, toMs }, calendar.timeZone, config.tags);
      const series = await queryInfluxQl(config, query, readSecret).catch((error: unknown) => {
        throw new CollectorError(
          'metrics',
          `reading history: ${error instanceof Error ? error.message : String(error)}`,
          {
            cause: error,
            hint: 'rollcall influx check says what is wrong; history: store needs no InfluxDB',
          },
        );
      });
      const rows = series.flatMap(({ tags, columns, values }) =>
        values.flatMap((row): HistoryRow[] => {
          const of = (name: string): number => Number(row[columns.indexOf(name)] ?? 0);
          const samples = of('samples');
          if (samples === 0) return [];
          return [
            {
              step,
              startMs: of('time'),
              category: tags['category'] ?? 'other',
              samples,
              registered: of('registered'),
              verified: of('verified'),
              onlineMin: of('least'),
              onlineMax: of('most'),
              onlineSum: of('mean') * samples,
            },
          ];
        }),
      );
      const items = itemsOf([...rows, ...totalsOf(rows)], config.interval, calendar);
      return { from: 'influx', step, timeZone: calendar.timeZone, items };
    },
  };
}

/** The InfluxQL that asks for hours or days of local time, of our own points alone where tags say which those are. */
export function historyQuery(
  step: HistoryRow['step'],
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  timeZone: string,
  tags: Readonly<Record<string, string>>,
): string {
  const own = Object.entries(tags).map(([name, value]) => ` AND ${influxQlName(name)} = ${influxQlText(value)}`);
  return [
    'SELECT MIN("online") AS "least", MAX("online") AS "most", MEAN("online") AS "mean", COUNT("online") AS "samples",',
    'LAST("registered") AS "registered", LAST("verified") AS "verified" FROM "devices"',
    `WHERE time >= ${fromMs}ms AND time < ${toMs}ms${own.join('')}`,
    `GROUP BY time(${step === 'hour' ? '1h' : '1d'}), "category" fill(none) tz(${influxQlText(timeZone)})`,
  ].join(' ');
}

function totalsOf(rows: readonly HistoryRow[]): HistoryRow[] {
  const sum = (parts: readonly HistoryRow[], of: (row: HistoryRow) => number): number =>
    parts.reduce((total, part) => total + of(part), 0);
  return [...Map.groupBy(rows, ({ startMs }) => startMs)].map(([startMs, parts]) => {
    const samples = Math.max(...parts.map((part) => part.samples));
    return {
      step: parts[0]?.step ?? 'hour',
      startMs,
      category: TOTAL,
      samples,
      registered: sum(parts, (part) => part.registered),
      verified: sum(parts, (part) => part.verified),
      onlineMin: sum(parts, (part) => part.onlineMin),
      onlineMax: sum(parts, (part) => part.onlineMax),
      onlineSum: sum(parts, (part) => (part.onlineSum / part.samples) * samples),
    };
  });
}
