import { assert, constantFrom, nat, pre, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeCursor, encodeCursor } from '../../../api/cursor.ts';
import { CollectorError } from '../../../collector/errors.ts';
import { type ApiUnderTest, apiUnderTest, showing } from '../../support/api.ts';
import { FAKE_NOW_MS } from '../../support/fake-reading.ts';

async function get(t: ApiUnderTest, url: string, role: 'viewer' | 'assessor' | 'operator' = 'assessor') {
  return t.api.app.inject({ url, headers: showing(t.bearer[role]) });
}

describe('GET /api/v1/counts', () => {
  test('has exactly the fixed keys', async () => {
    await using t = await apiUnderTest();
    const counts = (await get(t, '/api/v1/counts', 'viewer')).json();
    const tally = { registered: expect.any(Number), online: expect.any(Number), verified: expect.any(Number) };
    expect(counts).toStrictEqual({
      asOf: '2026-03-02T01:30:00.000Z',
      timeZone: 'Asia/Shanghai',
      demo: false,
      rules: { version: 'v1', sha256: expect.any(String) },
      devices: {
        total: tally,
        byCategory: { running: tally, processing: tally, moving: tally, other: tally },
        byTier: {
          configured: expect.any(Number),
          reachable: expect.any(Number),
          live: expect.any(Number),
          identified: expect.any(Number),
          challenged: expect.any(Number),
        },
      },
      protocols: { compatible: 5, verified: 4 },
      ledger: { origin: expect.any(String), size: 0, rootHash: expect.any(String) },
    });
  });

  test.each([
    ['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000Z'],
    ['2026-01-01T08:00:00%2B08:00', '2026-01-01T00:00:00.000Z'],
    ['2026-01-01T08:00:00+08:00', '2026-01-01T00:00:00.000Z'],
    ['2025-12-31T19:00:00.5-05:00', '2026-01-01T00:00:00.500Z'],
    ['2026-01-01t00:00:00z', '2026-01-01T00:00:00.000Z'],
  ])('as of %s asks for that instant', async (asOf, instant) => {
    await using t = await apiUnderTest();
    expect((await get(t, `/api/v1/counts?asOf=${asOf}`)).json().asOf).toBe(instant);
    expect(t.reading.asked).toEqual([Date.parse(instant)]);
  });

  test.each([
    '2026-01-01',
    '2026-01-01T00:00:00',
    '2026-01-01T00:00Z',
    '2026-02-30T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:00:60Z',
    '2026-01-01T00:00:00%20Z',
    '1772415000000',
    'yesterday',
    '',
    '1999-12-31T23:59:59Z',
    `2026-01-01T00:00:00.${'0'.repeat(50)}Z`,
    '2026-01-01T00:00:00Z&asOf=2026-01-02T00:00:00Z',
    '2026-03-02T01:30:00.001Z',
  ])('as of %j is a 400 that names the parameter', async (asOf) => {
    await using t = await apiUnderTest();
    const answer = await get(t, `/api/v1/counts?asOf=${asOf}`);
    expect(answer.statusCode).toBe(400);
    expect(answer.json().errors[0]).toMatchObject({ in: 'query', name: 'asOf' });
    expect(t.reading.asked).toEqual([]);
  });
});

