import { createServer, type Server, type ServerOptions, STATUS_CODES } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import type { FastifyServerFactoryHandler } from 'fastify';
import { ApiError, type ApiErrorCode } from './errors.ts';
import type { ApiLimits } from './limits.ts';
import { PROBLEM_JSON, problemOf } from './problem.ts';

/** How often slow requests are looked for; Node's own half minute would let them hold a connection that long. */
const SLOW_CHECK_MS = 1000;
const MAX_HEADERS = 100;

/** PEM texts. */
export interface Certificate {
  readonly key: string;
  readonly certificate: string;
}

/** The HTTP or HTTPS server with all limits of the connection itself set. */
export function createLimitedServer(
  limits: ApiLimits,
  certificate: Certificate | undefined,
  handler: FastifyServerFactoryHandler,
): Server {
  const options: ServerOptions = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    // the guard answers for it, with a problem as for everything else
    requireHostHeader: false,
    connectionsCheckingInterval: Math.min(SLOW_CHECK_MS, limits.headersTimeoutMs),
  };
  const server =
    certificate === undefined
      ? createServer(options, handler)
      : createTlsServer({ ...options, ...secureContext(certificate), minVersion: 'TLSv1.2' }, handler);
  server.maxConnections = limits.connections;
  server.maxHeadersCount = MAX_HEADERS;
  return server;
}

/** Takes a renewed certificate into use for new connections. Throws when the PEM texts do not fit together. */
export function renewCertificate(server: Server, certificate: Certificate): void {
  if (!('setSecureContext' in server)) throw new TypeError('a server without TLS has no certificate to renew');
  (server as TlsServer).setSecureContext(secureContext(certificate));
}

/** Answers what never became a request: the parser gave up, or the request did not arrive in time. */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const cause = brokenRequest(error.code);
  const body = JSON.stringify(problemOf(cause, crypto.randomUUID(), 'en'));
  socket.end(
    [
      `HTTP/1.1 ${cause.status} ${STATUS_CODES[cause.status] ?? ''}`,
      `Content-Type: ${PROBLEM_JSON}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Cache-Control: no-store',
      'X-Content-Type-Options: nosniff',
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
    () => socket.destroy(),
  );
}

/** What the codes of Node's HTTP parser mean for the caller. */
const BROKEN_REQUESTS: Readonly<Record<string, readonly [ApiErrorCode, string]>> = {
  HPE_HEADER_OVERFLOW: ['headers-too-large', 'the request line and headers are too long'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['body-too-large', 'the chunk extensions of the request body are too long'],
  ERR_HTTP_REQUEST_TIMEOUT: ['request-timeout', 'the request did not arrive in time'],
};

function brokenRequest(code: string | undefined): ApiError {
  const [problem, detail] = BROKEN_REQUESTS[code ?? ''] ?? ['invalid-request', 'the request is not valid HTTP'];
  return new ApiError(problem, detail);
}

function secureContext({ key, certificate }: Certificate): { key: string; cert: string } {
  return { key, cert: certificate };
}
