import { HttpError } from '@influxdata/influxdb-client';
import { ProtocolError } from '../../protocols/errors.ts';

/** What became of some lines that were sent. */
export type Answer =
  /** The server says that it has them. */
  | { readonly kind: 'stored' }
  /** It will never take some of them as they are; `dropped` says how many, where the server did. */
  | { readonly kind: 'refused'; readonly dropped: number | undefined; readonly words: string }
  /** It takes fewer bytes at once. */
  | { readonly kind: 'too-large'; readonly words: string }
  /** Nobody knows; the same again later. `waitMs` is what the server asks for. */
  | { readonly kind: 'later'; readonly waitMs: number | undefined; readonly words: string }
  /** A person must do something first: `hint` says what. */
  | { readonly kind: 'instruction'; readonly words: string; readonly hint: string };

/** The server may ask us to wait, but not for ever. */
const LONGEST_ASKED_WAIT_MS = 900_000;
const MAX_WORDS = 300;

/** Statuses that name no fault of ours and pass by themselves. */
const PASSING = new Set([408, 425, 429]);

/** The place that lines are written to, for people: `bucket b of organisation o`, `database d`. */
export interface Target {
  readonly url: string;
  readonly place: string;
}

/**
 * What a failed attempt means. Sources: InfluxDB 2 API `POST /api/v2/write`, InfluxDB 1 `/write`, InfluxDB 3
 * `/api/v3/write_lp`, RFC 9110 for the rest. A status that any web server could give is never taken as a word about
 * our lines: lines are given up only when InfluxDB itself says so.
 */
export function answerOf(error: unknown, target: Target): Answer {
  if (error instanceof ProtocolError) {
    return { kind: 'instruction', words: error.message, hint: error.hint ?? 'it is read again at the next attempt' };
  }
  if (!(error instanceof HttpError)) {
    return { kind: 'later', waitMs: undefined, words: error instanceof Error ? messageOf(error) : String(error) };
  }
  const { statusCode } = error;
  const words = `${statusCode} ${wordsOf(error)}`.trim();
  const missing = missingPlace(words);
  if (missing !== undefined)
    return { kind: 'instruction', words, hint: `create ${missing}${target.place}, or name another` };
  if (statusCode === 413) return { kind: 'too-large', words };
  if (statusCode === 400 || statusCode === 422) return refusal(error, words, target);
  if (statusCode >= 500 || PASSING.has(statusCode)) return { kind: 'later', waitMs: askedWaitMs(error), words };
  return { kind: 'instruction', words, hint: hintFor(statusCode, target) };
}

/** A 2xx that is not 204 comes from somebody in between: a login page, a proxy that keeps what it was given. */
export function unexpectedSuccess(statusCode: number | undefined, { url }: Target): Answer {
  const words = `${statusCode ?? 'no status'} instead of 204 No Content`;
  return { kind: 'instruction', words, hint: `see whether ${url} is InfluxDB itself: something else answered` };
}

/** InfluxDB 1 says it with 404 for a database and with 500 for a retention policy, InfluxDB 2 with 404. */
function missingPlace(words: string): string | undefined {
  if (/retention policy not found/i.test(words)) return 'the retention policy in ';
  return /(database|bucket|organi[sz]ation)\b.* not found/i.test(words) ? '' : undefined;
}

function refusal(error: HttpError, words: string, target: Target): Answer {
  if (!isFromInflux(error)) {
    const hint = `see whether ${target.url} is InfluxDB, and whether http or https is right`;
    return { kind: 'instruction', words, hint };
  }
  // InfluxDB 1 and 2 say `partial write: field type conflict … dropped=2`; the others are stored.
  const dropped = /\bdropped=(\d+)/.exec(words)?.[1];
  return { kind: 'refused', dropped: dropped === undefined ? undefined : Number(dropped), words };
}

/** InfluxDB 1 and 2 name their version in a header; all versions give reasons as JSON. */
function isFromInflux({ headers = {}, contentType, body = '' }: HttpError): boolean {
  if ('x-influxdb-version' in headers || 'x-influxdb-build' in headers) return true;
  return contentType?.startsWith('application/json') === true && /"(error|message|code)"\s*:/.test(body);
}

function hintFor(statusCode: number, { url, place }: Target): string {
  if (statusCode === 401) return 'check the token, or user and password, in the configuration';
  if (statusCode === 403) return `allow writing to ${place}`;
  if (statusCode === 404) return `check the path and the dialect for ${url}: it knows no such way to write`;
  if (statusCode >= 300 && statusCode < 400) return `give the address that ${url} redirects to`;
  return `see whether ${url} is InfluxDB`;
}

/** The server's reason, in its words, without its line breaks. */
function wordsOf({ body = '', json, statusMessage = '' }: HttpError): string {
  const fields: unknown = json;
  const said = isRecord(fields) ? (fields['message'] ?? fields['error']) : undefined;
  const text = typeof said === 'string' && said !== '' ? `${said}${firstLineError(fields)}` : body;
  return (text === '' ? statusMessage : text).slice(0, MAX_WORDS).replaceAll(/\s+/g, ' ').trim();
}

/** InfluxDB 3 tells of each refused line what is wrong with it; the first stands for all. */
function firstLineError(fields: unknown): string {
  const lines: unknown = isRecord(fields) ? fields['data'] : undefined;
  const first: unknown = Array.isArray(lines) ? lines[0] : lines;
  const why = isRecord(first) ? first['error_message'] : undefined;
  return typeof why === 'string' ? `: ${why}` : '';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** `Retry-After` as seconds or as a date (RFC 9110, 10.2.3); the client library takes the seconds for milliseconds. */
function askedWaitMs({ headers = {} }: HttpError): number | undefined {
  const given = headers['retry-after'];
  if (typeof given !== 'string') return undefined;
  const waitMs = /^\d+$/.test(given) ? Number(given) * 1000 : Date.parse(given) - Date.now();
  return Number.isNaN(waitMs) ? undefined : Math.min(LONGEST_ASKED_WAIT_MS, Math.max(0, waitMs));
}

/** Node puts the reason of a refused connection to several addresses into the parts of an AggregateError. */
function messageOf(error: Error): string {
  if (error.message !== '') return error.message;
  return 'code' in error ? String(error.code) : error.name;
}
