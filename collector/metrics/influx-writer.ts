import type { Loop } from '../health/loop-watch.ts';
import type { Answer } from './influx-answer.ts';
import type { InfluxServer } from './influx-server.ts';
import type { BatchLimit, LineBatch, LineQueue, QueueStatus } from './line-queue.ts';
import type { SeriesCap } from './series-cap.ts';

/** Of one request: what InfluxDB advises (5,000 to 10,000 lines), well below the 25 MB that version 1 takes. */
const BATCH: BatchLimit = { lines: 10_000, bytes: 8 * 1_048_576 };

/** Batches under way at once: while the server takes one, the next is read and compressed. */
const UNDER_WAY = 2;

/** What an aborted request may take to end. */
const AFTER_ABORT_MS = 500;

/** After a pause, until the loop must have turned again: an answer has a deadline of its own. */
const AFTER_PAUSE_MS = 120_000;

/** Waits between attempts. */
export interface WriterTiming {
  /** Upper bound of the first wait; it doubles. */
  readonly firstMs: number;
  readonly longestMs: number;
  /** When a person must do something first. */
  readonly instructedMs: number;
}

const TIMING: WriterTiming = { firstMs: 1_000, longestMs: 60_000, instructedMs: 60_000 };

export interface InfluxWriterParts {
  readonly server: Pick<InfluxServer, 'target' | 'write' | 'close'>;
  readonly queue: LineQueue;
  readonly cap: SeriesCap;
  readonly loop: Loop;
  /** Takes lines that the server will never take, with the server's words; resolves when they are kept. Never rejects. */
  readonly setAside: (lines: readonly string[], words: string) => Promise<void>;
  readonly log: { warn(fields: object, message: string): void; info(fields: object, message: string): void };
  readonly random: () => number;
  readonly timing?: WriterTiming;
}

/** How writing goes, for people. */
export interface InfluxStatus extends QueueStatus {
  /** Lines that the server said it has, since start. */
  readonly written: number;
  /** Lines that the server refused for what they are, since start. */
  readonly rejected: number;
  /** Distinct series that passed the cap, since start. */
  readonly series: number;
  /** Lines left out because their series were beyond the cap, since start. */
  readonly capped: number;
  /** Why the last attempt failed and what a person can do; undefined when it did not fail. */
  readonly failure: { readonly message: string; readonly hint: string | undefined } | undefined;
}

/**
 * Writes lines to InfluxDB. A line leaves its queue when the server has answered that it is stored, or that it will
 * never be; not before, and never because a request was sent. Sending twice changes nothing: a point is its series,
 * time and fields. Two batches may be under way; which of them arrives first is all the same to a database that orders
 * by time.
 */
export class InfluxWriter {
  readonly #parts: InfluxWriterParts;
  readonly #timing: WriterTiming;
  readonly #abort = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #isStopping = false;
  readonly #endPauses = new Set<() => void>();
  #endIdling: (() => void) | undefined;
  #hasNews = false;
  #written = 0;
  #rejected = 0;
  #failure: InfluxStatus['failure'];

  constructor(parts: InfluxWriterParts) {
    this.#parts = parts;
    this.#timing = parts.timing ?? TIMING;
  }

