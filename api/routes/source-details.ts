import type { z } from 'zod';
import type { CandidateReading, DeadLetterReading } from '../../collector/reading.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { ApiError, invalidQuery } from '../errors.ts';
import { rfc3339 } from '../schemas/fields.ts';
import { answer, GUARDED, problemResponses } from '../schemas/problem.ts';
import { candidatePage, candidatesQuery, deadLetterList, sourceParams } from '../schemas/source-details.ts';
import { type App, SECURED } from './route.ts';

/** `GET /api/v1/sources/{id}/candidates` and `GET /api/v1/sources/{id}/dead-letters`. */
export function addSourceDetails(app: App, { reading }: ApiDependencies): void {
  app.get(
    '/api/v1/sources/:id/candidates',
    {
      schema: {
        operationId: 'listCandidates',
        tags: ['evidence'],
        summary: 'Addresses that were heard and belong to no device yet, in the order in which they came',
        ...SECURED,
        params: sourceParams,
        querystring: candidatesQuery,
        response: {
          200: answer('A page of candidates', candidatePage),
          ...problemResponses(['invalid-request', 'not-found', ...GUARDED]),
        },
      },
    },
    async ({ params, query }) => {
      const filters = { source: params.id };
      const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor, filters);
      if (query.cursor !== undefined && after === undefined) {
        throw invalidQuery('cursor', 'is not one we gave for this source; start again without it');
      }
      const page = await reading.candidates(params.id, {
        limit: query.limit,
        afterIndex: after === undefined ? undefined : Number(after),
      });
      if (page === undefined) throw unknownSource();
      const { items, nextAfterIndex } = page;
      return {
        items: items.map(candidateRow),
        nextCursor: nextAfterIndex === undefined ? null : encodeCursor(String(nextAfterIndex), filters),
      };
    },
  );

  app.get(
    '/api/v1/sources/:id/dead-letters',
    {
      schema: {
        operationId: 'listDeadLetters',
        tags: ['evidence'],
        summary: 'Samples of what came and could not be read, newest first, since the start; for whoever mends it',
        ...SECURED,
        params: sourceParams,
        response: {
          200: answer('The samples', deadLetterList),
          ...problemResponses(['invalid-request', 'not-found', ...GUARDED]),
        },
      },
    },
    async ({ params }) => {
      const letters = await reading.deadLetters(params.id);
      if (letters === undefined) throw unknownSource();
      return { items: letters.map(deadLetterRow) };
    },
  );
}

function unknownSource(): ApiError {
  return new ApiError('not-found', 'no source of the configuration has this id');
}

function candidateRow(reading: CandidateReading): z.output<typeof candidatePage>['items'][number] {
  const { firstSeenAtMs, lastSeenAtMs, lastLiveAtMs, claims, claimsBy, ...rest } = reading;
  return {
    ...rest,
    firstSeenAt: rfc3339(firstSeenAtMs),
    lastSeenAt: rfc3339(lastSeenAtMs),
    lastLiveAt: rfc3339(lastLiveAtMs),
    claims: claims === undefined ? null : { ...claims },
    claimsBy: claimsBy ?? null,
  };
}

function deadLetterRow({
  firstAtMs,
  lastAtMs,
  beginning,
  ...rest
}: DeadLetterReading): z.output<typeof deadLetterList>['items'][number] {
  return {
    ...rest,
    firstAt: rfc3339(firstAtMs),
    lastAt: rfc3339(lastAtMs),
    beginningBase64: Buffer.from(beginning).toString('base64'),
  };
}
