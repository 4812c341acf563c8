import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { ApiDependencies } from './dependencies.ts';
import { ApiError, apiErrorOf } from './errors.ts';
import { guardRoutes } from './guard.ts';
import { preferredLanguage } from './language.ts';
import { describeApi } from './openapi.ts';
import { PROBLEM_JSON, problemOf } from './problem.ts';
import { addRoutes } from './routes/routes.ts';
import { answerBrokenRequest, type Certificate, createLimitedServer, renewCertificate } from './server.ts';

/** The API, built and not yet listening. */
export interface Api {
  /** For `inject` in tests. */
  readonly app: FastifyInstance;
  /** Listens and resolves with the URL; port 0 takes a free one. Rejects with the system's error, such as `EADDRINUSE`. */
  listen(at: { readonly host: string; readonly port: number }): Promise<string>;
  /** Takes no more requests, lets answers under way end within `closeGraceMs`, then closes every connection. */
  close(): Promise<void>;
  renewCertificate(certificate: Certificate): void;
}

/**
 * Content security policy of everything we serve ourselves. No inline script or style, nothing from elsewhere; `data:`
 * images only because the reader of the API description draws its icons so.
 */
const CONTENT_SECURITY_POLICY = {
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
  'connect-src': ["'self'"],
  'base-uri': ["'none'"],
  'form-action': ["'self'"],
  'frame-ancestors': ["'none'"],
};
/** Of a part of the path, before any schema sees it. */
const MAX_PARAMETER_LENGTH = 1000;
const SIX_MONTHS_S = 15_552_000;

/** Builds the API out of its dependencies. Opens nothing; the composition root listens and closes. */
export async function createApi(dependencies: ApiDependencies): Promise<Api> {
  const { limits, certificate } = dependencies;
  const app = fastify({
    loggerInstance: dependencies.log,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: () => crypto.randomUUID(),
    serverFactory: (handler) => createLimitedServer(limits, certificate, handler),
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: sendProblem,
    bodyLimit: limits.bodyBytes,
    handlerTimeout: limits.handlerTimeoutMs,
    trustProxy: dependencies.trustedProxies.length > 0 ? [...dependencies.trustedProxies] : false,
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH },
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(sendProblem);

  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: CONTENT_SECURITY_POLICY },
    hsts: certificate === undefined ? false : { maxAge: SIX_MONTHS_S },
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
  });
  await app.register(rateLimit, {
    max: limits.requestsPerMinute,
    timeWindow: 60_000,
    cache: 10_000,
    keyGenerator: (request) => request.principal?.tokenId ?? addressOf(request),
    errorResponseBuilder: () => new ApiError('too-many-requests', 'too many requests in this minute'),
  });
  guardRoutes(app, dependencies, addressOf);
  await describeApi(app, dependencies.version);
  addRoutes(app, dependencies);
  await app.ready();
  return {
    app,
    listen: (at) => app.listen(at),
    close: () => closeWithin(app, limits.closeGraceMs),
    renewCertificate: (renewed) => renewCertificate(app.server, renewed),
  };
}

/** The network a caller comes from; one IPv6 subscriber is one caller. */
function addressOf(request: FastifyRequest): string {
  return rateLimit.normalizeIP(request.ip, 64);
}

/** The one place where errors become answers. What is not the caller's doing is logged, and told as no more than that. */
function sendProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const error = apiErrorOf(thrown);
  if (error.code === 'internal' || error.code === 'unavailable') {
    request.log.error({ err: error.cause ?? error }, 'a request could not be answered');
  }
  const language = preferredLanguage(request.headers['accept-language']);
  void reply
    .code(error.status)
    .headers(error.headers)
    .headers({
      'content-language': language,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      vary: 'accept-language',
      'x-request-id': request.id,
    })
    .type(PROBLEM_JSON)
    .send(JSON.stringify(problemOf(error, request.id, language)));
}

async function closeWithin(app: FastifyInstance, graceMs: number): Promise<void> {
  const hard = setTimeout(() => app.server.closeAllConnections(), graceMs);
  try {
    await app.close();
  } finally {
    clearTimeout(hard);
  }
}
