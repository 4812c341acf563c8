import { type ApiError, type ApiErrorCode, type FieldError, PROBLEM_STATUS } from './errors.ts';
import type { Language } from './language.ts';
import { PROBLEM_TEXT } from './problem-text.ts';

/** Media type of every answer that is an error (RFC 9457, 3). */
export const PROBLEM_JSON = 'application/problem+json; charset=utf-8';

/**
 * A problem as RFC 9457 shapes it. `type` is a path on this server that never changes and explains the problem in both
 * languages; `instance` names the request, under which the log tells more.
 */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly hint: string;
  readonly errors?: readonly FieldError[];
  readonly reasons?: readonly string[];
}

/** The `type` of a kind of problem. */
export function problemType(code: ApiErrorCode): string {
  return `/problems/${code}`;
}

/** The problem that tells a caller of `error`. `requestId` is a UUID. */
export function problemOf(error: ApiError, requestId: string, language: Language): Problem {
  const { title, hint } = PROBLEM_TEXT[error.code][language];
  return {
    type: problemType(error.code),
    title,
    status: PROBLEM_STATUS[error.code],
    detail: error.message,
    instance: `urn:uuid:${requestId}`,
    hint,
    ...(error.errors.length > 0 ? { errors: error.errors } : {}),
    ...(error.reasons.length > 0 ? { reasons: error.reasons } : {}),
  };
}
