import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { PointStore, type RefusedLine } from './point-store.ts';

const PRECISIONS = ['auto', 'nanosecond', 'microsecond', 'millisecond', 'second'];
/** The description says that no more are told. */
const MAX_TOLD = 100;

export interface InfluxV3Options {
  readonly database: string;
  /** Undefined: everybody may write. */
  readonly token?: string;
  /** Of a body as unpacked. */
  readonly maxBytes?: number;
}

/**
 * A strict stand-in for `POST /api/v3/write_lp`, written from the public description of InfluxDB 3 Core: parameters and
 * their words, 204 and 400 with the lines that were refused, 401 and 413. A database is made by writing to it, so the
 * one that is expected is only asserted by tests.
 */
export class InfluxV3Server {
  readonly #options: InfluxV3Options;
  readonly #http: Server;
  readonly #databases = new Map<string, PointStore>();
  /** Answers given instead of the ordinary one, before anything is looked at. */
  readonly faults: { readonly status: number; readonly body: string; readonly headers?: Record<string, string> }[] = [];

  private constructor(options: InfluxV3Options) {
    this.#options = options;
    this.#http = createServer((request, response) => void this.#answer(request, response));
  }

  static async start(options: InfluxV3Options): Promise<InfluxV3Server> {
    const server = new InfluxV3Server(options);
    await new Promise<void>((resolve) => server.#http.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  /** Points in the database that the options name. */
  get points(): number {
    return this.#databases.get(this.#options.database)?.count ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { status, body, headers } = this.faults.shift() ?? this.#respond(request, Buffer.concat(chunks));
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
  }

  #respond(request: IncomingMessage, packed: Buffer): Answer {
    const { token, maxBytes = 10_485_760 } = this.#options;
    const url = new URL(request.url ?? '', 'http://localhost');
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
      return refusal(401, { error: 'the request was not authenticated' });
    }
    if (url.pathname === '/ping') return { status: 200, body: '{"version":"3.2.0","revision":"x"}', headers: {} };
    if (url.pathname !== '/api/v3/write_lp') return { status: 404, body: 'not found', headers: {} };
    if (request.method !== 'POST') return { status: 405, body: '', headers: {} };
    const { searchParams: query } = url;
    const unknown = [...query.keys()].find((key) => !['db', 'precision', 'accept_partial', 'no_sync'].includes(key));
    if (unknown !== undefined) return refusal(400, { error: `serde error: unknown field ${unknown}` });
    const database = query.get('db') ?? '';
    if (!/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(database))
      return refusal(400, { error: 'invalid character in database name' });
    if (!PRECISIONS.includes(query.get('precision') ?? 'auto')) return refusal(400, { error: 'unknown precision' });
    const encoding = request.headers['content-encoding'] ?? 'identity';
    if (encoding !== 'gzip' && encoding !== 'identity') return refusal(400, { error: 'invalid content encoding' });
    const body = encoding === 'gzip' ? gunzipSync(packed) : packed;
    if (body.length > maxBytes) return refusal(413, { error: 'request body too large' });
    if (query.get('accept_partial') === 'false') return refusal(400, { error: 'not what the collector asks for' });
    const points = this.#databases.get(database) ?? new PointStore();
    this.#databases.set(database, points);
    const refused = points.store(body.toString('utf8').split('\n'));
    return refused.length === 0 ? { status: 204, body: '', headers: {} } : refusal(400, partial(refused));
  }
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Record<string, string>;
}

function refusal(status: number, body: object): Answer {
  return { status, body: JSON.stringify(body), headers: {} };
}

function partial(refused: readonly RefusedLine[]): object {
  const data = refused
    .slice(0, MAX_TOLD)
    .map(({ line, number, why }) => ({ original_line: line, line_number: number, error_message: why }));
  return { error: 'partial write of line protocol occurred', data };
}
