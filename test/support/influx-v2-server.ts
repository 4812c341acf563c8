import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { PointStore } from './point-store.ts';

export interface InfluxV2Options {
  readonly org: string;
  readonly bucket: string;
  readonly token: string;
  /** Of a body as sent and as unpacked. */
  readonly maxBytes?: number;
}

/** One answer given instead of the ordinary one. */
export type Fault =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  /** Stores, then ends the connection before it answers: the client cannot know. */
  | 'stored-but-silent'
  /** Ends the connection without reading. */
  | 'hang-up';

/**
 * A strict stand-in for `POST /api/v2/write`, written from the public description of the InfluxDB 2 API: what that
 * forbids is refused with the status and the JSON it describes. Points are kept as the server keeps them: one for each
 * series and time, the last fields win.
 */
export class InfluxV2Server {
  readonly #options: InfluxV2Options;
  readonly #http: Server;
  readonly #points = new PointStore();
  /** Given one by one before anything is looked at. */
  readonly faults: Fault[] = [];
  /** Lines of each request that came through, in order. */
  readonly requests: { readonly lines: number; readonly encoding: string }[] = [];

  private constructor(options: InfluxV2Options) {
    this.#options = options;
    this.#http = createServer((request, response) => void this.#answer(request, response));
  }

  static async start(options: InfluxV2Options, port = 0): Promise<InfluxV2Server> {
    const server = new InfluxV2Server(options);
    await new Promise<void>((resolve) => server.#http.listen(port, '127.0.0.1', resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  /** Points stored. */
  get points(): number {
    return this.#points.count;
  }

  /** Series with their points: time to fields, as written in the line protocol. */
  get series(): ReadonlyMap<string, ReadonlyMap<number, Readonly<Record<string, string>>>> {
    return this.#points.series;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fault = this.faults.shift();
    if (fault === 'hang-up') {
      request.socket.destroy();
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (fault !== undefined && fault !== 'stored-but-silent') {
      response.writeHead(fault.status, fault.headers).end(fault.body);
      return;
    }
    const refusal = this.#write(request, Buffer.concat(chunks));
    if (fault === 'stored-but-silent') request.socket.destroy();
    else if (refusal === undefined) response.writeHead(204, HEADERS).end();
    else {
      const { status, code, message } = refusal;
      const headers = { ...HEADERS, 'content-type': 'application/json; charset=utf-8', 'x-platform-error-code': code };
      response.writeHead(status, headers).end(JSON.stringify({ code, message }));
    }
  }

  /** Checks in the order of the description: method and path, authorisation, parameters, body, lines. */
  #write(request: IncomingMessage, packed: Buffer): Refusal | undefined {
    const { org, bucket, token, maxBytes = 52_428_800 } = this.#options;
    const url = new URL(request.url ?? '', 'http://localhost');
    if (url.pathname !== '/api/v2/write') return refusal(404, 'not found', 'path not found');
    if (request.method !== 'POST') return refusal(405, 'method not allowed', 'allow: POST');
    if (request.headers.authorization !== `Token ${token}`) return refusal(401, 'unauthorized', 'unauthorized access');
    const { searchParams: query } = url;
    for (const key of query.keys()) {
      if (!['org', 'orgID', 'bucket', 'precision'].includes(key))
        return refusal(400, 'invalid', `unknown parameter ${key}`);
    }
    if (!['ns', 'us', 'ms', 's'].includes(query.get('precision') ?? 'ns'))
      return refusal(400, 'invalid', 'invalid precision');
    if (query.get('org') !== org) return refusal(404, 'not found', `organization name "${query.get('org')}" not found`);
    if (query.get('bucket') !== bucket) return refusal(404, 'not found', `bucket "${query.get('bucket')}" not found`);
    if (!/^text\/plain(; ?charset=utf-8)?$/.test(request.headers['content-type'] ?? 'text/plain')) {
      return refusal(415, 'invalid', 'invalid content type');
    }
    const encoding = request.headers['content-encoding'] ?? 'identity';
    if (encoding !== 'gzip' && encoding !== 'identity') return refusal(400, 'invalid', 'invalid content encoding');
    const body = encoding === 'gzip' ? gunzipSync(packed) : packed;
    if (body.length > maxBytes) return refusal(413, 'request too large', 'points batch is too large');
    if (body.length === 0) return refusal(400, 'invalid', 'writing requires points');
    const lines = new TextDecoder('utf-8', { fatal: true }).decode(body).split('\n');
    this.requests.push({ lines: lines.length, encoding });
    return this.#store(lines);
  }

  /** Good lines of a partly bad body are stored, as the description says. */
  #store(lines: readonly string[]): Refusal | undefined {
    const refused = this.#points.store(lines);
    const unparsed = refused.filter(({ kind }) => kind === 'syntax');
    if (unparsed.length > 0) {
      return refusal(400, 'invalid', unparsed.map(({ line, why }) => `unable to parse '${line}': ${why}`).join('\n'));
    }
    if (refused.length === 0) return undefined;
    const message = `failure writing points to database: partial write: field type conflict dropped=${refused.length}`;
    return refusal(422, 'unprocessable entity', message);
  }
}

const HEADERS = { 'x-influxdb-version': 'v2.7', 'x-influxdb-build': 'OSS' };

interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

function refusal(status: number, code: string, message: string): Refusal {
  return { status, code, message };
}
