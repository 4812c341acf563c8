import { abortedError } from '../bounded-queue.ts';
import type { Clock } from '../contract.ts';
import { ProtocolError } from '../errors.ts';
import { isAnswer } from './answer.ts';
import type { Frame, Framing } from './frame.ts';
import { StopSignals } from './stop-signals.ts';
import type { Link } from './transport.ts';

/** Transaction ids whose answers may still come; with more of them the connection is not worth keeping. */
const MAX_RETIRED = 4_096;
/** Requests that may wait for their turn. */
const MAX_WAITING = 1_024;

/** One request and the answer that was matched to it. */
export interface Exchange {
  /** The answer's protocol data unit: function code and what follows. */
  readonly pdu: Uint8Array;
  readonly requestBytes: Uint8Array;
  readonly responseBytes: Uint8Array;
  readonly requestedAtMs: number;
  readonly receivedAtMs: number;
  /** From the request handed to the link to the answer read from it. */
  readonly roundTripUs: number;
}

export interface ConnectionOptions {
  readonly link: Link;
  readonly framing: Framing;
  /** For messages. */
  readonly endpoint: string;
  readonly clock: Clock;
  /** Requests under way at once; 1 where the framing has no transaction ids. */
  readonly maxOutstanding: number;
  /** Between an answer, or the wait for one, and the next request. */
  readonly pauseMs: number;
  /** After this silence a frame that is not complete never will be; for framings that live by silence. */
  readonly silenceMs: number;
  /** Told of every request that left the queue: how long it held the line, and whether it was answered. */
  readonly onSettled?: (unitId: number, heldMs: number, outcome: 'answered' | 'silent') => void;
}

interface Waiting {
  readonly unitId: number;
  readonly pdu: Uint8Array;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly resolve: (exchange: Exchange) => void;
  readonly reject: (error: ProtocolError) => void;
}

interface Outstanding {
  readonly request: Waiting;
  readonly transactionId: number;
  readonly requestBytes: Uint8Array;
  readonly requestedAtMs: number;
  readonly sentAtMs: number;
  readonly deadlineMs: number;
  /** Its promise is settled, but on a line its answer may still be on the way. */
  isGivenUp: boolean;
}

/**
 * One connection to one Modbus endpoint: requests in order, one at a time or a few, each with a deadline.
 *
 * A false match is false evidence. With transaction ids an answer is taken only when its transaction id, unit id and
 * function code are those of a request under way; an id whose request was given up is never used again on this
 * connection, so an answer that comes late, however late, can match nothing. Without them (RTU) one request is under
 * way, its answer must have the unit, the function and exactly the length that was asked for, and a unit that left a
 * request unanswered is not asked again before as long again has passed, so that its late answer finds nobody waiting.
 * Everything else is counted in `strays` and the wait goes on. Nothing is thrown from a timer or an event of the link.
 */
