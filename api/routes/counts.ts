import { z } from 'zod';
import type { ApiDependencies } from '../dependencies.ts';
import { invalidQuery } from '../errors.ts';
import { counts } from '../schemas/counts.ts';
import { answer, GUARDED, problemResponses } from '../schemas/problem.ts';
import { type App, SECURED } from './route.ts';

/** RFC 3339, 5.6: seconds and an offset are not optional. A space stands for a plus sign that was not percent-encoded. */
const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+ -]\d{2}:\d{2})$/i;
/** Nobody counted before. */
const EARLIEST_MS = Date.UTC(2000, 0, 1);

const query = z.strictObject({
  asOf: z
    .string()
    .max(40)
    .optional()
    .meta({
      format: 'date-time',
      description: 'RFC 3339 with offset, not in the future; now where left out. Write `+` as `%2B` where you can',
      examples: ['2025-12-31T23:59:59+08:00'],
    }),
});

/** `GET /api/v1/counts`. */
export function addCounts(app: App, { reading, clock }: ApiDependencies): void {
  app.get(
    '/api/v1/counts',
    {
      schema: {
        operationId: 'getCounts',
        tags: ['counts'],
        summary: 'Connected equipment and compatible protocols, as of one instant',
        ...SECURED,
        querystring: query,
        response: { 200: answer('The counts', counts), ...problemResponses(['invalid-request', ...GUARDED]) },
      },
    },
    async (request) => reading.counts(asOfMs(request.query.asOf, clock.nowMs())),
  );
}

/** The instant of a query; throws `ApiError('invalid-request')` for what is none, and for the future. */
function asOfMs(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  const normal = text.replace(' ', '+').toUpperCase();
  const atMs =
    RFC_3339.test(text) && z.iso.datetime({ offset: true }).safeParse(normal).success ? Date.parse(normal) : Number.NaN;
  if (Number.isNaN(atMs)) throw invalidQuery('asOf', 'must be RFC 3339 with an offset, like 2026-12-31T23:59:59+08:00');
  if (atMs < EARLIEST_MS) throw invalidQuery('asOf', 'lies before the year 2000');
  if (atMs > nowMs) throw invalidQuery('asOf', 'lies in the future');
  return atMs;
}
