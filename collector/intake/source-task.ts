import type {
  AdapterLog,
  Batch,
  Clock,
  DeadLetter,
  LineUse,
  SourceAdapter,
  SourceEvent,
} from '../../protocols/contract.ts';
import { isRetryable, ProtocolError, retryAdvice } from '../../protocols/errors.ts';
import { backoffMs, SETTLED_MS } from './backoff.ts';
import { Identifier } from './identifier.ts';
import type { Journal } from './journal.ts';
import { pause } from './pause.ts';
import { RecentMax } from './recent-max.ts';
import { SourcePath } from './source-path.ts';
import type { Tally } from './tally.ts';

/** Distinct notices kept per source. */
const MAX_NOTICES = 50;
/** An attempt that is neither up nor failed by then hangs, whatever its own deadlines were. */
const ATTEMPT_LIMIT_MS = 300_000;
/** By how much the next attempt may be late. */
const LATE_MS = 60_000;

export interface Notice {
  readonly code: string;
  readonly level: 'warning' | 'error';
  readonly message: string;
  readonly hint: string | undefined;
}

export interface SourceFailure {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
  readonly atMs: number;
}

/** What a source task needs; the supervisor gives it. */
export interface SourceTaskParts {
  readonly sourceId: string;
  readonly adapter: SourceAdapter;
  readonly tally: Tally;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: AdapterLog;
}

/**
 * Keeps one source connected: the only place that retries. Runs `observe()` again and again with capped, jittered
 * backoff, folds what it yields, and knows in words how the source is.
 */
export class SourceTask {
  readonly sourceId: string;
  readonly path: SourcePath;
  readonly identifier: Identifier;
  readonly #parts: SourceTaskParts;
  readonly #notices = new Map<string, Notice>();
  readonly #queueDelay = new RecentMax();
  state: 'connecting' | 'up' | 'down' | 'stopped' = 'stopped';
  stateSinceMs: number | undefined;
  observations = 0;
  bad = 0;
  dropped = 0;
  /** Lost connections and failed attempts. */
  errors = 0;
  /** Connections made after the first. */
  reconnects = 0;
  lastObservationAtMs: number | undefined;
  lastFailure: SourceFailure | undefined;
  nextAttemptAtMs: number | undefined;
  #connections = 0;
  #failures = 0;
  #lostAtMs: number | undefined;
  #connection: AbortController | undefined;
  /** Until when something must have happened, on the monotonic clock. */
  #dueAtMs = Infinity;

  constructor(parts: SourceTaskParts) {
    this.#parts = parts;
    this.sourceId = parts.sourceId;
    this.path = new SourcePath(parts.sourceId);
    this.identifier = new Identifier(parts);
  }

