import { HttpError } from '@influxdata/influxdb-client';
import { describe, expect, test } from 'vitest';
import { answerOf, unexpectedSuccess } from '../../../../collector/metrics/influx-answer.ts';
import { ProtocolError } from '../../../../protocols/errors.ts';

const TARGET = { url: 'http://metrics:8086', place: 'bucket b of organisation o' };
const JSON_TYPE = 'application/json; charset=utf-8';

function failed(
  status: number,
  body = '',
  { headers = {}, type = 'text/plain' }: { headers?: Record<string, string>; type?: string } = {},
): HttpError {
  return new HttpError(status, 'Reason', body, headers['retry-after'], type, undefined, headers);
}

const fromInflux = (status: number, message: string, headers: Record<string, string> = {}): HttpError =>
  failed(status, JSON.stringify({ code: 'invalid', message }), {
    headers: { 'x-influxdb-version': '2.7', ...headers },
    type: JSON_TYPE,
  });

describe('lines are given up only when InfluxDB itself refuses them', () => {
  test.each([
    ['2.x 400', fromInflux(400, "unable to parse 'x': missing fields"), undefined],
    ['2.x 422', fromInflux(422, 'partial write: field type conflict dropped=3'), 3],
    [
      '1.x 400',
      failed(400, '{"error":"partial write: points beyond retention policy dropped=2"}', {
        headers: { 'x-influxdb-version': '1.6' },
        type: 'application/json',
      }),
      2,
    ],
    [
      '3.x 400',
      failed(400, '{"error":"partial write of line protocol occurred","data":[]}', { type: 'application/json' }),
      undefined,
    ],
  ])('%s', (_, error, dropped) => {
    expect(answerOf(error, TARGET)).toMatchObject({ kind: 'refused', dropped });
  });

  test.each([
    ['a TLS port spoken to in the clear', failed(400, 'Client sent an HTTP request to an HTTPS server.')],
    ['a proxy that understands nothing', failed(400, '<html>Bad Request</html>', { type: 'text/html' })],
    ['an API of somebody else', failed(422, '{"detail":"x"}', { type: 'application/json' })],
  ])('not by %s', (_, error) => {
    expect(answerOf(error, TARGET)).toMatchObject({
      kind: 'instruction',
      hint: expect.stringContaining('http or https') as string,
    });
  });
});

describe('what a person must do is said', () => {
  test.each([
    [401, 'unauthorized access', 'check the token, or user and password, in the configuration'],
    [403, 'forbidden', 'allow writing to bucket b of organisation o'],
    [404, 'bucket "b" not found', 'create bucket b of organisation o, or name another'],
    [404, 'organization name "o" not found', 'create bucket b of organisation o, or name another'],
    [
      404,
      '404 page not found',
      'check the path and the dialect for http://metrics:8086: it knows no such way to write',
    ],
    [
      500,
      'retention policy not found: r',
      'create the retention policy in bucket b of organisation o, or name another',
    ],
    [302, '', 'give the address that http://metrics:8086 redirects to'],
    [405, '', 'see whether http://metrics:8086 is InfluxDB'],
  ])('%i %s', (status, message, hint) => {
    expect(answerOf(fromInflux(status, message), TARGET)).toMatchObject({ kind: 'instruction', hint });
  });

  test('of a secret that cannot be read', () => {
    const error = new ProtocolError('refused', 'reading the secret env:T: it is empty', { hint: 'set it' });
    expect(answerOf(error, TARGET)).toEqual({
      kind: 'instruction',
      words: 'reading the secret env:T: it is empty',
      hint: 'set it',
    });
  });

  test('of a success that is none', () => {
    expect(unexpectedSuccess(200, TARGET)).toEqual({
      kind: 'instruction',
      words: '200 instead of 204 No Content',
      hint: 'see whether http://metrics:8086 is InfluxDB itself: something else answered',
    });
  });
});

describe('what passes by itself is tried again later', () => {
  test.each([408, 429, 500, 502, 503, 504])('%i', (status) => {
    expect(answerOf(failed(status), TARGET)).toMatchObject({ kind: 'later', waitMs: undefined });
  });

  test('a connection that failed, in words', () => {
    expect(answerOf(new Error('connect ECONNREFUSED'), TARGET)).toEqual({
      kind: 'later',
      waitMs: undefined,
      words: 'connect ECONNREFUSED',
    });
    const attempts = Object.assign(new AggregateError([new Error('a'), new Error('b')]), { code: 'ECONNREFUSED' });
    expect(answerOf(attempts, TARGET)).toMatchObject({ words: 'ECONNREFUSED' });
  });

  test('after what the server asks for, in seconds or by date, within a quarter of an hour', () => {
    const asked = (value: string): unknown => answerOf(failed(503, '', { headers: { 'retry-after': value } }), TARGET);
    expect(asked('30')).toMatchObject({ waitMs: 30_000 });
    expect(asked('86400')).toMatchObject({ waitMs: 900_000 });
    expect(asked('soon')).toMatchObject({ waitMs: undefined });
    expect(asked('Thu, 01 Jan 1970 00:00:00 GMT')).toMatchObject({ waitMs: 0 });
    const inTenMinutes = asked(new Date(Date.now() + 600_000).toUTCString()) as { waitMs: number };
    expect(inTenMinutes.waitMs).toBeGreaterThan(590_000);
    expect(inTenMinutes.waitMs).toBeLessThanOrEqual(600_000);
  });

  test('413 is a matter of size', () => {
    expect(answerOf(failed(413), TARGET)).toMatchObject({ kind: 'too-large' });
  });
});

test('the words of a server are kept short and on one line', () => {
  const answer = answerOf(failed(500, `a\nb\r\n${'c'.repeat(10_000)}`), TARGET);
  expect(answer).toMatchObject({ words: expect.stringMatching(/^500 a b c+$/) as string });
  expect(JSON.stringify(answer).length).toBeLessThan(400);
});
