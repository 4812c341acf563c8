import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { InfluxConfig } from '../../../../collector/config/config.ts';
import { checkInflux } from '../../../../collector/metrics/influx-check.ts';
import { ProtocolError } from '../../../../protocols/errors.ts';
import { InfluxV2Server } from '../../../support/influx-v2-server.ts';
import { InfluxV3Server } from '../../../support/influx-v3-server.ts';
import { freePort } from '../../../support/port.ts';

const SHARED = {
  interval: 10_000,
  tags: { city: 'suzhou' },
  deviceActivity: false,
  history: 'store',
  maxSeries: 1_000,
  spool: { place: 'memory', sync: 'never' },
} as const;
const secret = (value: string) => () => Promise.resolve(value);
const v2 = (url: string, more: object = {}): InfluxConfig => ({
  ...SHARED,
  dialect: 'v2',
  url,
  org: 'plant',
  bucket: 'rollcall',
  token: 'env:T',
  ...more,
});

/** What was wrong, and the hint; undefined where nothing was. */
async function wrongOf(config: InfluxConfig, token = 'right'): Promise<string | undefined> {
  const steps = await checkInflux(config, secret(token), Date.now());
  const wrong = steps.find(({ outcome }) => outcome === 'wrong');
  expect(steps.indexOf(wrong ?? steps[0]!)).toBe(wrong === undefined ? 0 : steps.length - 1);
  return wrong === undefined ? undefined : `${wrong.message} | ${wrong.hint}`;
}

describe('rollcall influx check', () => {
  test('is content with a server that takes the point, and has written exactly one', async () => {
    await using server = await InfluxV2Server.start({ org: 'plant', bucket: 'rollcall', token: 'right' });
    expect(await wrongOf(v2(server.url))).toBeUndefined();
    expect([...server.series.keys()]).toEqual(['rollcall_check,city=suzhou']);
    expect(server.points).toBe(1);
  });

  test.each([
    ['token', {}, 'wrong', /401 unauthorized access \| check the token/],
    [
      'bucket',
      { bucket: 'other' },
      'right',
      /404 bucket "other" not found \| create bucket other of organisation plant/,
    ],
    ['organisation', { org: 'other' }, 'right', /404 organization name "other" not found \| create bucket/],
  ])('says in words that the %s is wrong', async (_, more, token, words) => {
    await using server = await InfluxV2Server.start({ org: 'plant', bucket: 'rollcall', token: 'right' });
    expect(await wrongOf(v2(server.url, more), token)).toMatch(words);
  });

  test('says in words that nothing listens, and that the name is not known', async () => {
    expect(await wrongOf(v2(`http://127.0.0.1:${await freePort()}`))).toMatch(/ECONNREFUSED.* \| nothing listens at/);
    expect(await wrongOf(v2('http://influx.invalid:8086'))).toMatch(/ENOTFOUND|EAI_AGAIN/);
    expect(await wrongOf(v2('http://influx.invalid:8086'))).toMatch(/\| no address is known for influx\.invalid/);
  });

  test('tells http from https', async () => {
    await using server = await InfluxV2Server.start({ org: 'plant', bucket: 'rollcall', token: 'right' });
    expect(await wrongOf(v2(server.url.replace('http:', 'https:')))).toMatch(/\| the server speaks http here/);
  });

  test('says that something else than InfluxDB answers, and that a secret cannot be read', async () => {
    const http = createServer((_, response) => response.writeHead(200).end('<html>log in</html>'));
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
      expect(await wrongOf(v2(url))).toMatch(/200 instead of 204 No Content \| see whether .* is InfluxDB itself/);
      const unreadable = () => Promise.reject(new ProtocolError('refused', 'reading the secret env:T: not set'));
      const steps = await checkInflux(v2(url), unreadable, Date.now());
      expect(steps.at(-1)).toMatchObject({ outcome: 'wrong', message: expect.stringContaining('env:T') as string });
    } finally {
      http.closeAllConnections();
      http.close();
    }
  });

  test('warns of a clock that is wrong on either side', async () => {
    await using server = await InfluxV2Server.start({ org: 'plant', bucket: 'rollcall', token: 'right' });
    const steps = await checkInflux(v2(server.url), secret('right'), Date.now() + 600_000);
    expect(steps.map(({ outcome }) => outcome)).toEqual(['ok', 'warning', 'ok']);
    expect(steps[1]?.message).toMatch(/clock is (599|60[0-5]) s behind ours/);
  });

  test('tries reading where charts want it, and says so when that is refused', async () => {
    await using server = await InfluxV2Server.start({ org: 'plant', bucket: 'rollcall', token: 'right' });
    expect(await wrongOf(v2(server.url, { history: 'influx' }))).toMatch(/reading by InfluxQL: .* \| allow the token/);
  });

  test('speaks version 3 as well', async () => {
    await using server = await InfluxV3Server.start({ database: 'plant', token: 'right' });
    const config: InfluxConfig = { ...SHARED, dialect: 'v3', url: server.url, database: 'plant', token: 'env:T' };
    expect(await wrongOf(config)).toBeUndefined();
    expect(server.points).toBe(1);
    expect(await wrongOf(config, 'wrong')).toMatch(/401 the request was not authenticated \| check the token/);
  });
});