  get status(): InfluxStatus {
    const { queue, cap } = this.#parts;
    const { series, capped } = cap;
    return {
      ...queue.status,
      written: this.#written,
      rejected: this.#rejected,
      series,
      capped,
      failure: this.#failure,
    };
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Never throws and never waits. */
  add(lines: readonly string[], atMs: number): void {
    if (this.#isStopping) return;
    const { queue, cap } = this.#parts;
    queue.add(cap.admit(lines), atMs);
    this.#hasNews = true;
    this.#endIdling?.();
  }

  /** Resolves when everything added so far is where its queue keeps it. */
  kept(): Promise<void> {
    return this.#parts.queue.kept();
  }

  /** Tries once more to write what waits, for at most `graceMs`. What is left then is kept where the queue is durable. */
  async stop(graceMs: number): Promise<void> {
    const grace = setTimeout(() => this.#abort.abort(), graceMs);
    this.#isStopping = true;
    this.#endIdling?.();
    for (const end of this.#endPauses) end();
    await this.#ended(graceMs + AFTER_ABORT_MS);
    clearTimeout(grace);
    const { queue, server, log, loop } = this.#parts;
    const { lines, isDurable } = queue.status;
    if (lines > 0 && !isDurable) {
      log.warn({ lines }, 'metrics that InfluxDB did not take are lost; the evidence is not');
    }
    server.close();
    loop.ended();
    await queue.close();
  }

  /** Resolves when writing has ended; also after `ms`, when a disk that hangs keeps it from ending. */
  async #ended(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([this.#running, late]);
    clearTimeout(timer);
  }

  async #run(): Promise<void> {
    const { queue, loop } = this.#parts;
    const underWay: { readonly batch: LineBatch; readonly isDone: Promise<boolean> }[] = [];
    while (!this.#abort.signal.aborted) {
      this.#hasNews = false;
      loop.turned();
      const batch = underWay.length < UNDER_WAY ? await queue.next(BATCH) : undefined;
      if (batch !== undefined) {
        underWay.push({ batch, isDone: this.#deliver(batch) });
        continue;
      }
      const first = underWay.shift();
      if (first === undefined) {
        if (this.#isStopping) return;
        loop.resting();
        await this.#idle();
      } else if (await first.isDone) queue.settle(first.batch);
      else break;
    }
    // What is stored without being settled is stored again at the next start, which changes nothing.
    await Promise.all(underWay.map(({ isDone }) => isDone));
  }

  /**
   * Sends the lines until the server has answered for every one of them: parts that it refuses or finds too large are
   * halved until the lines to blame stand alone. False when we were stopped before that.
   */
  async #deliver(batch: LineBatch): Promise<boolean> {
    const parts: Pick<LineBatch, 'text' | 'lines'>[] = batch.lines === 0 ? [] : [batch];
    for (let failures = 0; ; ) {
      const part = parts.at(-1);
      if (part === undefined) return true;
      const { text, lines } = part;
      const answer = await this.#parts.server.write(text, this.#abort.signal);
      if (answer.kind === 'later' || answer.kind === 'instruction') {
        this.#told(answer);
        if (this.#isStopping) return false;
        failures += 1;
        const waitMs = this.#waitMs(answer, failures);
        this.#parts.loop.turned(waitMs + AFTER_PAUSE_MS);
        await this.#pause(waitMs);
        continue;
      }
      failures = 0;
      this.#parts.loop.turned();
      this.#recovered();
      parts.pop();
      if (answer.kind === 'stored') this.#written += lines;
      else if (lines === 1 || (answer.kind === 'refused' && answer.dropped === lines)) {
        this.#rejected += lines;
        await this.#parts.setAside(text.split('\n'), answer.words);
      } else {
        parts.push(...halves(text));
      }
    }
  }

  #waitMs(answer: Answer & { kind: 'later' | 'instruction' }, failures: number): number {
    const { firstMs, longestMs, instructedMs } = this.#timing;
    const jitter = 0.5 + 0.5 * this.#parts.random();
    if (answer.kind === 'instruction') return instructedMs * jitter;
    return Math.max(answer.waitMs ?? 0, Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 16)) * jitter);
  }

  /** Each new reason is logged once, not at each attempt. */
  #told(answer: Answer & { kind: 'later' | 'instruction' }): void {
    const message = `writing metrics to ${this.#parts.server.target.url}: ${answer.words}`;
    const hint = answer.kind === 'instruction' ? answer.hint : undefined;
    if (message !== this.#failure?.message) this.#parts.log.warn({ hint }, message);
    this.#failure = { message, hint };
  }

  #recovered(): void {
    if (this.#failure !== undefined) this.#parts.log.info({}, 'InfluxDB takes metrics again');
    this.#failure = undefined;
  }

  /** Resolves when there are new lines, or when stopped. */
  #idle(): Promise<void> {
    if (this.#isStopping || this.#hasNews) return Promise.resolve();
    return new Promise((resolve) => {
      this.#endIdling = resolve;
    });
  }

  /** Resolves after `ms`, or when stopped. New lines do not cut short the wait for a server that is away. */
  async #pause(ms: number): Promise<void> {
    if (this.#isStopping) return;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#endPauses.delete(end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#endPauses.add(end);
    });
  }
}

/** The later half first: the last part is the next to be sent. */
function halves(text: string): { readonly text: string; readonly lines: number }[] {
  const lines = text.split('\n');
  const half = Math.ceil(lines.length / 2);
  return [lines.slice(half), lines.slice(0, half)].map((part) => ({ text: part.join('\n'), lines: part.length }));
}
