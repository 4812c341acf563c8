import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';

const DESCRIPTION = `Counts of connected industrial equipment and of compatible protocols, with the evidence behind them.

Send a token as \`Authorization: Bearer …\`. Roles: **viewer** sees counts, **assessor** everything that can be read, **operator** may also change.
Errors are \`application/problem+json\` (RFC 9457); \`type\` never changes, titles and hints follow \`Accept-Language\` (English, 中文).
Instants are RFC 3339 in UTC. Optional values are null, never missing. Unknown query parameters are refused.`;

/** Name of the security scheme that routes refer to. */
export const BEARER = 'bearer';

/**
 * Style of the API reader: it writes style attributes, so its own pages alone may carry them. Scripts stay ours.
 */
const DOCS_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** Collects the OpenAPI 3.1 document from the routes registered after it, and serves a reader of it at `/docs`. */
export async function describeApi(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Rollcall',
        version,
        description: DESCRIPTION,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      tags: [
        { name: 'counts', description: 'The headline' },
        { name: 'evidence', description: 'Devices, protocols and sources' },
        { name: 'service', description: 'The collector itself' },
      ],
      components: {
        securitySchemes: {
          [BEARER]: { type: 'http', scheme: 'bearer', description: 'A token made by `rollcall token create`' },
        },
      },
    },
    transform: jsonSchemaTransform,
    transformObject: (document) => withoutUnused(jsonSchemaTransformObject(document)),
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: DOCS_POLICY,
    theme: { title: 'Rollcall API' },
    uiConfig: {
      layout: 'BaseLayout',
      docExpansion: 'list',
      deepLinking: true,
      tryItOutEnabled: true,
      persistAuthorization: false,
    },
  });
}

interface Described {
  readonly paths?: unknown;
  readonly components?: { readonly schemas?: Readonly<Record<string, unknown>> };
}

/** Leaves out the schemas that no operation leads to: each is generated for requests and for answers. */
function withoutUnused<D extends object>(document: D): D {
  const { paths, components } = document as Described;
  const all = components?.schemas ?? {};
  const used = new Set<string>();
  const follow = (part: unknown): void => {
    for (const [name] of JSON.stringify(part ?? {}).matchAll(/(?<=#\/components\/schemas\/)\w+/g)) {
      if (used.has(name)) continue;
      used.add(name);
      follow(all[name]);
    }
  };
  follow(paths);
  const schemas = Object.fromEntries(Object.entries(all).filter(([name]) => used.has(name)));
  return { ...document, components: { ...components, schemas } };
}
