import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { InfluxDB, type Transport } from '@influxdata/influxdb-client';
import type { SecretReference } from '../../protocols/contract.ts';
import type { InfluxConfig } from '../config/config.ts';
import { type Answer, answerOf, type Target, unexpectedSuccess } from './influx-answer.ts';
import { type Dialect, dialectOf } from './influx-dialect.ts';

/** From the first byte sent to the last byte of the answer. */
const DEADLINE_MS = 30_000;
/** Smaller bodies are not worth the time of compressing. */
const GZIP_FROM_BYTES = 1_024;

/** The server that takes our lines: one connection, kept alive, one request at a time. */
export class InfluxServer {
  /** For people. */
  readonly target: Target;
  readonly #dialect: Dialect;
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
    this.#dialect = dialectOf(config);
    this.#readSecret = readSecret;
    this.target = { url: config.url, place: this.#dialect.place };
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
      ...(await this.#dialect.authorization(this.#readSecret)),
    };
    let status: number | undefined;
    await new Promise<void>((resolve, reject) => {
      this.#transport.send(
        this.#dialect.writePath,
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
