import { describe, expect, test } from 'vitest';
import { ApiError, apiErrorOf, PROBLEM_STATUS } from '../../../api/errors.ts';
import { preferredLanguage } from '../../../api/language.ts';
import { PROBLEM_TEXT } from '../../../api/problem-text.ts';
import { CollectorError } from '../../../collector/errors.ts';
import { apiUnderTest, showing } from '../../support/api.ts';

const UUID_URN = /^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

describe('an answer that is an error', () => {
  const cases: [what: string, code: keyof typeof PROBLEM_STATUS, request: { method?: 'GET' | 'POST'; url: string }][] =
    [
      ['a query that cannot be used', 'invalid-request', { url: '/api/v1/devices?limit=0' }],
      ['a path that is not percent-encoded', 'invalid-request', { url: '/api/v1/devices/%zz' }],
      ['a NUL in the path', 'invalid-request', { url: '/api/v1/devices/%00' }],
      ['an unknown device', 'not-found', { url: '/api/v1/devices/nobody' }],
      ['an unknown path', 'not-found', { url: '/api/v2/counts' }],
      ['an unknown path with a body', 'not-found', { method: 'POST', url: '/api/v2/counts' }],
      ['another method', 'method-not-allowed', { method: 'POST', url: '/api/v1/counts' }],
      ['a long id', 'invalid-request', { url: `/api/v1/devices/${'x'.repeat(201)}` }],
      ['a long part of the path', 'url-too-long', { url: `/api/v1/devices/${'x'.repeat(1001)}` }],
      ['a long query', 'url-too-long', { url: `/api/v1/devices?text=${'x'.repeat(4096)}` }],
    ];
  test.each(cases)('%s is a %s problem', async (_what, code, request) => {
    await using t = await apiUnderTest();
    const answer = await t.api.app.inject({
      ...request,
      headers: { ...showing(t.bearer.operator), 'content-type': 'application/xml' },
      ...(request.method === 'POST' ? { payload: '<a/>' } : {}),
    });
    expect(answer.statusCode).toBe(PROBLEM_STATUS[code]);
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(answer.json()).toMatchObject({
      type: `/problems/${code}`,
      title: PROBLEM_TEXT[code].en.title,
      hint: PROBLEM_TEXT[code].en.hint,
      status: PROBLEM_STATUS[code],
      detail: expect.any(String),
      instance: expect.stringMatching(UUID_URN),
    });
    expect(answer.json().instance).toBe(`urn:uuid:${String(answer.headers['x-request-id'])}`);
  });

  test('names every field that is wrong', async () => {
    await using t = await apiUnderTest();
    const answer = await t.api.app.inject({
      url: '/api/v1/devices?limit=1001&category=flying&txet=a&status=online&status=never',
      headers: showing(t.bearer.assessor),
    });
    const { errors } = answer.json<{ errors: { in: string; name: string; detail: string }[] }>();
    expect(errors.map(({ name }) => name).sort()).toEqual(['', 'category', 'limit', 'status']);
    expect(errors.find(({ name }) => name === '')?.detail).toContain('txet');
    expect(errors.every((error) => error.in === 'query')).toBe(true);
  });

  test('of ours tells nothing internal, and its request id leads to the cause in the log', async () => {
    await using t = await apiUnderTest();
    t.reading.failure = new Error('SECRET detail of /srv/rollcall/data.sqlite');
    const answer = await t.api.app.inject({ url: '/api/v1/counts', headers: showing(t.bearer.viewer) });
    expect(answer.statusCode).toBe(500);
    expect(answer.body).not.toContain('SECRET');
    expect(answer.body).not.toContain('.ts');
    const entry = t.logged.find((line) => line.includes('SECRET'));
    expect(JSON.parse(entry ?? '{}')).toMatchObject({ requestId: answer.headers['x-request-id'], level: 50 });
  });

  test('of the database is a 503 that asks to come back', async () => {
    await using t = await apiUnderTest();
    t.tokens.failure = new CollectorError('store', 'reading tokens: database is locked');
    const answer = await t.api.app.inject({ url: '/api/v1/counts', headers: showing(t.bearer.viewer) });
    expect(answer.json()).toMatchObject({ type: '/problems/unavailable', detail: 'the database did not answer' });
    expect(answer.body).not.toContain('locked');
  });

  test('after too long a wait is a 503', async () => {
    await using t = await apiUnderTest({ limits: { handlerTimeoutMs: 30 } });
    t.reading.gate = new Promise(() => {});
    const answer = await t.api.app.inject({ url: '/api/v1/counts', headers: showing(t.bearer.viewer) });
    expect(answer.json()).toMatchObject({ status: 503, type: '/problems/unavailable' });
  });

  test('because of a wrong method names the right ones', async () => {
    await using t = await apiUnderTest();
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'] as const) {
      const answer = await t.api.app.inject({ method: method as 'PUT', url: '/api/v1/devices/device-001' });
      expect([answer.statusCode, answer.headers.allow]).toEqual([405, 'GET, HEAD']);
    }
  });
});

