import type { Batch, Clock, SourceEvent } from './contract.ts';
import { ProtocolError } from './errors.ts';
import { BATCH_CAPACITY, ObservationColumns } from './observation.ts';

/** Events that may wait; beyond it they are dropped and the loss is declared as a gap. */
const MAX_WAITING_EVENTS = 4096;

/**
 * The one way from a socket callback to the collector: `push` and `emit` are called synchronously by a protocol
 * library, `batches` is what `observe()` returns. Bounded: when `queueBatches` full batches wait, further observations
 * are dropped and counted, and a `gap` event says so as soon as there is room. Nothing here ever blocks the caller.
 *
 * The consumer wakes once per turn of the event loop, not once per observation, so that what one read from the socket
 * brought is one batch. Columns are recycled: in steady state an observation allocates nothing.
 */
export class BoundedQueue {
  readonly #clock: Clock;
  readonly #maxBatches: number;
  readonly #full: ObservationColumns[] = [];
  readonly #spare: ObservationColumns[] = [];
  #filling = new ObservationColumns();
  #events: SourceEvent[] = [];
  #dropped = 0;
  #droppedSinceMs = 0;
  #failure: unknown;
  #state: 'open' | 'failed' | 'ended' = 'open';
  #wake: (() => void) | undefined;
  #wakeScheduled = false;

  constructor(clock: Clock, queueBatches: number) {
    if (!(queueBatches >= 1)) throw new RangeError(`a queue needs room for at least 1 batch, not ${queueBatches}`);
    this.#clock = clock;
    this.#maxBatches = queueBatches;
  }

  /** Adds one observation; see `ObservationColumns` for units. Dropped and counted when the queue is full or no longer open. */
  push(
    address: number,
    receivedAtMs: number,
    sourceAtMs: number,
    quality: number,
    statusCode: number,
    points: number,
    digest: number,
    roundTripUs: number,
  ): void {
    if (this.#filling.length === BATCH_CAPACITY && !this.#rotate()) {
      this.#drop(receivedAtMs);
      return;
    }
    const columns = this.#filling;
    const row = columns.length;
    columns.address[row] = address;
    columns.receivedAtMs[row] = receivedAtMs;
    columns.sourceAtMs[row] = sourceAtMs;
    columns.quality[row] = quality;
    columns.statusCode[row] = statusCode;
    columns.points[row] = points > 65_535 ? 65_535 : points;
    columns.digest[row] = digest;
    columns.roundTripUs[row] = roundTripUs;
    columns.length = row + 1;
    if (!this.#wakeScheduled) this.#scheduleWake();
  }

  /** Counts observations that never became rows (an address that could not be bound, a library's own overflow). */
  dropped(count: number, atMs: number): void {
    for (let i = 0; i < count; i++) this.#drop(atMs);
  }

  /** Adds an event; it is yielded in the same or the next batch. */
  emit(event: SourceEvent): void {
    if (this.#events.length >= MAX_WAITING_EVENTS) {
      this.#drop(this.#clock.nowMs());
      return;
    }
    this.#events.push(event);
    if (!this.#wakeScheduled) this.#scheduleWake();
  }

  /** Ends the stream with an error after everything received before it was yielded. The first failure wins. */
  fail(error: unknown): void {
    if (this.#state !== 'open') return;
    this.#state = 'failed';
    this.#failure = error;
    this.#scheduleWake();
  }

  /** Batches waiting, for metrics. */
  get waiting(): number {
    return this.#full.length + (this.#filling.length > 0 ? 1 : 0);
  }

  /**
   * The stream for `observe()`. Ends quietly when `signal` aborts, throws what `fail` was given. Iterable once.
   */
  async *batches(signal: AbortSignal): AsyncGenerator<Batch, void, void> {
    const onAbort = (): void => {
      if (this.#state === 'open') this.#state = 'ended';
      this.#wake?.();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      for (;;) {
        const columns = this.#take();
        if (columns !== undefined) {
          yield { observations: columns, events: this.#takeEvents() };
          columns.length = 0;
          if (this.#spare.length < this.#maxBatches) this.#spare.push(columns);
          continue;
        }
        if (this.#state === 'failed') throw this.#failure;
        if (this.#state === 'ended') return;
        await this.#parked();
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      if (this.#state === 'open') this.#state = 'ended';
    }
  }

  /** Sets the filled columns aside for the consumer and starts new ones; false when no more may wait. */
  #rotate(): boolean {
    if (this.#full.length >= this.#maxBatches) return false;
    this.#full.push(this.#filling);
    this.#filling = this.#spare.pop() ?? new ObservationColumns();
    return true;
  }

  #take(): ObservationColumns | undefined {
    const oldest = this.#full.shift();
    if (oldest !== undefined) return oldest;
    if (this.#filling.length === 0 && this.#events.length === 0 && this.#dropped === 0) return undefined;
    const columns = this.#filling;
    this.#filling = this.#spare.pop() ?? new ObservationColumns();
    return columns;
  }

  #takeEvents(): readonly SourceEvent[] {
    if (this.#dropped > 0) {
      this.#events.push({
        kind: 'gap',
        reason: 'overflow',
        fromMs: this.#droppedSinceMs,
        toMs: this.#clock.nowMs(),
        dropped: this.#dropped,
      });
      this.#dropped = 0;
    }
    if (this.#events.length === 0) return NO_EVENTS;
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #drop(atMs: number): void {
    if (this.#dropped === 0) this.#droppedSinceMs = atMs;
    this.#dropped += 1;
    if (!this.#wakeScheduled) this.#scheduleWake();
  }

  #scheduleWake(): void {
    if (this.#wakeScheduled) return;
    this.#wakeScheduled = true;
    setImmediate(() => {
      this.#wakeScheduled = false;
      this.#wake?.();
    });
  }

  #parked(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }
}

const NO_EVENTS: readonly SourceEvent[] = [];

/** The error for an operation that our own signal ended. */
export function abortedError(doing: string): ProtocolError {
  return new ProtocolError('aborted', `${doing}: stopped`);
}
