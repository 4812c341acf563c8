import { describe, expect, test } from 'vitest';
import { ensureOperatorToken, issueToken, isTokenShaped, newToken, tokenSha256 } from '../../../api/token.ts';
import { apiUnderTest, showing } from '../../support/api.ts';
import { FakeTokens } from '../../support/fake-tokens.ts';

describe('tokens', () => {
  test('a new token has 256 random bits in base64url after its prefix', () => {
    const token = newToken();
    expect(token).toMatch(/^rc_[A-Za-z0-9_-]{43}$/);
    expect(Buffer.from(token.slice(3), 'base64url')).toHaveLength(32);
    expect(newToken()).not.toBe(token);
    expect(isTokenShaped(token)).toBe(true);
  });

  test('only the hash is kept', async () => {
    const tokens = new FakeTokens();
    const { token, id } = await issueToken(tokens, { name: 'assessor 2026', role: 'assessor', lifetimeMs: 1000 }, 500);
    const row = tokens.rows.get(id);
    expect(row).toMatchObject({ role: 'assessor', expiresAtMs: 1500, sha256: tokenSha256(token) });
    expect(JSON.stringify(row)).not.toContain(token);
  });

  test('the first start makes one operator token, the second none', async () => {
    const tokens = new FakeTokens();
    const first = await ensureOperatorToken(tokens, undefined, 0);
    expect(first).toMatchObject({ kind: 'made' });
    expect(await ensureOperatorToken(tokens, undefined, 1)).toEqual({ kind: 'kept' });
    expect(tokens.rows.size).toBe(1);
  });

  test('a start after every operator token ended makes a new one', async () => {
    const tokens = new FakeTokens();
    tokens.add('operator', { id: 'gone', revokedAtMs: 5 });
    tokens.add('operator', { id: 'old', expiresAtMs: 5 });
    tokens.add('viewer');
    expect(await ensureOperatorToken(tokens, undefined, 10)).toMatchObject({ kind: 'made' });
  });

  test('a token given from outside is kept once, and ends the one given before', async () => {
    const tokens = new FakeTokens();
    const [one, two] = ['1'.repeat(32), '2'.repeat(32)];
    await ensureOperatorToken(tokens, one, 0);
    await ensureOperatorToken(tokens, one, 1);
    expect(tokens.rows.size).toBe(1);
    await ensureOperatorToken(tokens, two, 2);
    expect((await tokens.bySha256(tokenSha256(one)))?.revokedAtMs).toBe(2);
    expect((await tokens.bySha256(tokenSha256(two)))?.revokedAtMs).toBeUndefined();
  });

  test.each([
    ['short', 'a'.repeat(31)],
    ['with a space', `${'a'.repeat(31)} b`],
    ['with a line break', `${'a'.repeat(40)}\n`],
    ['endless', 'a'.repeat(257)],
  ])('a given token that is %s is refused without being repeated', async (_what, given) => {
    const refusal = await ensureOperatorToken(new FakeTokens(), given, 0).catch((error: Error) => error);
    expect(refusal).toBeInstanceOf(RangeError);
    expect((refusal as Error).message).not.toContain(given.trim());
  });

  test('a given token that was revoked, or made for another role, is refused', async () => {
    const tokens = new FakeTokens();
    const revoked = tokens.add('operator', { id: 'a', revokedAtMs: 1 });
    const viewer = tokens.add('viewer', { id: 'b' });
    await expect(ensureOperatorToken(tokens, revoked, 2)).rejects.toThrow(/revoked; choose a new one/);
    await expect(ensureOperatorToken(tokens, viewer, 2)).rejects.toThrow(/role viewer; choose a new one/);
  });
});

