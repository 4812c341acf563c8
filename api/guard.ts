import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Grant, grantFor } from './access.ts';
import { Authenticator, type Principal } from './auth.ts';
import type { ApiDependencies } from './dependencies.ts';
import { ApiError } from './errors.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Set for every route when it is registered, out of the one table. */
    grant?: Grant;
  }
  interface FastifyRequest {
    /** Who asks; undefined where no token is needed. */
    principal: Principal | undefined;
  }
}

/**
 * Stands before every route: no route without a decision about who may use it, no request past its grant, every
 * answer with a request id. Limits what one network address may get wrong.
 */
export function guardRoutes(
  app: FastifyInstance,
  { tokens, clock, limits, log }: Pick<ApiDependencies, 'tokens' | 'clock' | 'limits' | 'log'>,
  addressOf: (request: FastifyRequest) => string,
): void {
  const authenticator = new Authenticator(tokens, clock, (error, what) => log.warn({ err: error }, `${what} failed`));
  const countRequest = app.createRateLimit();
  const countRefusal = app.createRateLimit({
    max: limits.refusalsPerMinute,
    timeWindow: 60_000,
    keyGenerator: addressOf,
  });
  app.decorateRequest('principal', undefined);

  app.addHook('onRoute', (route) => {
    if (route.config?.grant !== undefined) return;
    for (const method of [route.method].flat()) {
      const grant = grantFor(method, route.url);
      if (grant === undefined) throw new Error(`no decision about who may use ${method} ${route.url}`);
      route.config = { ...route.config, grant };
    }
  });

  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'x-request-id': request.id, 'cache-control': 'no-store' });
    // RFC 9112, 3.2: a request of HTTP/1.1 without a host is not to be answered
    if (request.raw.httpVersion === '1.1' && request.headers.host === undefined) {
      throw new ApiError('invalid-request', 'the request names no host');
    }
    if (request.url.length > limits.urlLength)
      throw new ApiError('url-too-long', 'the path with its query is too long');
    if (request.is404) {
      // unknown paths run no hook of their own that would count them
      const counted = await countRequest(request);
      if (!counted.isAllowed && counted.isExceeded) throw tooMany(counted.ttlInSeconds);
      throw new ApiError('not-found', 'nothing is found at this path');
    }
    const { grant } = request.routeOptions.config;
    if (grant === 'anyone') return;
    request.principal = await identify(request);
    if (grant?.includes(request.principal.role) !== true) {
      throw new ApiError('forbidden', `the role ${request.principal.role} may not do this`);
    }
  });

  app.addHook('onResponse', (request, reply, done) => {
    const { method, routeOptions, principal } = request;
    const status = reply.statusCode;
    const fields = {
      method,
      route: routeOptions.url,
      status,
      ms: Math.round(reply.elapsedTime),
      tokenId: principal?.tokenId,
    };
    if (status >= 400) request.log.info(fields, 'request refused');
    else request.log.debug(fields, 'request answered');
    done();
  });

  async function identify(request: FastifyRequest): Promise<Principal> {
    const refused = await countRefusal(request, { increment: false });
    const strangers = !refused.isAllowed && refused.remaining === 0 ? 'refused' : 'heard';
    try {
      return await authenticator.authenticate(request.headers.authorization, strangers);
    } catch (error) {
      // a request without a token is a mistake, not a guess
      if (request.headers.authorization !== undefined) await countRefusal(request);
      throw error;
    }
  }
}

function tooMany(retryAfterS: number): ApiError {
  return new ApiError('too-many-requests', 'too many requests in this minute', {
    headers: { 'retry-after': String(retryAfterS) },
  });
}