describe('a problem’s type', () => {
  test('leads to its explanation in both languages', async () => {
    await using t = await apiUnderTest();
    for (const code of Object.keys(PROBLEM_STATUS) as (keyof typeof PROBLEM_STATUS)[]) {
      const answer = await t.api.app.inject(`/problems/${code}`);
      expect(answer.json()).toEqual({ type: `/problems/${code}`, status: PROBLEM_STATUS[code], ...PROBLEM_TEXT[code] });
    }
  });
});

describe('what is thrown', () => {
  test.each([
    ['FST_ERR_CTP_BODY_TOO_LARGE', 'body-too-large'],
    ['FST_ERR_CTP_INVALID_MEDIA_TYPE', 'unsupported-media-type'],
    ['FST_ERR_CTP_INVALID_JSON_BODY', 'invalid-request'],
    ['FST_ERR_HANDLER_TIMEOUT', 'unavailable'],
  ])('%s becomes %s', (code, problem) => {
    expect(apiErrorOf(Object.assign(new Error('x'), { code, statusCode: 400 })).code).toBe(problem);
  });

  test('and is no error of ours or the framework is internal', () => {
    for (const thrown of [undefined, null, 'text', 7, {}, new RangeError('Invalid time value')]) {
      expect(apiErrorOf(thrown)).toMatchObject({ code: 'internal', message: 'the request could not be answered' });
    }
  });

  test('an ApiError stays what it is', () => {
    const error = new ApiError('not-found', 'no such device');
    expect(apiErrorOf(error)).toBe(error);
  });
});

describe('the language of a problem', () => {
  test.each([
    [undefined, 'en'],
    ['', 'en'],
    ['zh-CN,zh;q=0.9,en;q=0.8', 'zh-CN'],
    ['zh', 'zh-CN'],
    ['zh-Hant-TW', 'zh-CN'],
    ['en-GB, zh;q=0.9', 'en'],
    ['en;q=0.2, ZH-cn;q=0.7', 'zh-CN'],
    ['fr, de;q=0.5', 'en'],
    ['fr, zh;q=0.5', 'zh-CN'],
    ['zh;q=0', 'en'],
    ['zh;q=nonsense', 'en'],
    ['*', 'en'],
    [`zh${','.repeat(5000)}`, 'en'],
  ])('for %j is %s', (header, language) => {
    expect(preferredLanguage(header)).toBe(language);
  });

  test('is stated, and caches are told', async () => {
    await using t = await apiUnderTest();
    const answer = await t.api.app.inject({ url: '/api/v1/counts', headers: { 'accept-language': 'zh-CN' } });
    expect(answer.json().title).toBe('需要有效的令牌');
    expect(answer.headers['content-language']).toBe('zh-CN');
    expect(answer.headers.vary).toBe('accept-language');
  });
});
