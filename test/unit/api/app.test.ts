import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { grantedRoutes } from '../../../api/access.ts';
import { apiUnderTest, showing } from '../../support/api.ts';

interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly security?: readonly unknown[];
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: object }>>;
}
interface OpenApi {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, object>>;
    readonly securitySchemes: Readonly<Record<string, object>>;
  };
}

/** Routes that serve files, not the API. */
const NOT_DESCRIBED = ['/', '/page/:file', '/openapi.json'];

describe('the OpenAPI document', () => {
  test('is version 3.1 and names every route of the API, with a summary, a name and its security', async () => {
    await using t = await apiUnderTest();
    const document = (await t.api.app.inject('/openapi.json')).json<OpenApi>();
    expect(document.openapi).toBe('3.1.0');
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const routes = grantedRoutes().filter(({ url }) => !NOT_DESCRIBED.includes(url));
    expect(described.sort()).toEqual(
      routes.map(({ method, url }) => `${method} ${url.replace(/:(\w+)/g, '{$1}')}`).sort(),
    );
    for (const { method, url, grant } of routes) {
      const operation = document.paths[url.replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];
      expect(operation?.summary).toEqual(expect.any(String));
      expect(operation?.security).toEqual(grant === 'anyone' ? [] : [{ bearer: [] }]);
      const codes = Object.keys(operation?.responses ?? {});
      expect(codes).toEqual(expect.arrayContaining(['200', '429', '500', '503']));
      if (grant !== 'anyone') expect(codes).toEqual(expect.arrayContaining(['401', '403']));
    }
    const names = Object.values(document.paths).map((methods) => methods.get?.operationId);
    expect(new Set(names).size).toBe(names.length);
  });

  test('refers to nothing that is not there, and holds nothing that is not referred to', async () => {
    await using t = await apiUnderTest();
    const { body } = await t.api.app.inject('/openapi.json');
    const { components } = JSON.parse(body) as OpenApi;
    const referred = new Set(body.match(/(?<=#\/components\/schemas\/)\w+/g));
    expect([...referred].sort()).toEqual(Object.keys(components.schemas).sort());
    expect(components.securitySchemes).toHaveProperty('bearer');
    expect(body).not.toContain('Default Response');
  });

  test('is served with its reader, whose scripts are ours alone', async () => {
    await using t = await apiUnderTest();
    const answer = await t.api.app.inject('/docs');
    expect(answer.body).toContain('swagger-ui-bundle.js');
    expect(answer.headers['content-security-policy']).toContain("script-src 'self';");
  });
});

describe('every answer', () => {
  test.each(['/', '/api/v1/counts', '/nothing', '/page/page.js'])('%s carries the security headers', async (url) => {
    await using t = await apiUnderTest();
    const { headers } = await t.api.app.inject(url);
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'x-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(headers).not.toHaveProperty('x-powered-by');
    expect(headers).not.toHaveProperty('strict-transport-security');
  });

  test('of the API is kept by no cache', async () => {
    await using t = await apiUnderTest();
    const answer = await t.api.app.inject({ url: '/api/v1/counts', headers: showing(t.bearer.viewer) });
    expect(answer.headers['cache-control']).toBe('no-store');
  });
});

describe('the rate limit', () => {
  test('holds for each token by itself, and says when to come back', async () => {
    await using t = await apiUnderTest({ limits: { requestsPerMinute: 3 } });
    const ask = (token: string) => t.api.app.inject({ url: '/api/v1/counts', headers: showing(token) });
    const codes = [];
    for (let asked = 0; asked < 4; asked++) codes.push((await ask(t.bearer.viewer)).statusCode);
    expect(codes).toEqual([200, 200, 200, 429]);
    const refused = await ask(t.bearer.viewer);
    expect(refused.json()).toMatchObject({ status: 429, type: '/problems/too-many-requests' });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await ask(t.bearer.assessor)).statusCode).toBe(200);
  });

  test.each([
    ['unknown paths', 'GET', '/nothing'],
    ['wrong methods', 'POST', '/api/v1/counts'],
    ['the page', 'GET', '/'],
  ] as const)('holds for %s too', async (_what, method, url) => {
    await using t = await apiUnderTest({ limits: { requestsPerMinute: 2 } });
    const codes = [];
    for (let asked = 0; asked < 3; asked++) codes.push((await t.api.app.inject({ method, url })).statusCode);
    expect(codes[2]).toBe(429);
    expect(codes.slice(0, 2)).not.toContain(429);
  });

  test('does not believe a forwarded address from a stranger', async () => {
    await using t = await apiUnderTest({ limits: { requestsPerMinute: 2 } });
    const codes = [];
    for (const address of ['198.51.100.1', '198.51.100.2', '198.51.100.3']) {
      codes.push((await t.api.app.inject({ url: '/', headers: { 'x-forwarded-for': address } })).statusCode);
    }
    expect(codes).toEqual([200, 200, 429]);
  });

  test('tells callers apart behind a proxy that is trusted', async () => {
    await using t = await apiUnderTest({ limits: { requestsPerMinute: 1 }, trustedProxies: ['127.0.0.1'] });
    for (const address of ['198.51.100.1', '198.51.100.2', '198.51.100.3']) {
      const answer = await t.api.app.inject({ url: '/', headers: { 'x-forwarded-for': address } });
      expect(answer.statusCode).toBe(200);
    }
  });
});

describe('the log', () => {
  test('holds no token, wherever the caller put it', async () => {
    await using t = await apiUnderTest();
    const guess = `rc_${'guessed'.repeat(6)}x`;
    for (const token of [t.bearer.operator, guess]) {
      await t.api.app.inject({ url: '/api/v1/counts', headers: showing(token) });
      await t.api.app.inject(`/api/v1/counts?token=${token}`);
      await t.api.app.inject({ url: `/${token}`, headers: { cookie: token, referer: `http://a/#token=${token}` } });
      t.reading.failure = new Error('broken');
      await t.api.app.inject({ url: `/api/v1/sources?x=${token}`, headers: showing(token) });
    }
    const log = t.logged.join('');
    expect(log).toContain('"tokenId":"tk_operator"');
    expect(log).not.toContain(t.bearer.operator);
    expect(log).not.toContain(guess);
  });
});

describe('the page', () => {
  test('is served whole, and again only when it changed', async () => {
    await using t = await apiUnderTest();
    const index = await t.api.app.inject('/');
    expect(index.headers['content-type']).toBe('text/html; charset=utf-8');
    const names = [...index.body.matchAll(/(?:src|href)="page\/([^"]+)"/g)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(2);
    for (const name of names) {
      const file = await t.api.app.inject(`/page/${name}`);
      expect(file.statusCode).toBe(200);
      const again = await t.api.app.inject({
        url: `/page/${name}`,
        headers: { 'if-none-match': String(file.headers.etag) },
      });
      expect([again.statusCode, again.body]).toEqual([304, '']);
    }
  });

  test('imports only files that are served', async () => {
    await using t = await apiUnderTest();
    for (const name of readdirSync(new URL('../../../web', import.meta.url)).filter((file) => file.endsWith('.js'))) {
      const { body } = await t.api.app.inject(`/page/${name}`);
      for (const [, imported] of body.matchAll(/from '\.\/([^']+)'/g)) {
        expect((await t.api.app.inject(`/page/${imported}`)).statusCode).toBe(200);
      }
    }
  });

  test('has no inline script, style or handler, which its policy would stop', async () => {
    await using t = await apiUnderTest();
    const { body } = await t.api.app.inject('/');
    expect(body).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/i);
    expect(body).not.toMatch(/https?:\/\//);
  });

  test.each(['/page/..%2Fpackage.json', '/page/README.md', '/page/'])('does not serve %s', async (url) => {
    await using t = await apiUnderTest();
    expect((await t.api.app.inject(url)).statusCode).toBe(404);
  });
});
