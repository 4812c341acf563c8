import { HttpError, InfluxDB, type Transport } from '@influxdata/influxdb-client';
import type { SecretReference } from '../../protocols/contract.ts';
import type { InfluxConfig } from '../config/config.ts';
import { CollectorError } from '../errors.ts';
import { LineBuffer } from './line-buffer.ts';

/** Lines of one request. */
const BATCH_LINES = 5_000;
const TIMEOUT_MS = 10_000;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;

export interface InfluxWriterParts {
  readonly config: InfluxConfig;
  readonly readSecret: (reference: SecretReference) => Promise<string>;
  readonly log: { warn(fields: object, message: string): void; info(fields: object, message: string): void };
  readonly random: () => number;
}

/** How writing goes, for people. */
export interface InfluxStatus {
  readonly lines: number;
  readonly dropped: number;
  /** Lines that the server refused for what they are. */
  readonly rejected: number;
  readonly oldestAtMs: number | undefined;
  /** Why the last attempt failed; undefined when it did not. */
  readonly failure: string | undefined;
}

/**
 * Writes lines to InfluxDB, v2 or v1. A line leaves the buffer when the server has answered that it is stored, and not
 * before. An outage fills the buffer; when it is full the oldest lines are dropped and counted.
 */
export class InfluxWriter {
  readonly #parts: InfluxWriterParts;
  readonly #buffer: LineBuffer;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #wake: () => void = () => {};
  #rejected = 0;
  #failure: string | undefined;

  constructor(parts: InfluxWriterParts) {
    this.#parts = parts;
    this.#buffer = new LineBuffer(parts.config.bufferLines);
  }

  get status(): InfluxStatus {
    const { length, dropped, oldestAtMs } = this.#buffer;
    return { lines: length, dropped, rejected: this.#rejected, oldestAtMs, failure: this.#failure };
  }

  start(): void {
    this.#running = this.#run();
  }

  add(lines: readonly string[], atMs: number): void {
    this.#buffer.add(lines, atMs);
    this.#wake();
  }

  /** Tries once more to write what is held, for at most `graceMs`; what is left is lost, and said so. */
  async stop(graceMs: number): Promise<void> {
    const deadline = setTimeout(() => this.#stop.abort(), graceMs);
    this.#stopping = true;
    this.#wake();
    await this.#running;
    clearTimeout(deadline);
    if (this.#buffer.length > 0) {
      this.#parts.log.warn(
        { lines: this.#buffer.length },
        'metrics that InfluxDB did not take are lost; the evidence is not',
      );
    }
  }

  #stopping = false;

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#stop.signal.aborted) {
      if (this.#buffer.length === 0) {
        if (this.#stopping) return;
        await this.#parked();
        continue;
      }
      const waitMs = await this.#writeBatch(failures);
      failures = waitMs === undefined ? 0 : failures + 1;
      if (waitMs !== undefined) {
        if (this.#stopping) return;
        await this.#parked(waitMs);
      }
    }
  }

  /** Writes the oldest lines. Resolves with how long to wait before the next attempt, or undefined after success. */
  async #writeBatch(failures: number): Promise<number | undefined> {
    const lines = this.#buffer.peek(BATCH_LINES);
    const before = this.#buffer.dropped;
    try {
      await this.#send(lines.join('\n'));
      this.#taken(lines.length, before);
      if (this.#failure !== undefined) this.#parts.log.info({}, 'InfluxDB takes metrics again');
      this.#failure = undefined;
      return undefined;
    } catch (error) {
      if (isRefusedForContent(error)) {
        this.#rejected += lines.length;
        this.#taken(lines.length, before);
        this.#told(error);
        return undefined;
      }
      this.#told(error);
      const boundMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(failures, 16));
      return Math.max(retryAfterMs(error), boundMs * (0.5 + 0.5 * this.#parts.random()));
    }
  }

  /** Overflow may have dropped some of the batch while it was under way. */
  #taken(lines: number, droppedBefore: number): void {
    this.#buffer.remove(lines - Math.min(lines, this.#buffer.dropped - droppedBefore));
  }

  #told(error: unknown): void {
    const message = explained(error, this.#parts.config).message;
    if (message !== this.#failure) this.#parts.log.warn({}, message);
    this.#failure = message;
  }

  async #send(body: string): Promise<void> {
    const { config, readSecret } = this.#parts;
    const { path, headers } = await requestOf(config, readSecret);
    const transport: Transport = new InfluxDB({ url: config.url, timeout: TIMEOUT_MS }).transport;
    await new Promise<void>((resolve, reject) => {
      transport.send(
        path,
        body,
        {
          method: 'POST',
          headers: { ...headers, 'content-type': 'text/plain; charset=utf-8' },
          signal: this.#stop.signal,
        },
        { error: reject, complete: () => resolve() },
      );
    });
  }

  #parked(ms?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
      const wake = (): void => {
        clearTimeout(timer);
        resolve();
      };
      // New lines do not cut short a wait for a server that is away; the end does.
      if (ms === undefined || this.#stopping) this.#wake = wake;
      this.#stop.signal.addEventListener('abort', wake, { once: true });
    });
  }
}

/** `/api/v2/write` and `/write`, as the public API references of InfluxDB 2 and 1 describe them. */
async function requestOf(
  config: InfluxConfig,
  readSecret: (reference: SecretReference) => Promise<string>,
): Promise<{ path: string; headers: Record<string, string> }> {
  if (config.dialect === 'v2') {
    const query = new URLSearchParams({ org: config.org, bucket: config.bucket, precision: 'ms' });
    return { path: `/api/v2/write?${query}`, headers: { authorization: `Token ${await readSecret(config.token)}` } };
  }
  const query = new URLSearchParams({ db: config.database, precision: 'ms' });
  if (config.retentionPolicy !== undefined) query.set('rp', config.retentionPolicy);
  if (config.username === undefined) return { path: `/write?${query}`, headers: {} };
  const password = config.password === undefined ? '' : await readSecret(config.password);
  const credentials = Buffer.from(`${config.username}:${password}`).toString('base64');
  return { path: `/write?${query}`, headers: { authorization: `Basic ${credentials}` } };
}

/** 400 and 422: the server will never take these lines, however often they are sent. */
function isRefusedForContent(error: unknown): boolean {
  return error instanceof HttpError && (error.statusCode === 400 || error.statusCode === 422);
}

function retryAfterMs(error: unknown): number {
  return error instanceof HttpError ? Math.min(LONGEST_WAIT_MS, Math.max(0, error.retryAfter())) : 0;
}

/** The failure in words, with the server's own. */
function explained(error: unknown, config: InfluxConfig): CollectorError {
  const doing = `writing metrics to ${config.url}`;
  if (!(error instanceof HttpError)) {
    const reason = error instanceof Error ? error.message : String(error);
    return new CollectorError('metrics', `${doing}: ${reason}`, { cause: error });
  }
  const place =
    config.dialect === 'v2' ? `organisation ${config.org} and bucket ${config.bucket}` : `database ${config.database}`;
  const next: Record<number, string> = {
    400: 'the lines were refused and are set aside',
    401: 'check the token or password',
    403: `allow writing to ${place}`,
    404: `create ${place}`,
    413: 'raise the size of requests it takes',
  };
  const said = (error.body ?? '').slice(0, 300).trim();
  const hint = next[error.statusCode] ?? 'it is tried again';
  return new CollectorError('metrics', `${doing}: ${error.statusCode} ${said}: ${hint}`, { cause: error });
}