  get notices(): readonly Notice[] {
    return [...this.#notices.values()];
  }

  /** How long observations waited in the adapter's queue, at most, lately. */
  get queueDelayMs(): number {
    return this.#queueDelay.at(this.#parts.clock.monotonicMs());
  }

  /** For how long it should have connected, failed or tried again and did not; 0 while all is in order. */
  get overdueMs(): number {
    return Math.max(0, this.#parts.clock.monotonicMs() - this.#dueAtMs);
  }

  /** Ends the connection there is, or the attempt at one; the next attempt follows after the usual wait. */
  reconnect(): void {
    this.#connection?.abort();
  }

  /** Samples of what could not be read. */
  get deadLetters(): readonly DeadLetter[] {
    return this.#parts.adapter.deadLetters?.() ?? [];
  }

  /** Where the time of its line goes; undefined where it has none, or is not connected. */
  get lineUse(): LineUse | undefined {
    return this.#parts.adapter.lineUse?.();
  }

  /** Runs until `signal` aborts or the source can never work as configured. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    while (!signal.aborted) {
      this.#enter('connecting');
      this.#dueAtMs = clock.monotonicMs() + ATTEMPT_LIMIT_MS;
      this.nextAttemptAtMs = undefined;
      const startedAtMs = clock.monotonicMs();
      const error = await this.#connect(signal);
      this.#dueAtMs = Infinity;
      if (signal.aborted) break;
      this.#failed(error, clock.monotonicMs() - startedAtMs);
      const advice = retryAdvice(error);
      if (advice === 'never') {
        log.warn({ source: this.sourceId }, 'the source cannot work as configured and is not tried again');
        return;
      }
      const waitMs = backoffMs(this.#failures, advice, this.#parts.random);
      this.nextAttemptAtMs = clock.nowMs() + waitMs;
      this.#dueAtMs = clock.monotonicMs() + waitMs + LATE_MS;
      await pause(waitMs, signal);
    }
    this.#enter('stopped');
  }

  /** One connection from start to loss; resolves with what ended it. */
  async #connect(signal: AbortSignal): Promise<unknown> {
    const connection = new AbortController();
    this.#connection = connection;
    const both = AbortSignal.any([signal, connection.signal]);
    let identifying: Promise<void> | undefined;
    try {
      for await (const batch of this.#parts.adapter.observe(both)) {
        this.#take(batch);
        if (this.state === 'up') identifying ??= this.identifier.run(both);
      }
      return new ProtocolError('connection-lost', `observing source ${this.sourceId}: the stream ended by itself`);
    } catch (error) {
      return error;
    } finally {
      this.path.down(this.#parts.clock.nowMs());
      connection.abort();
      await identifying;
    }
  }

  #take(batch: Batch): void {
    for (const event of batch.events) this.#happened(event);
    const { observations } = batch;
    if (observations.length === 0) return;
    this.bad += this.#parts.tally.fold(observations);
    this.observations += observations.length;
    this.lastObservationAtMs = observations.receivedAtMs[observations.length - 1];
    const { clock } = this.#parts;
    const waitedMs = clock.nowMs() - (observations.receivedAtMs[0] ?? 0);
    this.#queueDelay.add(waitedMs, clock.monotonicMs());
  }

  #happened(event: SourceEvent): void {
    const { journal, tally, log } = this.#parts;
    switch (event.kind) {
      case 'connected':
        this.#connected(event.atMs, event.detail);
        break;
      case 'gap':
        this.dropped += event.dropped;
        journal.gap({
          sourceId: this.sourceId,
          fromMs: event.fromMs,
          toMs: event.toMs,
          reason: event.reason,
          dropped: event.dropped,
        });
        break;
      case 'death':
        tally.foldDeath(event.address, event.atMs);
        break;
      case 'identity':
        journal.identity(event.address, event.identification);
        break;
      case 'notice':
        this.#notice(event);
        break;
      default:
        log.warn({ source: this.sourceId, event }, 'unknown event');
    }
  }

  #connected(atMs: number, detail: string): void {
    const { journal, log } = this.#parts;
    this.#connections += 1;
    this.reconnects = this.#connections - 1;
    this.path.up(atMs);
    // From here on the adapter's own watchdogs decide.
    this.#dueAtMs = Infinity;
    this.#enter('up');
    if (this.#lostAtMs !== undefined) {
      journal.gap({
        sourceId: this.sourceId,
        fromMs: this.#lostAtMs,
        toMs: Math.max(this.#lostAtMs, atMs),
        reason: 'source-down',
        dropped: 0,
      });
      this.#lostAtMs = undefined;
    }
    log.info({ source: this.sourceId, detail }, 'connected');
  }

  #failed(error: unknown, lastedMs: number): void {
    const { clock, log } = this.#parts;
    const atMs = clock.nowMs();
    const wasUp = this.state === 'up';
    this.errors += 1;
    if (wasUp) this.#lostAtMs ??= atMs;
    this.#failures = wasUp && lastedMs >= SETTLED_MS ? 1 : this.#failures + 1;
    this.lastFailure = failureOf(error, atMs);
    this.#enter('down');
    const fields = { source: this.sourceId, code: this.lastFailure.code, retry: isRetryable(error) };
    log.warn(error instanceof ProtocolError ? fields : { ...fields, error }, this.lastFailure.message);
  }

  #notice(event: Extract<SourceEvent, { kind: 'notice' }>): void {
    if (event.level === 'cleared') {
      this.#notices.delete(event.code);
      return;
    }
    if (!this.#notices.has(event.code) && this.#notices.size >= MAX_NOTICES) return;
    const { code, level, message, hint } = event;
    this.#notices.set(code, { code, level, message, hint });
    this.#parts.log.warn({ source: this.sourceId, code }, message);
  }

  #enter(state: SourceTask['state']): void {
    this.state = state;
    this.stateSinceMs = this.#parts.clock.nowMs();
  }
}

function failureOf(error: unknown, atMs: number): SourceFailure {
  if (error instanceof ProtocolError) return { code: error.code, message: error.message, hint: error.hint, atMs };
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'unexpected', message: `unexpected failure: ${message}`, hint: 'see the log for the details', atMs };
}
