import { z } from 'zod';
import type { ApiDependencies } from '../dependencies.ts';
import { invalidQuery } from '../errors.ts';
import { counts } from '../schemas/counts.ts';
import { answer, GUARDED, problemResponses } from '../schemas/problem.ts';
import { instantOf } from './instant.ts';
import { type App, SECURED } from './route.ts';

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
  const atMs = instantOf('asOf', text);
  if (atMs < EARLIEST_MS) throw invalidQuery('asOf', 'lies before the year 2000');
  if (atMs > nowMs) throw invalidQuery('asOf', 'lies in the future');
  return atMs;
}
