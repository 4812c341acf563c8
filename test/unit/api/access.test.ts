import rateLimit from '@fastify/rate-limit';
import fastify from 'fastify';
import { describe, expect, test } from 'vitest';
import { grantedRoutes, grantFor } from '../../../api/access.ts';
import { guardRoutes } from '../../../api/guard.ts';
import { DEFAULT_LIMITS } from '../../../api/limits.ts';
import { ROLES } from '../../../collector/store/contract.ts';
import { apiUnderTest, showing } from '../../support/api.ts';
import { FakeTokens } from '../../support/fake-tokens.ts';

/** A path that fits the pattern of a route. */
function pathOf(url: string): string {
  const filled = url.replace('sources/:id', 'sources/broker').replace(':id', 'device-003');
  return filled.replace(':file', 'style.css').replace(':code', 'internal');
}

describe('route × role', () => {
  for (const { method, url, grant } of grantedRoutes()) {
    for (const role of ROLES) {
      const granted = grant === 'anyone' || grant.includes(role);
      test(`${method} ${url} ${granted ? 'answers' : 'refuses'} ${role}`, async () => {
        await using t = await apiUnderTest();
        const answer = await t.api.app.inject({
          method: method as 'GET',
          url: pathOf(url),
          headers: showing(t.bearer[role]),
        });
        expect(answer.statusCode).toBe(granted ? 200 : 403);
        if (!granted) expect(answer.json()).toMatchObject({ type: '/problems/forbidden' });
      });
    }

    test(`${method} ${url} without a token ${grant === 'anyone' ? 'answers' : 'is refused with a challenge'}`, async () => {
      await using t = await apiUnderTest();
      const answer = await t.api.app.inject({ method: method as 'GET', url: pathOf(url) });
      expect(answer.statusCode).toBe(grant === 'anyone' ? 200 : 401);
      if (grant !== 'anyone') expect(answer.headers['www-authenticate']).toMatch(/^Bearer /);
    });
  }

  test('what each role is granted is what the product promises', () => {
    const granted = (role: (typeof ROLES)[number]) =>
      grantedRoutes()
        .filter(({ grant }) => grant !== 'anyone' && grant.includes(role))
        .map(({ method, url }) => `${method} ${url}`);
    expect(granted('viewer')).toEqual([
      'GET /metrics',
      'GET /api/v1/session',
      'GET /api/v1/counts',
      'GET /api/v1/history',
    ]);
    expect(granted('assessor')).toEqual([
      ...granted('viewer'),
      'GET /api/v1/devices',
      'GET /api/v1/devices/:id',
      'GET /api/v1/protocols',
      'GET /api/v1/sources',
      'GET /api/v1/sources/:id/candidates',
      'GET /api/v1/sources/:id/dead-letters',
    ]);
    expect(granted('operator')).toEqual(granted('assessor'));
  });

  test('a route that nobody decided about keeps the server from starting', async () => {
    const app = fastify();
    await app.register(rateLimit);
    const clock = { nowMs: () => 0 };
    guardRoutes(app, { tokens: new FakeTokens(), clock, limits: DEFAULT_LIMITS, log: app.log }, () => 'somewhere');
    expect(() => app.get('/api/v1/counts', () => '')).not.toThrow();
    expect(() => app.get('/api/v1/undecided', () => '')).toThrow('no decision about who may use GET /api/v1/undecided');
    expect(() => app.post('/api/v1/counts', () => '')).toThrow('no decision');
    for (const url of ['/constructor', '/docsearch', '/api/v1/counts/']) expect(grantFor('GET', url)).toBeUndefined();
  });

  test('HEAD is granted as GET is', async () => {
    await using t = await apiUnderTest();
    const head = (token: string) =>
      t.api.app.inject({ method: 'HEAD', url: '/api/v1/sources', headers: showing(token) });
    expect((await head(t.bearer.viewer)).statusCode).toBe(403);
    expect((await head(t.bearer.assessor)).statusCode).toBe(200);
  });
});
