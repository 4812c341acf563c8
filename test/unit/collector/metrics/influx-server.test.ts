import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { InfluxConfig } from '../../../../collector/config/config.ts';
import { InfluxServer } from '../../../../collector/metrics/influx-server.ts';
import { InfluxWriter } from '../../../../collector/metrics/influx-writer.ts';
import { LineBuffer } from '../../../../collector/metrics/line-buffer.ts';
import { ProtocolError } from '../../../../protocols/errors.ts';
import { InfluxV2Server } from '../../../support/influx-v2-server.ts';
import { InfluxV3Server } from '../../../support/influx-v3-server.ts';
import { freePort } from '../../../support/port.ts';
import { until } from '../../../support/wait.ts';
import { unwatched } from '../../../support/writer-parts.ts';

const SHARED = {
  interval: 10_000,
  tags: {},
  deviceActivity: false,
  history: 'store',
  maxSeries: 100_000,
  spool: { place: 'memory', sync: 'never' },
} as const;
const v2 = (url: string): InfluxConfig => ({
  ...SHARED,
  dialect: 'v2',
  url,
  org: 'plant',
  bucket: 'roll call',
  token: 'env:T',
});
const v1 = (url: string, more: object = {}): InfluxConfig => ({
  ...SHARED,
  dialect: 'v1',
  url,
  database: 'roll&call',
  ...more,
});
const never = new AbortController().signal;
const token = (): Promise<string> => Promise.resolve('secret-token');
const LINES = 'm,t=a v=1i 1700000000000\nm,t=b v=2i 1700000000000';