export class ModbusConnection {
  readonly #options: ConnectionOptions;
  readonly #retired = new Set<number>();
  readonly #waiting: Waiting[] = [];
  readonly #outstanding = new Map<number, Outstanding>();
  /** RTU: until when a unit's late answer may come, by the monotonic clock. */
  readonly #lateUntilMs = new Map<number, number>();
  readonly #signals = new StopSignals((signal) => this.#aborted(signal));
  #unsent: Uint8Array[] = [];
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #silenceTimer: NodeJS.Timeout | undefined;
  #readyAtMs = 0;
  #nextId = 0;
  #failure: ProtocolError | undefined;
  /** Frames that matched no request under way. */
  strays = 0;
  /** When a frame was last received, by the monotonic clock; at first, when the connection was made. */
  heardAtMs: number;
  /** Called once, with the reason, when the connection is no longer usable. */
  onLost: (error: ProtocolError) => void = () => {};

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.heardAtMs = options.clock.monotonicMs();
    options.link.listen(
      (bytes) => this.#received(bytes),
      (reason, cause) => this.#lose(lost(options.endpoint, reason, cause)),
    );
  }

  /** Nothing waits and nothing is under way. */
  get isIdle(): boolean {
    return this.#waiting.length === 0 && this.#outstanding.size === 0;
  }

  /**
   * Sends a request when its turn comes and resolves with the answer, exceptions included. Rejects with
   * `ProtocolError`: `timeout` when none came in `timeoutMs` after sending, `connection-lost`, `violation`, `aborted`.
   */
  request(unitId: number, pdu: Uint8Array, timeoutMs: number, signal: AbortSignal): Promise<Exchange> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) reject(this.#failure);
      else if (signal.aborted) reject(abortedError(this.#doing(unitId)));
      else if (this.#waiting.length >= MAX_WAITING) {
        reject(new ProtocolError('timeout', `${this.#doing(unitId)}: ${MAX_WAITING} requests wait already`));
      } else {
        this.#waiting.push({ unitId, pdu, timeoutMs, signal, resolve, reject });
        this.#signals.use(signal);
        this.#sendNext();
      }
    });
  }

  /** Gives the connection up for a reason that its user knows better. */
  lose(why: string): void {
    this.#lose(lost(this.#options.endpoint, why));
  }

  /** Ends the connection; what waits is rejected with `aborted`. Resolves when the link is closed. */
  close(): Promise<void> {
    this.#lose(abortedError(`talking to ${this.#options.endpoint}`));
    return this.#options.link.close();
  }

  #sendNext(): void {
    const { clock, maxOutstanding } = this.#options;
    while (this.#waiting.length > 0 && this.#outstanding.size < maxOutstanding && this.#failure === undefined) {
      const nowMs = clock.monotonicMs();
      if (nowMs < this.#readyAtMs) {
        this.#wakeAt(this.#readyAtMs, nowMs);
        return;
      }
      const next = this.#takeWaiting(nowMs);
      if (next === undefined) return;
      this.#send(next, nowMs);
    }
  }

  /** The first in the queue whose unit may be asked now. */
  #takeWaiting(nowMs: number): Waiting | undefined {
    if (this.#lateUntilMs.size === 0) return this.#waiting.shift();
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const [place, { unitId }] of this.#waiting.entries()) {
      const untilMs = this.#lateUntilMs.get(unitId) ?? 0;
      if (untilMs <= nowMs) {
        this.#lateUntilMs.delete(unitId);
        return this.#waiting.splice(place, 1)[0];
      }
      earliestMs = Math.min(earliestMs, untilMs);
    }
    this.#wakeAt(earliestMs, nowMs);
    return undefined;
  }

  #send(request: Waiting, sentAtMs: number): void {
    const { clock, framing } = this.#options;
    const transactionId = this.#freshId();
    const requestBytes = framing.encode(transactionId, request.unitId, request.pdu);
    const deadlineMs = sentAtMs + request.timeoutMs;
    const requestedAtMs = clock.nowMs();
    this.#outstanding.set(transactionId, {
      request,
      transactionId,
      requestBytes,
      requestedAtMs,
      sentAtMs,
      deadlineMs,
      isGivenUp: false,
    });
    this.#wakeAt(deadlineMs, sentAtMs);
    this.#write(requestBytes);
  }

  /** Requests of one turn of the event loop leave in one write, where more than one may be under way. */
  #write(bytes: Uint8Array): void {
    if (this.#options.maxOutstanding === 1) {
      this.#options.link.write(bytes);
      return;
    }
    this.#unsent.push(bytes);
    if (this.#unsent.length > 1) return;
    queueMicrotask(() => {
      const unsent = this.#unsent;
      this.#unsent = [];
      const [first] = unsent;
      if (first === undefined || this.#failure !== undefined) return;
      this.#options.link.write(unsent.length === 1 ? first : Buffer.concat(unsent));
    });
  }

  /** An id that no request of this connection can still be answered under. */
  #freshId(): number {
    do this.#nextId = (this.#nextId + 1) & 0xffff;
    while (this.#retired.has(this.#nextId) || this.#outstanding.has(this.#nextId));
    return this.#nextId;
  }

  /** One timer for all deadlines and pauses: it is set anew only when something is due earlier than it. */
  #wakeAt(atMs: number, nowMs: number): void {
    if (atMs >= this.#timerAtMs) return;
    clearTimeout(this.#timer);
    this.#timerAtMs = atMs;
    this.#timer = setTimeout(() => this.#wake(), Math.max(1, Math.ceil(atMs - nowMs)));
  }

  #wake(): void {
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#options.clock.monotonicMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const outstanding of this.#outstanding.values()) {
      if (outstanding.deadlineMs <= nowMs) this.#expired(outstanding, nowMs);
      else nextMs = Math.min(nextMs, outstanding.deadlineMs);
    }
    if (nextMs < Number.POSITIVE_INFINITY) this.#wakeAt(nextMs, nowMs);
    this.#sendNext();
  }

  #expired(outstanding: Outstanding, nowMs: number): void {
    const { request } = outstanding;
    const message = `${this.#doing(request.unitId)}: no answer in ${request.timeoutMs} ms`;
    this.#giveUp(
      outstanding,
      new ProtocolError('timeout', message, {
        hint: 'check the unit id, the line behind the gateway and that the device has power',
      }),
    );
    this.#leave(outstanding, nowMs);
    this.#options.onSettled?.(request.unitId, nowMs - outstanding.sentAtMs, 'silent');
  }

  /** The request ends without an answer; should one come later, it finds its id retired, or nobody waiting. */
  #giveUp(outstanding: Outstanding, error: ProtocolError): void {
    if (!outstanding.isGivenUp) {
      outstanding.isGivenUp = true;
      this.#signals.release(outstanding.request.signal);
      outstanding.request.reject(error);
    }
  }

  #leave({ transactionId, request }: Outstanding, nowMs: number): void {
    const { framing, pauseMs, endpoint } = this.#options;
    this.#outstanding.delete(transactionId);
    this.#readyAtMs = nowMs + pauseMs;
    if (!framing.hasTransactionIds) {
      this.#lateUntilMs.set(request.unitId, nowMs + request.timeoutMs);
      return;
    }
    this.#retired.add(transactionId);
    if (this.#retired.size > MAX_RETIRED) this.#lose(lost(endpoint, `${MAX_RETIRED} requests were never answered`));
  }

  #aborted(signal: AbortSignal): void {
    const kept = this.#waiting.filter((waiting) => waiting.signal !== signal);
    const stopped = this.#waiting.filter((waiting) => waiting.signal === signal);
    this.#waiting.splice(0, this.#waiting.length, ...kept);
    for (const { reject, unitId } of stopped) {
      this.#signals.release(signal);
      reject(abortedError(this.#doing(unitId)));
    }
    for (const outstanding of this.#outstanding.values()) {
      if (outstanding.request.signal !== signal || outstanding.isGivenUp) continue;
      this.#giveUp(outstanding, abortedError(this.#doing(outstanding.request.unitId)));
      // On a line without ids nobody may speak until its answer came or its time is over.
      if (this.#options.framing.hasTransactionIds) this.#leave(outstanding, this.#options.clock.monotonicMs());
    }
    this.#sendNext();
  }

  #received(bytes: Uint8Array): void {
    const { framing, endpoint, silenceMs } = this.#options;
    let frames: readonly Frame[];
    try {
      frames = framing.take(bytes);
    } catch (error) {
      this.#lose(error instanceof ProtocolError ? error : lost(endpoint, String(error)));
      return;
    }
    clearTimeout(this.#silenceTimer);
    if (!framing.hasTransactionIds && framing.isHolding)
      this.#silenceTimer = setTimeout(() => this.#answered(framing.silence()), silenceMs);
    this.#answered(frames);
  }

  #answered(frames: readonly Frame[]): void {
    if (frames.length === 0 || this.#failure !== undefined) return;
    const { clock, pauseMs, onSettled } = this.#options;
    const receivedAtMs = clock.nowMs();
    const readAtMs = clock.monotonicMs();
    this.heardAtMs = readAtMs;
    for (const frame of frames) {
      const outstanding = this.#wantedBy(frame);
      if (outstanding === undefined) {
        this.strays += 1;
        this.#lateUntilMs.delete(frame.unitId);
        continue;
      }
      this.#outstanding.delete(outstanding.transactionId);
      this.#readyAtMs = readAtMs + pauseMs;
      const heldMs = readAtMs - outstanding.sentAtMs;
      onSettled?.(frame.unitId, heldMs, 'answered');
      if (outstanding.isGivenUp) {
        this.strays += 1;
        continue;
      }
      const { request, requestBytes, requestedAtMs } = outstanding;
      this.#signals.release(request.signal);
      request.resolve({
        pdu: frame.pdu,
        requestBytes,
        responseBytes: frame.bytes,
        requestedAtMs,
        receivedAtMs,
        roundTripUs: heldMs * 1000,
      });
    }
    this.#sendNext();
  }

  #wantedBy(frame: Frame): Outstanding | undefined {
    const { transactionId } = frame;
    const wanted =
      transactionId === undefined ? firstOf(this.#outstanding.values()) : this.#outstanding.get(transactionId);
    return wanted !== undefined && isAnswer(frame, wanted.request) ? wanted : undefined;
  }

  #lose(error: ProtocolError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    clearTimeout(this.#timer);
    clearTimeout(this.#silenceTimer);
    this.#signals.clear();
    void this.#options.link.close();
    for (const { request, isGivenUp } of this.#outstanding.values()) if (!isGivenUp) request.reject(error);
    this.#outstanding.clear();
    for (const { reject } of this.#waiting.splice(0)) reject(error);
    this.onLost(error);
  }

  #doing(unitId: number): string {
    return `asking unit ${unitId} at ${this.#options.endpoint}`;
  }
}

function firstOf<T>(values: Iterable<T>): T | undefined {
  const [first] = values;
  return first;
}

function lost(endpoint: string, why: string, cause?: unknown): ProtocolError {
  return new ProtocolError('connection-lost', `talking to ${endpoint}: ${why}`, cause === undefined ? {} : { cause });
}