describe('GET /api/v1/devices', () => {
  test('pages through every device once, in order of id', async () => {
    await using t = await apiUnderTest();
    const ids: string[] = [];
    let cursor = '';
    do {
      const page = (await get(t, `/api/v1/devices?limit=7${cursor}`)).json();
      ids.push(...page.items.map(({ id }: { id: string }) => id));
      cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor}`;
    } while (cursor !== '');
    expect(ids).toEqual(t.reading.devicesKnown.map(({ id }) => id));
  });

  test('gives 100 devices where no limit is stated, and at most 1000', async () => {
    await using t = await apiUnderTest();
    const [known] = t.reading.devicesKnown;
    if (known === undefined) throw new Error('the fake plant is empty');
    t.reading.devicesKnown = Array.from({ length: 1200 }, (_, index) => ({ ...known, id: `d${10_000 + index}` }));
    expect((await get(t, '/api/v1/devices')).json().items).toHaveLength(100);
    expect((await get(t, '/api/v1/devices?limit=1000')).json().items).toHaveLength(1000);
    for (const limit of ['0', '1001', '-1', '1.5', '1e2', '0x10', '', '007']) {
      expect((await get(t, `/api/v1/devices?limit=${limit}`)).statusCode).toBe(400);
    }
  });

  test('says null where nothing is known, and instants as RFC 3339 in UTC', async () => {
    await using t = await apiUnderTest();
    const { items } = (await get(t, '/api/v1/devices')).json();
    expect(items[4]).toStrictEqual({
      id: 'device-004',
      name: '4号设备',
      enterprise: { id: 'yu-gear', name: '渝齿精工' },
      site: null,
      type: 'stamping-press',
      category: 'running',
      categoryBasis: 'type-table',
      manufacturer: '重庆机床',
      model: null,
      serialNumber: 'SN-4',
      unit: '台',
      status: 'never',
      tier: 'live',
      verified: false,
      reasons: ['R7 too-few-days'],
      lastLiveAt: null,
      lastSeenAt: null,
      protocols: [{ family: 'modbus', variant: 'tcp', reach: 'direct' }],
    });
    expect(items[0].lastLiveAt).toBe(new Date(FAKE_NOW_MS).toISOString());
  });

  test('passes every filter on', async () => {
    await using t = await apiUnderTest();
    const { items } = (await get(t, '/api/v1/devices?category=moving&status=online&text=%E8%AE%BE%E5%A4%87')).json();
    expect(items.length).toBeGreaterThan(0);
    for (const item of items) expect(item).toMatchObject({ category: 'moving', status: 'online' });
  });

  test.each(['text=%00', 'text=', `text=${'x'.repeat(201)}`, 'category=not-counted', 'enterprise=a%0D%0Ab', 'limt=5'])(
    'with ?%s is a 400',
    async (query) => {
      await using t = await apiUnderTest();
      expect((await get(t, `/api/v1/devices?${query}`)).statusCode).toBe(400);
    },
  );

  test('refuses a cursor that was altered, or belongs to other filters', async () => {
    await using t = await apiUnderTest();
    const { nextCursor } = (await get(t, '/api/v1/devices?limit=2&category=moving')).json();
    expect((await get(t, `/api/v1/devices?category=moving&cursor=${nextCursor}`)).statusCode).toBe(200);
    for (const query of [`cursor=${nextCursor}`, `category=other&cursor=${nextCursor}`, `cursor=${nextCursor}A`]) {
      const answer = await get(t, `/api/v1/devices?${query}`);
      expect(answer.statusCode).toBe(400);
      expect(answer.json().errors[0].name).toBe('cursor');
    }
  });
});

describe('a cursor', () => {
  test('comes back as the id it was made of', () => {
    assert(
      property(string({ minLength: 1, unit: 'grapheme' }), constantFrom('moving', undefined), (id, category) => {
        expect(decodeCursor(encodeCursor(id, { category }), { category })).toBe(id);
      }),
    );
  });

  test('with any character changed, added or removed is none', () => {
    const cursor = encodeCursor('press-07', { status: 'online' });
    assert(
      property(nat(cursor.length - 1), constantFrom('', 'A', 'Q', '-', '=', '%', 'zz'), (at, put) => {
        const altered = cursor.slice(0, at) + put + cursor.slice(at + 1);
        pre(altered !== cursor);
        expect(decodeCursor(altered, { status: 'online' })).toBeUndefined();
      }),
    );
  });

  test('that was never one is none', () => {
    assert(
      property(string(), (text) => {
        expect(decodeCursor(text, {})).toBeUndefined();
      }),
    );
  });
});

describe('GET /api/v1/devices/{id}', () => {
  test('shows addresses, claims and the records before and after each change', async () => {
    await using t = await apiUnderTest();
    const device = (await get(t, '/api/v1/devices/device-003')).json();
    expect(device.addresses[0]).toMatchObject({
      source: 'line-a',
      lastLiveAt: expect.stringMatching(/Z$/),
      claims: { manufacturer: '重庆机床', simulated: false },
      claimsBy: 'FC 43/14',
    });
    expect(device.changes[0]).toMatchObject({
      at: '2026-03-01T01:30:00.000Z',
      before: null,
      after: { id: 'device-003', name: '3号设备' },
    });
  });

  test('of nobody is a 404', async () => {
    await using t = await apiUnderTest();
    expect((await get(t, '/api/v1/devices/..%2F..%2Fetc%2Fpasswd')).statusCode).toBe(404);
  });
});

describe('GET /api/v1/sources and /api/v1/protocols', () => {
  test('say what is wrong in words', async () => {
    await using t = await apiUnderTest();
    const { items } = (await get(t, '/api/v1/sources')).json();
    expect(items[2]).toMatchObject({
      state: 'down',
      lastError: {
        code: 'unreachable',
        hint: expect.stringContaining('check the cable'),
        at: '2026-03-02T01:29:56.000Z',
      },
      nextAttemptAt: '2026-03-02T01:30:26.000Z',
    });
    expect(items[0]).toMatchObject({ lastError: null, nextAttemptAt: null, notices: [] });
  });

  test('list families with their exchanges', async () => {
    await using t = await apiUnderTest();
    const { items } = (await get(t, '/api/v1/protocols')).json();
    expect(items[0]).toMatchObject({ family: 'mqtt', state: 'verified', lastExchangeAt: '2026-03-02T01:29:59.100Z' });
    expect(items[4]).toMatchObject({ state: 'not-in-use', firstExchangeAt: null, lastExchangeAt: null });
  });
});

describe('GET /api/v1/sources/{id}/candidates and /dead-letters', () => {
  test('page through what was heard and belongs to no device', async () => {
    await using t = await apiUnderTest();
    const first = (await get(t, '/api/v1/sources/broker/candidates?limit=2')).json();
    expect(first.items).toHaveLength(2);
    expect(first.items[0]).toEqual({
      address: 'north/press-0',
      protocol: { family: 'mqtt', variant: '3.1.1', reach: 'direct' },
      firstSeenAt: '2026-03-02T01:29:00.000Z',
      lastSeenAt: '2026-03-02T01:29:59.000Z',
      lastLiveAt: null,
      today: { good: 0, uncertain: 0, bad: 4, weightless: 1 },
      claims: { serialNumber: 'SN-0' },
      claimsBy: 'payload',
    });
    const rest = (await get(t, `/api/v1/sources/broker/candidates?limit=2&cursor=${first.nextCursor}`)).json();
    expect(rest.items.map(({ address }: { address: string }) => address)).toEqual(['north/press-2']);
    expect(rest.nextCursor).toBeNull();
  });

  test('refuse a cursor of another source', async () => {
    await using t = await apiUnderTest();
    const { nextCursor } = (await get(t, '/api/v1/sources/broker/candidates?limit=1')).json();
    const answer = await get(t, `/api/v1/sources/line-a/candidates?cursor=${nextCursor}`);
    expect(answer.statusCode).toBe(400);
    expect(answer.json().errors).toMatchObject([{ in: 'query', name: 'cursor' }]);
  });

  test('show bytes that are no text as base64', async () => {
    await using t = await apiUnderTest();
    expect((await get(t, '/api/v1/sources/broker/dead-letters')).json()).toEqual({
      items: [
        {
          from: 'plants/north/press-7/telemetry',
          reason: 'the payload is not in the configured format',
          firstAt: '2026-03-02T01:29:00.000Z',
          lastAt: '2026-03-02T01:29:59.000Z',
          samples: 4,
          bytes: 3,
          beginningBase64: 'ewD/',
        },
      ],
    });
  });

  test.each(['candidates', 'dead-letters'])('%s of a source that is not there are not found', async (what) => {
    await using t = await apiUnderTest();
    expect((await get(t, `/api/v1/sources/nowhere/${what}`)).statusCode).toBe(404);
  });
});

describe('an answer', () => {
  test('holds only what its schema names', async () => {
    await using t = await apiUnderTest();
    t.reading.sourcesKnown = t.reading.sourcesKnown.map((source) => ({ ...source, password: 'hunter2' }));
    expect((await get(t, '/api/v1/sources')).body).not.toContain('hunter2');
  });

  test('that breaks its schema is a 500, not half an answer', async () => {
    await using t = await apiUnderTest();
    t.reading.protocolsKnown = t.reading.protocolsKnown.map((protocol) => ({ ...protocol, devices: -1 }));
    const answer = await get(t, '/api/v1/protocols');
    expect(answer.json()).toMatchObject({ status: 500, type: '/problems/internal' });
    expect(t.logged.some((line) => line.includes('FST_ERR_RESPONSE_SERIALIZATION'))).toBe(true);
  });
});

describe('GET /api/v1/history', () => {
  test('gives days of the last year to a viewer, with the share of each that was observed', async () => {
    await using t = await apiUnderTest();
    const { from, step, timeZone, items } = (await get(t, '/api/v1/history', 'viewer')).json();
    expect([from, step, timeZone, items.length]).toEqual(['store', 'day', 'Asia/Shanghai', 366]);
    expect(items.at(-1)).toEqual({
      start: '2026-03-01T01:30:00.000Z',
      end: '2026-03-02T01:30:00.000Z',
      observedShare: 0.75,
      counts: { total: { registered: 12_046, verified: 10_984, online: { min: 11_000, mean: 11_300.5, max: 11_312 } } },
    });
  });

  test.each([
    ['step=week', 'step'],
    ['from=yesterday', 'from'],
    ['to=2026-01-01', 'to'],
    ['from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z', 'from'],
    ['step=hour&from=2025-01-01T00:00:00Z&to=2026-01-01T00:00:00Z', 'from'],
    ['from=2000-01-01T00:00:00Z', 'from'],
  ])('refuses %s and names %s', async (query, name) => {
    await using t = await apiUnderTest();
    const answer = (await get(t, `/api/v1/history?${query}`)).json();
    expect(answer).toMatchObject({ status: 400, errors: [{ name }] });
  });

  test('is unavailable, not wrong, while the InfluxDB it is read from is away', async () => {
    await using t = await apiUnderTest();
    t.reading.failure = new CollectorError('metrics', 'reading history: ECONNREFUSED');
    expect((await get(t, '/api/v1/history')).json()).toMatchObject({ status: 503, type: '/problems/unavailable' });
  });
});

describe('the collector’s own state', () => {
  test('not ready is a 503 with the reasons', async () => {
    await using t = await apiUnderTest();
    t.reading.readinessNow = { ready: false, reasons: ['nothing has been stored yet'], warnings: [] };
    const answer = await t.api.app.inject('/readyz');
    expect(answer.json()).toMatchObject({
      status: 503,
      type: '/problems/not-ready',
      reasons: ['nothing has been stored yet'],
    });
    expect((await t.api.app.inject('/healthz')).json()).toEqual({ status: 'ok', version: '0.0.0-test' });
  });

  test('ready shows what is not well all the same', async () => {
    await using t = await apiUnderTest();
    t.reading.readinessNow = { ready: true, reasons: [], warnings: ['no source is connected'] };
    const answer = await t.api.app.inject('/readyz');
    expect([answer.statusCode, answer.json()]).toEqual([
      200,
      { status: 'ready', warnings: ['no source is connected'] },
    ]);
  });

  test('for Prometheus is OpenMetrics where that is accepted', async () => {
    await using t = await apiUnderTest();
    await t.api.app.inject({
      url: '/metrics',
      headers: { ...showing(t.bearer.viewer), accept: 'application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1' },
    });
    await get(t, '/metrics', 'viewer');
    expect(t.reading.formats).toEqual(['openmetrics', 'prometheus']);
  });

  test('for Prometheus is text, under a viewer’s token', async () => {
    await using t = await apiUnderTest();
    const answer = await get(t, '/metrics', 'viewer');
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(answer.body).toContain('\nrollcall_up 1\n');
  });

  test('of a session names role and expiry, never the token', async () => {
    await using t = await apiUnderTest();
    const token = t.tokens.add('assessor', { id: 'audit', name: '评估 2026', expiresAtMs: FAKE_NOW_MS + 1000 });
    const answer = await t.api.app.inject({ url: '/api/v1/session', headers: showing(token) });
    expect(answer.json()).toEqual({ name: '评估 2026', role: 'assessor', expiresAt: '2026-03-02T01:30:01.000Z' });
  });
});
