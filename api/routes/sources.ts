import { z } from 'zod';
import type { SourceReading } from '../../collector/reading.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { rfc3339 } from '../schemas/fields.ts';
import { answer, GUARDED, problemResponses } from '../schemas/problem.ts';
import { sourceList } from '../schemas/sources.ts';
import { type App, SECURED } from './route.ts';

/** `GET /api/v1/sources`. */
export function addSources(app: App, { reading }: ApiDependencies): void {
  app.get(
    '/api/v1/sources',
    {
      schema: {
        operationId: 'listSources',
        tags: ['evidence'],
        summary: 'What is connected, and what is wrong in words a person can act on',
        ...SECURED,
        querystring: z.strictObject({}),
        response: {
          200: answer('Every configured source', sourceList),
          ...problemResponses(['invalid-request', ...GUARDED]),
        },
      },
    },
    async () => ({ items: (await reading.sources()).map(sourceRow) }),
  );
}

function sourceRow(reading: SourceReading): z.output<typeof sourceList>['items'][number] {
  const { sinceMs, lastObservationAtMs, nextAttemptAtMs, lastError, notices, line, ...rest } = reading;
  return {
    ...rest,
    since: rfc3339(sinceMs),
    lastObservationAt: rfc3339(lastObservationAtMs),
    lastError:
      lastError === undefined
        ? null
        : {
            code: lastError.code,
            message: lastError.message,
            hint: lastError.hint ?? null,
            at: rfc3339(lastError.atMs),
          },
    nextAttemptAt: rfc3339(nextAttemptAtMs),
    line: line === undefined ? null : { ...line, units: [...line.units] },
    notices: notices.map((notice) => ({ ...notice, hint: notice.hint ?? null })),
  };
}
