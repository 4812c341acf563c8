import { z } from 'zod';
import type { ApiDependencies } from '../dependencies.ts';
import { rfc3339 } from '../schemas/fields.ts';
import { answer, GUARDED, problemResponses } from '../schemas/problem.ts';
import { protocolList } from '../schemas/protocols.ts';
import { type App, SECURED } from './route.ts';

/** `GET /api/v1/protocols`. */
export function addProtocols(app: App, { reading }: ApiDependencies): void {
  app.get(
    '/api/v1/protocols',
    {
      schema: {
        operationId: 'listProtocols',
        tags: ['evidence'],
        summary: 'Protocol families with standards, devices and exchanges',
        ...SECURED,
        querystring: z.strictObject({}),
        response: {
          200: answer('All families of the catalogue and all that were met', protocolList),
          ...problemResponses(['invalid-request', ...GUARDED]),
        },
      },
    },
    async () => {
      const protocols = await reading.protocols();
      return {
        items: protocols.map(({ firstExchangeAtMs, lastExchangeAtMs, ...rest }) => ({
          ...rest,
          standards: [...rest.standards],
          variants: [...rest.variants],
          firstExchangeAt: rfc3339(firstExchangeAtMs),
          lastExchangeAt: rfc3339(lastExchangeAtMs),
        })),
      };
    },
  );
}
