import { ApiError } from '../errors.ts';
import { rfc3339 } from '../schemas/fields.ts';
import { answer, GUARDED, problemResponses } from '../schemas/problem.ts';
import { session } from '../schemas/session.ts';
import { type App, SECURED } from './route.ts';

/** `GET /api/v1/session`: what the token shown may do. */
export function addSession(app: App): void {
  app.get(
    '/api/v1/session',
    {
      schema: {
        operationId: 'getSession',
        tags: ['service'],
        summary: 'Name, role and expiry of the token shown',
        ...SECURED,
        response: { 200: answer('Whose token it is', session), ...problemResponses(GUARDED) },
      },
    },
    async ({ principal }) => {
      if (principal === undefined) throw new ApiError('unauthenticated', 'the request carries no token');
      return { name: principal.name, role: principal.role, expiresAt: rfc3339(principal.expiresAtMs) };
    },
  );
}