describe('a token that is shown', () => {
  test('ends at its expiry', async () => {
    await using t = await apiUnderTest();
    const token = t.tokens.add('viewer', { id: 'brief', expiresAtMs: t.clock.atMs + 1000 });
    const ask = () => t.api.app.inject({ url: '/api/v1/counts', headers: showing(token) });
    expect((await ask()).statusCode).toBe(200);
    t.clock.atMs += 1000;
    const answer = await ask();
    expect(answer.statusCode).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="rollcall", error="invalid_token"');
    expect(answer.json().detail).toBe('the token is expired');
  });

  test('is refused within 4 s of being revoked', async () => {
    await using t = await apiUnderTest();
    const ask = () => t.api.app.inject({ url: '/api/v1/counts', headers: showing(t.bearer.viewer) });
    expect((await ask()).statusCode).toBe(200);
    await t.tokens.revoke('tk_viewer', t.clock.atMs);
    t.clock.atMs += 4000;
    expect((await ask()).json().detail).toBe('the token is revoked');
  });

  test('is looked up at most every 2 s, and no request waits for it while it is in use', async () => {
    await using t = await apiUnderTest();
    const ask = () => t.api.app.inject({ url: '/api/v1/counts', headers: showing(t.bearer.viewer) });
    await Promise.all([ask(), ask(), ask()]);
    expect(t.tokens.lookups).toBe(1);
    t.clock.atMs += 1999;
    await ask();
    expect(t.tokens.lookups).toBe(1);
    t.clock.atMs += 1;
    t.tokens.failure = new Error('database is locked');
    expect((await ask()).statusCode).toBe(200);
    expect(t.tokens.lookups).toBe(2);
    expect(t.logged.join('')).toContain('reading a token again failed');
  });

  test('that was revoked is refused from the second request after 2 s on', async () => {
    await using t = await apiUnderTest();
    const ask = () => t.api.app.inject({ url: '/api/v1/counts', headers: showing(t.bearer.viewer) });
    await ask();
    await t.tokens.revoke('tk_viewer', t.clock.atMs);
    t.clock.atMs += 2000;
    expect((await ask()).statusCode).toBe(200);
    expect((await ask()).statusCode).toBe(401);
  });

  test('is looked up anew when the clock steps back', async () => {
    await using t = await apiUnderTest();
    const ask = () => t.api.app.inject({ url: '/api/v1/counts', headers: showing(t.bearer.viewer) });
    await ask();
    t.clock.atMs -= 3_600_000;
    await ask();
    expect(t.tokens.lookups).toBe(2);
  });

  test('has its use written down at most once a minute', async () => {
    await using t = await apiUnderTest();
    const ask = () => t.api.app.inject({ url: '/api/v1/counts', headers: showing(t.bearer.viewer) });
    for (const passedMs of [0, 1000, 30_000, 28_999, 1, 10]) {
      t.clock.atMs += passedMs;
      await ask();
    }
    expect(t.tokens.uses).toHaveLength(2);
  });

  test.each([
    ['another scheme', 'Basic dXNlcjpwYXNz'],
    ['two words', `Bearer ${'a'.repeat(40)} b`],
    ['nothing after the scheme', 'Bearer'],
    ['a stranger’s token', `Bearer rc_${'a'.repeat(43)}`],
    ['a token in other letters', `Bearer ${'口'.repeat(40)}`],
  ])('with %s is refused with a challenge', async (_what, authorization) => {
    await using t = await apiUnderTest();
    const answer = await t.api.app.inject({ url: '/api/v1/counts', headers: { authorization } });
    expect(answer.statusCode).toBe(401);
    expect(answer.headers['www-authenticate']).toContain('error="invalid_token"');
  });

  test('in the query is not looked at', async () => {
    await using t = await apiUnderTest();
    const answer = await t.api.app.inject(`/api/v1/counts?access_token=${t.bearer.operator}`);
    expect(answer.statusCode).toBe(401);
  });
});

describe('guessing', () => {
  test('from one address is answered with 429 unseen, while tokens known to be valid go on', async () => {
    await using t = await apiUnderTest({ limits: { refusalsPerMinute: 3 } });
    const ask = (token: string) => t.api.app.inject({ url: '/api/v1/counts', headers: showing(token) });
    expect((await ask(t.bearer.viewer)).statusCode).toBe(200);
    const codes = [];
    for (let guess = 0; guess < 5; guess++) codes.push((await ask(`rc_guess${guess}`.padEnd(46, 'g'))).statusCode);
    expect(codes).toEqual([401, 401, 401, 429, 429]);
    const looked = t.tokens.lookups;
    const stranger = await ask(t.bearer.assessor);
    expect(stranger.statusCode).toBe(429);
    expect(stranger.headers['retry-after']).toBe('60');
    expect(t.tokens.lookups).toBe(looked);
    expect((await ask(t.bearer.viewer)).statusCode).toBe(200);
  });

  test('is not what a request without a token does', async () => {
    await using t = await apiUnderTest({ limits: { refusalsPerMinute: 1 } });
    for (let asked = 0; asked < 3; asked++) expect((await t.api.app.inject('/api/v1/counts')).statusCode).toBe(401);
    const answer = await t.api.app.inject({ url: '/api/v1/counts', headers: showing(t.bearer.viewer) });
    expect(answer.statusCode).toBe(200);
  });
});
