import type { FastifyError } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { CollectorError } from '../collector/errors.ts';

/** Every kind of problem the API answers with, and its HTTP status. The names are part of the API: they end `type`. */
export const PROBLEM_STATUS = {
  'invalid-request': 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  'method-not-allowed': 405,
  'request-timeout': 408,
  'body-too-large': 413,
  'url-too-long': 414,
  'unsupported-media-type': 415,
  'too-many-requests': 429,
  'headers-too-large': 431,
  internal: 500,
  'not-ready': 503,
  unavailable: 503,
} as const;

export type ApiErrorCode = keyof typeof PROBLEM_STATUS;

/** One thing that is wrong with a request, and where. */
export interface FieldError {
  readonly in: 'query' | 'path' | 'body' | 'header';
  /** Name of the parameter or JSON path in the body; empty for the whole part. */
  readonly name: string;
  readonly detail: string;
}

/** An answer that is not what was asked for. The message becomes the problem's `detail`: it holds nothing internal. */
export class ApiError extends Error {
  readonly code: ApiErrorCode;
  readonly headers: Readonly<Record<string, string>>;
  readonly errors: readonly FieldError[];
  /** Why the collector is not ready. */
  readonly reasons: readonly string[];

  constructor(
    code: ApiErrorCode,
    message: string,
    options: {
      headers?: Record<string, string>;
      errors?: readonly FieldError[];
      reasons?: readonly string[];
      cause?: unknown;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ApiError';
    this.code = code;
    this.headers = options.headers ?? {};
    this.errors = options.errors ?? [];
    this.reasons = options.reasons ?? [];
  }

  get status(): number {
    return PROBLEM_STATUS[this.code];
  }
}

/** A request whose query parameter cannot be used. */
export function invalidQuery(name: string, detail: string): ApiError {
  return new ApiError('invalid-request', `the query parameter ${name} ${detail}`, {
    errors: [{ in: 'query', name, detail }],
  });
}

/** Whatever was thrown, as the problem to answer with. What is not known to be the caller's doing is `internal`. */
export function apiErrorOf(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) return validationError(error);
  if (error instanceof CollectorError && error.code === 'store') {
    return new ApiError('unavailable', 'the database did not answer', { cause: error });
  }
  if (error instanceof CollectorError && error.code === 'metrics') {
    return new ApiError('unavailable', 'InfluxDB, from which history is read, did not answer', { cause: error });
  }
  const { code, statusCode } = (error ?? {}) as Partial<FastifyError>;
  const known = FRAMEWORK_ERRORS[code ?? ''];
  if (known !== undefined) return new ApiError(known[0], known[1], { cause: error });
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new ApiError('invalid-request', 'the request could not be read', { cause: error });
  }
  return new ApiError('internal', 'the request could not be answered', { cause: error });
}

/** Codes of Fastify's own errors that a caller can cause. */
const FRAMEWORK_ERRORS: Readonly<Record<string, readonly [ApiErrorCode, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['body-too-large', 'the request body is too large'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported-media-type', 'the media type of the request body is not supported'],
  FST_ERR_CTP_EMPTY_TYPE: ['unsupported-media-type', 'the request body has no media type'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['invalid-request', 'the request body is empty'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['invalid-request', 'the request body is not valid JSON'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['invalid-request', 'the request body does not match its content-length'],
  FST_ERR_BAD_URL: ['invalid-request', 'the path is not validly percent-encoded'],
  FST_ERR_MAX_PARAM_LENGTH: ['url-too-long', 'a part of the path is too long'],
  FST_ERR_NOT_FOUND: ['not-found', 'nothing is found at this path'],
  FST_ERR_HANDLER_TIMEOUT: ['unavailable', 'the answer took too long'],
};

const PARTS: Readonly<Record<string, FieldError['in']>> = {
  querystring: 'query',
  params: 'path',
  body: 'body',
  headers: 'header',
};

/** Wrong fields that one answer names; a caller with more mends these first. */
const MAX_FIELD_ERRORS = 20;

function validationError(error: {
  readonly validationContext?: string;
  readonly validation: readonly { readonly instancePath: string; readonly message?: string }[];
}): ApiError {
  const part = PARTS[error.validationContext ?? ''] ?? 'query';
  const errors = error.validation.slice(0, MAX_FIELD_ERRORS).map(({ instancePath, message }) => ({
    in: part,
    name: instancePath.replace(/^\//, ''),
    detail: message ?? 'is not valid',
  }));
  const names = errors.map(({ name }) => name).filter((name) => name !== '');
  const subject = names.length === 0 ? `the ${part}` : `${part} ${names.join(', ')}`;
  return new ApiError('invalid-request', `${subject} cannot be used`, { errors, cause: error });
}
