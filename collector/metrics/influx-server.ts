import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { InfluxDB, type Transport } from '@influxdata/influxdb-client';
import type { SecretReference } from '../../protocols/contract.ts';
import type { InfluxConfig } from '../config/config.ts';
import { type Answer, answerOf, type Target, unexpectedSuccess } from './influx-answer.ts';

/** From the first byte sent to the last byte of the answer. */
const DEADLINE_MS = 30_000;
/** Smaller bodies are not worth the time of compressing. */
const GZIP_FROM_BYTES = 1_024;

/** The server that takes our lines: one connection, kept alive, one request at a time. */
export class InfluxServer {
  /** For people. */
  readonly target: Target;
  readonly #config: InfluxConfig;
  readonly #readSecret: (reference: SecretReference) => Promise<string>;
  readonly #deadlineMs: number;
  readonly #agent: HttpAgent;
  readonly #transport: Transport;

  constructor(
    config: InfluxConfig,
    readSecret: (reference: SecretReference) => Promise<string>,
    deadlineMs = DEADLINE_MS,
  ) {
    this.#deadlineMs = deadlineMs;
    this.#config = config;
    this.#readSecret = readSecret;
    this.target = { url: config.url, place: placeOf(config) };
    const options = { keepAlive: true, maxSockets: 1 };
    this.#agent = config.url.startsWith('https:') ? new HttpsAgent(options) : new HttpAgent(options);
    const transportOptions = { agent: this.#agent };
    this.#transport = new InfluxDB({ url: config.url, timeout: deadlineMs, transportOptions }).transport;
  }

  /** Sends lines, with a line break between them, and resolves with what the server said of them; never rejects. Aborting counts as no answer. */
  async write(lines: string, signal: AbortSignal): Promise<Answer> {
    // The library's own timeout is one of silence; a server that drips bytes would hold us for ever.
    const deadline = new AbortController();
    const abort = (): void => deadline.abort();
    const timer = setTimeout(abort, this.#deadlineMs);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    try {
      const statusCode = await this.#send(lines, deadline.signal);
      return statusCode === 204 ? { kind: 'stored' } : unexpectedSuccess(statusCode, this.target);
    } catch (error) {
      if (!deadline.signal.aborted) return answerOf(error, this.target);
      const words = signal.aborted
        ? 'stopped while waiting for the answer'
        : `no answer within ${this.#deadlineMs / 1000} s`;
      return { kind: 'later', waitMs: undefined, words };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #send(body: string, signal: AbortSignal): Promise<number | undefined> {
    const headers = {
      'content-type': 'text/plain; charset=utf-8',
      ...(await authorization(this.#config, this.#readSecret)),
    };
    let status: number | undefined;
    await new Promise<void>((resolve, reject) => {
      this.#transport.send(
        writePath(this.#config),
        body,
        { method: 'POST', headers, gzipThreshold: GZIP_FROM_BYTES, signal },
        {
          responseStarted: (_, statusCode) => {
            status = statusCode;
          },
          error: reject,
          complete: () => resolve(),
        },
      );
    });
    return status;
  }
}

function placeOf(config: InfluxConfig): string {
  return config.dialect === 'v2'
    ? `bucket ${config.bucket} of organisation ${config.org}`
    : `database ${config.database}`;
}

/** Points are sent with milliseconds. Sources: InfluxDB 2 API `POST /api/v2/write`; InfluxDB 1 API `/write`. */
function writePath(config: InfluxConfig): string {
  if (config.dialect === 'v2') {
    const query = new URLSearchParams({ org: config.org, bucket: config.bucket, precision: 'ms' });
    return `/api/v2/write?${query.toString()}`;
  }
  const query = new URLSearchParams({ db: config.database, precision: 'ms' });
  if (config.retentionPolicy !== undefined) query.set('rp', config.retentionPolicy);
  return `/write?${query.toString()}`;
}

/** The secret is read for each request: a changed one is used at once. */
async function authorization(
  config: InfluxConfig,
  readSecret: (reference: SecretReference) => Promise<string>,
): Promise<Record<string, string>> {
  if (config.dialect === 'v2') return { authorization: `Token ${await readSecret(config.token)}` };
  if (config.username === undefined) return {};
  const password = config.password === undefined ? '' : await readSecret(config.password);
  return { authorization: `Basic ${Buffer.from(`${config.username}:${password}`).toString('base64')}` };
}
