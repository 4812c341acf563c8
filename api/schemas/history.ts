import { z } from 'zod';
import { count, instant } from './fields.ts';

const figures = z
  .object({
    registered: count.meta({ description: 'At the end of the interval' }),
    verified: count.meta({ description: 'At the end of the interval' }),
    online: z.object({ min: count, mean: z.number().min(0), max: count }),
  })
  .meta({ id: 'HistoryFigures', description: 'Numbers of devices over an interval' });

/** `GET /api/v1/history`: for charts. Counts as of an instant are what documents rest on, not these. */
export const history = z
  .object({
    from: z.enum(['store', 'influx']).meta({ description: 'Where the figures were read from' }),
    step: z.enum(['hour', 'day']),
    timeZone: z.string().meta({ description: 'IANA time zone whose hours and days these are' }),
    items: z.array(
      z.object({
        start: instant,
        end: instant,
        observedShare: z
          .number()
          .min(0)
          .max(1)
          .meta({ description: 'Share of the interval in which the collector looked at all; the rest is a gap (R14)' }),
        counts: z.record(z.string(), figures).meta({ description: 'By category, and total' }),
      }),
    ),
  })
  .meta({ id: 'History', description: 'Hours or days without any sample are left out' });
