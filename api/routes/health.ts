import { z } from 'zod';
import type { ApiDependencies } from '../dependencies.ts';
import { ApiError } from '../errors.ts';
import { health, readiness } from '../schemas/health.ts';
import { answer, GUARDED, problemResponses } from '../schemas/problem.ts';
import { type App, OPEN, SECURED } from './route.ts';

/** `GET /healthz`, `GET /readyz` and `GET /metrics`. */
export function addHealth(app: App, { reading, version }: ApiDependencies): void {
  app.get(
    '/healthz',
    {
      schema: {
        operationId: 'getHealth',
        tags: ['service'],
        summary: 'The process answers',
        ...OPEN,
        response: { 200: answer('Alive', health), ...problemResponses([]) },
      },
    },
    async () => ({ status: 'ok' as const, version }),
  );

  app.get(
    '/readyz',
    {
      schema: {
        operationId: 'getReadiness',
        tags: ['service'],
        summary: 'Evidence is taken in and kept; 503 with the reasons otherwise',
        ...OPEN,
        response: { 200: answer('Ready', readiness), ...problemResponses(['not-ready']) },
      },
    },
    async () => {
      const { ready, reasons, warnings } = await reading.readiness();
      if (!ready) throw new ApiError('not-ready', 'the collector cannot take in or keep evidence', { reasons });
      return { status: 'ready' as const, warnings: [...warnings] };
    },
  );

  app.get(
    '/metrics',
    {
      schema: {
        operationId: 'getMetrics',
        tags: ['service'],
        summary: 'Prometheus text exposition, or OpenMetrics where that is accepted; a viewer’s token is enough',
        ...SECURED,
        response: {
          200: {
            description: 'Prometheus text',
            content: {
              'text/plain': { schema: z.string() },
              'application/openmetrics-text': { schema: z.string() },
            },
          },
          ...problemResponses(GUARDED),
        },
      },
    },
    async (request, reply) => {
      const wantsOpenMetrics = request.headers.accept?.includes('application/openmetrics-text') === true;
      const { contentType, body } = await reading.metrics(wantsOpenMetrics ? 'openmetrics' : 'prometheus');
      return reply.type(contentType).send(body);
    },
  );
}