/** A server that answers as it is told, and what it was sent. */
async function serverOf(answer: (response: ServerResponse, request: IncomingMessage) => void) {
  const seen: { url: string; headers: IncomingMessage['headers']; body: string }[] = [];
  const http = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const packed = Buffer.concat(chunks);
      const body = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(packed) : packed).toString();
      seen.push({ url: request.url ?? '', headers: request.headers, body });
      answer(response, request);
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    seen,
    connections: () => new Promise<number>((resolve) => http.getConnections((_, count) => resolve(count))),
    [Symbol.asyncDispose]: async () => {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

describe('dialect v2', () => {
  const options = { org: 'plant', bucket: 'roll call', token: 'secret-token' };

  test('writes what a strict server stores, compressed where that is worth it, over one connection', async () => {
    await using strict = await InfluxV2Server.start(options);
    const server = new InfluxServer(v2(strict.url), token);
    expect(await server.write(LINES, never)).toEqual({ kind: 'stored' });
    const many = Array.from({ length: 5_000 }, (_, i) => `m,t=${i} v=${i}i 1700000000000`).join('\n');
    expect(await server.write(many, never)).toEqual({ kind: 'stored' });
    expect(strict.requests).toEqual([
      { lines: 2, encoding: 'identity' },
      { lines: 5_000, encoding: 'gzip' },
    ]);
    expect(strict.points).toBe(5_002);
    server.close();
  });

  test('sending twice changes nothing', async () => {
    await using strict = await InfluxV2Server.start(options);
    const server = new InfluxServer(v2(strict.url), token);
    strict.faults.push('stored-but-silent');
    expect(await server.write(LINES, never)).toMatchObject({ kind: 'later' });
    expect(strict.points).toBe(2);
    expect(await server.write(LINES, never)).toEqual({ kind: 'stored' });
    expect(strict.points).toBe(2);
    server.close();
  });

  test('tells a wrong token, bucket and organisation, a size and a refused line apart', async () => {
    await using strict = await InfluxV2Server.start({ ...options, maxBytes: 1_000 });
    const write = async (config: InfluxConfig, lines: string, secret = 'secret-token'): Promise<unknown> => {
      const server = new InfluxServer(config, () => Promise.resolve(secret));
      const answer = await server.write(lines, never);
      server.close();
      return answer;
    };
    const config = v2(strict.url);
    expect(await write(config, LINES, 'other')).toMatchObject({
      kind: 'instruction',
      words: '401 unauthorized access',
    });
    expect(await write({ ...config, bucket: 'x' } as InfluxConfig, LINES)).toMatchObject({
      kind: 'instruction',
      words: '404 bucket "x" not found',
    });
    expect(await write({ ...config, org: 'x' } as InfluxConfig, LINES)).toMatchObject({
      kind: 'instruction',
      words: '404 organization name "x" not found',
    });
    expect(await write(config, `${LINES}\n`.repeat(50).trim())).toMatchObject({ kind: 'too-large' });
    expect(await write(config, `${LINES}\nnonsense`)).toMatchObject({ kind: 'refused', dropped: undefined });
    expect(await write(config, `m,t=a v=1.5 1700000000001\n${LINES}`)).toMatchObject({ kind: 'refused', dropped: 1 });
    strict.faults.push({ status: 503, headers: { 'retry-after': '7' } });
    expect(await write(config, LINES)).toMatchObject({ kind: 'later', waitMs: 7_000 });
  });

  test('a token that cannot be read is told, and nothing is sent', async () => {
    await using silent = await serverOf((response) => response.writeHead(204).end());
    const server = new InfluxServer(v2(silent.url), () =>
      Promise.reject(new ProtocolError('refused', 'reading the secret env:T: it is empty', { hint: 'set it' })),
    );
    expect(await server.write(LINES, never)).toEqual({
      kind: 'instruction',
      words: 'reading the secret env:T: it is empty',
      hint: 'set it',
    });
    expect(silent.seen).toEqual([]);
    server.close();
  });
});

describe('dialect v1', () => {
  test('names database, precision, retention policy and user, below the path of a proxy', async () => {
    await using plain = await serverOf((response) => response.writeHead(204).end());
    const anonymous = new InfluxServer(v1(`${plain.url}/influx/`), token);
    expect(await anonymous.write(LINES, never)).toEqual({ kind: 'stored' });
    const named = new InfluxServer(
      v1(plain.url, { retentionPolicy: 'two years', username: 'ann', password: 'env:T' }),
      token,
    );
    expect(await named.write(LINES, never)).toEqual({ kind: 'stored' });
    expect(plain.seen.map(({ url, body, headers }) => [url, body, headers.authorization])).toEqual([
      ['/influx/write?db=roll%26call&precision=ms', LINES, undefined],
      [
        '/write?db=roll%26call&precision=ms&rp=two+years',
        LINES,
        `Basic ${Buffer.from('ann:secret-token').toString('base64')}`,
      ],
    ]);
    anonymous.close();
    named.close();
  });
});

describe('dialect v3', () => {
  const v3 = (url: string, more: object = {}): InfluxConfig => ({
    ...SHARED,
    dialect: 'v3',
    url,
    database: 'rollcall',
    token: 'env:T',
    ...more,
  });
  const write = async (config: InfluxConfig, lines: string, secret = 'secret-token') => {
    const server = new InfluxServer(config, () => Promise.resolve(secret));
    const answer = await server.write(lines, never);
    server.close();
    return answer;
  };

  test('writes what a strict server stores, and sending twice changes nothing', async () => {
    await using strict = await InfluxV3Server.start({ database: 'rollcall', token: 'secret-token' });
    expect(await write(v3(strict.url), LINES)).toEqual({ kind: 'stored' });
    expect(await write(v3(strict.url), LINES)).toEqual({ kind: 'stored' });
    expect(strict.points).toBe(2);
  });

  test('needs no token where the server asks for none', async () => {
    await using strict = await InfluxV3Server.start({ database: 'rollcall' });
    expect(await write(v3(strict.url, { token: undefined }), LINES)).toEqual({ kind: 'stored' });
  });

  test('tells a wrong token, a size, a partial write and a server under load apart', async () => {
    await using strict = await InfluxV3Server.start({ database: 'rollcall', token: 'secret-token', maxBytes: 1_000 });
    const config = v3(strict.url);
    expect(await write(config, LINES, 'other')).toMatchObject({
      kind: 'instruction',
      words: '401 the request was not authenticated',
      hint: 'check the token, or user and password, in the configuration',
    });
    expect(await write(config, `${LINES}\n`.repeat(50).trim())).toMatchObject({ kind: 'too-large' });
    expect(await write(config, `${LINES}\nm,t=a v=1.5 1700000000001`)).toEqual({
      kind: 'refused',
      dropped: undefined,
      words:
        "400 partial write of line protocol occurred: invalid column type for column 'm v', expected integer, got float",
    });
    expect(strict.points, 'the good lines are stored').toBe(2);
    for (const status of [429, 503]) {
      strict.faults.push({ status, body: '', headers: { 'retry-after': '3' } });
      expect(await write(config, LINES)).toMatchObject({ kind: 'later', waitMs: 3_000 });
    }
  });

  test('bisects a partial write until every good line is there and every bad one set aside', async () => {
    await using strict = await InfluxV3Server.start({ database: 'rollcall', token: 'secret-token' });
    const aside: string[] = [];
    const writer = new InfluxWriter({
      server: new InfluxServer(v3(strict.url), token),
      queue: new LineBuffer(10_000_000, () => 'gap'),
      ...unwatched(),
      setAside: (lines, words) => Promise.resolve(void aside.push(...lines.map((line) => `${line} # ${words}`))),
      log: { warn: () => {}, info: () => {} },
      random: () => 0,
    });
    const lines = Array.from({ length: 3_000 }, (_, i) => `m,t=a v=${i}i ${1_700_000_000_000 + i}`);
    writer.add(lines.with(17, 'm,t=a v=1.5 1700000000017').with(2_999, 'm,t=a v='), 1);
    writer.start();
    await until('everything is settled', () => writer.status.lines === 0);
    await writer.stop(1_000);
    expect([strict.points, writer.status.rejected]).toEqual([2_998, 2]);
    expect(aside).toEqual([
      expect.stringMatching(/^m,t=a v=1\.5 1700000000017 # 400 .*invalid column type/),
      expect.stringMatching(/^m,t=a v= # 400 /),
    ]);
  });
});

describe('VictoriaMetrics', () => {
  test('is written to like InfluxDB 1, without a database', async () => {
    await using plain = await serverOf((response) => response.writeHead(204).end());
    const config: InfluxConfig = {
      ...SHARED,
      dialect: 'victoria-metrics',
      url: plain.url,
      username: 'ann',
      password: 'env:T',
    };
    const server = new InfluxServer(config, token);
    expect(await server.write(LINES, never)).toEqual({ kind: 'stored' });
    expect(plain.seen.map(({ url, headers }) => [url, headers.authorization])).toEqual([
      ['/write?precision=ms', `Basic ${Buffer.from('ann:secret-token').toString('base64')}`],
    ]);
    server.close();
  });
});

describe('a server that is not what it should be', () => {
  test('a login page that answers 200 has stored nothing', async () => {
    await using page = await serverOf((response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>log in</html>'),
    );
    const server = new InfluxServer(v2(page.url), token);
    expect(await server.write(LINES, never)).toMatchObject({
      kind: 'instruction',
      words: '200 instead of 204 No Content',
    });
    server.close();
  });

  test('an answer that never ends is given up when we stop, and its connection is closed', async () => {
    await using dripping = await serverOf((response) => {
      response.writeHead(500);
      const timer = setInterval(() => response.write('.'), 5);
      response.on('close', () => clearInterval(timer));
    });
    const server = new InfluxServer(v2(dripping.url), token);
    const stop = new AbortController();
    const answer = server.write(LINES, stop.signal);
    setTimeout(() => stop.abort(), 50);
    expect(await answer).toEqual({ kind: 'later', waitMs: undefined, words: 'stopped while waiting for the answer' });
    server.close();
  });

  test.each(['nothing', 'a byte now and then'])(
    'an answer that brings %s is given up at the deadline, and its connection is closed',
    async (what) => {
      let isClosed = false;
      await using slow = await serverOf((response) => {
        response.on('close', () => {
          isClosed = true;
        });
        if (what === 'nothing') return;
        response.writeHead(500);
        const timer = setInterval(() => response.write('.'), 5);
        response.on('close', () => clearInterval(timer));
      });
      const server = new InfluxServer(v2(slow.url), token, 100);
      expect(await server.write(LINES, never)).toEqual({
        kind: 'later',
        waitMs: undefined,
        words: 'no answer within 0.1 s',
      });
      await until('the connection to be closed', () => isClosed);
      server.close();
    },
  );

  test('nobody at the port', async () => {
    const server = new InfluxServer(v2(`http://127.0.0.1:${await freePort()}`), token);
    expect(await server.write(LINES, never)).toMatchObject({
      kind: 'later',
      words: expect.stringContaining('ECONNREFUSED') as string,
    });
    server.close();
  });

  test('a stop before the start sends nothing', async () => {
    await using plain = await serverOf((response) => response.writeHead(204).end());
    const server = new InfluxServer(v1(plain.url), token);
    expect(await server.write(LINES, AbortSignal.abort())).toMatchObject({ kind: 'later' });
    expect(plain.seen).toEqual([]);
    server.close();
  });
});
