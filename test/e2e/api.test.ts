import { connect, type Socket } from 'node:net';
import { connect as connectSecurely, type TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { type ApiUnderTest, apiUnderTest, showing } from '../support/api.ts';
import { TEST_CERTIFICATES } from '../support/certificates.ts';
import { until } from '../support/wait.ts';

/** Listens on a free port and resolves with it. */
async function listening(t: ApiUnderTest): Promise<number> {
  return Number(new URL(await t.api.listen({ host: '127.0.0.1', port: 0 })).port);
}

/** A bare connection, with everything that came back on it. */
class Wire {
  readonly socket: Socket;
  received = '';
  closed = false;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.setEncoding('utf8');
    this.socket.on('data', (text: string) => {
      this.received += text;
    });
    this.socket.on('close', () => {
      this.closed = true;
    });
    // a reset is one of the ways a connection may be closed on us
    this.socket.on('error', () => {});
  }

  /** Sends raw text and resolves with the answer once the server has closed the connection. */
  async answerTo(text: string): Promise<string> {
    this.socket.write(text);
    await until('the server to close the connection', () => this.closed);
    return this.received;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

/** Status line and problem of a raw answer. */
function problemIn(answer: string): { status: string; problem: { type: string; status: number; instance: string } } {
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  expect(head).toContain('Content-Type: application/problem+json');
  expect(head).toContain('Connection: close');
  return { status: head.split('\r\n')[0] ?? '', problem: JSON.parse(body) };
}

describe('what never becomes a request', () => {
  test.each([
    ['no HTTP at all', 'hello\r\n\r\n', 400, 'invalid-request'],
    [
      'headers beyond their limit',
      `GET / HTTP/1.1\r\nHost: a\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
      'headers-too-large',
    ],
    [
      'a length and chunks at once',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
      'invalid-request',
    ],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
      400,
      'invalid-request',
    ],
    ['a NUL in a header', 'GET / HTTP/1.1\r\nHost: a\r\nX-A: b\u0000c\r\n\r\n', 400, 'invalid-request'],
    ['a bare line feed in a header', 'GET / HTTP/1.1\r\nHost: a\r\nX-A: b\nc\r\n\r\n', 400, 'invalid-request'],
  ])('%s is a problem and the connection is closed', async (_what, text, status, code) => {
    await using t = await apiUnderTest();
    using wire = new Wire(await listening(t));
    const answer = problemIn(await wire.answerTo(text));
    expect(answer.status).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer.problem).toMatchObject({ status, type: `/problems/${code}` });
    expect(answer.problem.instance).toMatch(/^urn:uuid:/);
  });

  test('a request that trickles in is a 408', async () => {
    await using t = await apiUnderTest({ limits: { headersTimeoutMs: 50, requestTimeoutMs: 60 } });
    using wire = new Wire(await listening(t));
    const answer = problemIn(await wire.answerTo('GET / HTTP/1.1\r\nHost: a\r\nX-Slow: '));
    expect(answer.problem).toMatchObject({ status: 408, type: '/problems/request-timeout' });
  });
});

test('a request of HTTP/1.1 that names no host is a problem', async () => {
  await using t = await apiUnderTest();
  using wire = new Wire(await listening(t));
  const answer = await wire.answerTo('GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n');
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(answer).toContain('"detail":"the request names no host"');
});

describe('a path', () => {
  test.each([
    '/../../etc/passwd',
    '/page/../../package.json',
    '/page/..%2f..%2fpackage.json',
    '/docs/static/%2e%2e/%2e%2e/package.json',
    '//api/v1/counts',
    '/page/%00',
    '/page/style.css/..',
  ])('%s leads nowhere', async (path) => {
    await using t = await apiUnderTest();
    using wire = new Wire(await listening(t));
    const answer = await wire.answerTo(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 40[034] /);
    expect(answer).not.toContain('root:');
    expect(answer).not.toContain('"license"');
  });
});

describe('connections', () => {
  test('beyond the limit are dropped, and room is given back', async () => {
    await using t = await apiUnderTest({ limits: { connections: 3 } });
    const port = await listening(t);
    const wires = Array.from({ length: 6 }, () => new Wire(port));
    await until('three of six to be dropped', () => wires.filter(({ closed }) => closed).length === 3);
    for (const wire of wires) wire[Symbol.dispose]();
    await until('an answer again', async () =>
      fetch(`http://127.0.0.1:${port}/healthz`, { headers: { connection: 'close' } }).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
  });

  test('idle and half-sent do not keep the server from closing', async () => {
    const t = await apiUnderTest({ limits: { closeGraceMs: 50 } });
    const port = await listening(t);
    using idle = new Wire(port);
    using half = new Wire(port);
    half.socket.write('GET / HTTP/1.1\r\nHost: a\r\n');
    await until('both to be connected', () => !idle.socket.connecting && !half.socket.connecting);
    await t.api.close();
    await until('both to be closed', () => idle.closed && half.closed);
  });

  test('an answer under way when the server closes is still given', async () => {
    const t = await apiUnderTest();
    const port = await listening(t);
    let open = () => {};
    t.reading.gate = new Promise((resolve) => {
      open = resolve;
    });
    const answer = fetch(`http://127.0.0.1:${port}/api/v1/counts`, { headers: showing(t.bearer.viewer) });
    await until('the request to arrive', () => t.tokens.lookups > 0);
    const closed = t.api.close();
    open();
    expect((await answer).status).toBe(200);
    await closed;
  });

  test('to a port that is taken are refused with the system’s own code', async () => {
    await using one = await apiUnderTest();
    await using two = await apiUnderTest();
    const port = await listening(one);
    await expect(two.api.listen({ host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});

describe('a page elsewhere', () => {
  test('is given no leave to read answers', async () => {
    await using t = await apiUnderTest();
    const port = await listening(t);
    const headers = { ...showing(t.bearer.viewer), origin: 'https://elsewhere.example' };
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/counts`, { headers });
    expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect(answer.headers.get('cross-origin-resource-policy')).toBe('same-origin');
  });
});

describe('TLS', () => {
  const [first, renewed] = TEST_CERTIFICATES;

  /** Resolves with a connection that trusts `ca` alone; rejects when the server shows another certificate. */
  async function secure(port: number, ca: string, maxVersion: 'TLSv1.1' | 'TLSv1.3' = 'TLSv1.3'): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const socket = connectSecurely(
        { port, host: '127.0.0.1', ca, maxVersion, minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' },
        () => resolve(socket),
      );
      socket.once('error', reject);
    });
  }

  test('answers under the certificate given, and asks browsers to stay with it', async () => {
    await using t = await apiUnderTest({ certificate: first });
    const socket = await secure(await listening(t), first.certificate);
    let received = '';
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('utf8');
    });
    socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    await until('an answer', () => received.includes('"status":"ok"'));
    expect(received).toMatch(/strict-transport-security: max-age=\d+/i);
    socket.destroy();
  });

  test('takes a renewed certificate into use without a restart', async () => {
    await using t = await apiUnderTest({ certificate: first });
    const port = await listening(t);
    (await secure(port, first.certificate)).destroy();
    t.api.renewCertificate(renewed);
    (await secure(port, renewed.certificate)).destroy();
    await expect(secure(port, first.certificate)).rejects.toThrow(/self-signed/);
  });

  test('keeps the certificate in use when the renewed one does not fit its key', async () => {
    await using t = await apiUnderTest({ certificate: first });
    const port = await listening(t);
    expect(() => t.api.renewCertificate({ key: first.key, certificate: renewed.certificate })).toThrow();
    (await secure(port, first.certificate)).destroy();
  });

  test('refuses versions before 1.2', async () => {
    await using t = await apiUnderTest({ certificate: first });
    await expect(secure(await listening(t), first.certificate, 'TLSv1.1')).rejects.toThrow(/alert protocol version/);
  });
});
