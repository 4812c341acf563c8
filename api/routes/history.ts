import { z } from 'zod';
import type { ApiDependencies } from '../dependencies.ts';
import { invalidQuery } from '../errors.ts';
import { history } from '../schemas/history.ts';
import { answer, GUARDED, problemResponses } from '../schemas/problem.ts';
import { instantOf } from './instant.ts';
import { type App, SECURED } from './route.ts';

const DAY_MS = 86_400_000;
/** What one answer may span, and what it spans where `from` is left out. */
const SPAN_MS = {
  hour: { most: 93 * DAY_MS, usual: 7 * DAY_MS },
  day: { most: 4_000 * DAY_MS, usual: 366 * DAY_MS },
};

const instantText = (description: string) => z.string().max(40).optional().meta({ format: 'date-time', description });

const query = z.strictObject({
  step: z.enum(['hour', 'day']).default('day'),
  from: instantText('RFC 3339 with offset; a year before `to` for days and a week for hours where left out'),
  to: instantText('RFC 3339 with offset, exclusive; now where left out'),
});

/** `GET /api/v1/history`. */
export function addHistory(app: App, { reading, clock }: ApiDependencies): void {
  app.get(
    '/api/v1/history',
    {
      schema: {
        operationId: 'getHistory',
        tags: ['counts'],
        summary: 'Hourly or daily figures of the past, for charts',
        ...SECURED,
        querystring: query,
        response: { 200: answer('The figures', history), ...problemResponses(['invalid-request', ...GUARDED]) },
      },
    },
    async (request) => {
      const { step } = request.query;
      const toMs = request.query.to === undefined ? clock.nowMs() : instantOf('to', request.query.to);
      const fromMs =
        request.query.from === undefined ? toMs - SPAN_MS[step].usual : instantOf('from', request.query.from);
      if (fromMs >= toMs) throw invalidQuery('from', 'must lie before to');
      if (toMs - fromMs > SPAN_MS[step].most) {
        throw invalidQuery('from', `may lie at most ${SPAN_MS[step].most / DAY_MS} days before to with this step`);
      }
      const { from, timeZone, items } = await reading.history({ step, fromMs, toMs });
      return {
        from,
        step,
        timeZone,
        items: items.map(({ startMs, endMs, observedShare, counts }) => ({
          start: new Date(startMs).toISOString(),
          end: new Date(endMs).toISOString(),
          observedShare,
          counts: { ...counts },
        })),
      };
    },
  );
}
