import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { BEARER } from '../openapi.ts';

/** The server that routes are added to: bodies, queries and answers are typed by their zod schemas. */
export type App = FastifyInstance<Server, IncomingMessage, ServerResponse, FastifyBaseLogger, ZodTypeProvider>;

/** How the OpenAPI document says that a route needs a token. */
export const SECURED = { security: [{ [BEARER]: [] }] };

/** How it says that a route needs none. */
export const OPEN = { security: [] };
