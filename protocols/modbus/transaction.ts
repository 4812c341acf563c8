import { connect, type Socket } from 'node:net';
import { abortedError } from '../bounded-queue.ts';
import type { Clock } from '../contract.ts';
import { ProtocolError } from '../errors.ts';
import { AduReader, encodeAdu } from './frame.ts';

/** Transaction ids whose answers may still come; with more of them the connection is not worth keeping. */
const MAX_RETIRED = 4_096;
/** Requests that may wait for their turn. */
const MAX_WAITING = 1_024;
/** Bit 7 of the function code marks an exception (MODBUS Application Protocol V1.1b3, 7). */
const EXCEPTION_BIT = 0x80;

/** One request and the answer that was matched to it. */
export interface Exchange {
  /** The answer's protocol data unit: function code and what follows. */
  readonly pdu: Uint8Array;
  readonly requestBytes: Uint8Array;
  readonly responseBytes: Uint8Array;
  readonly requestedAtMs: number;
  readonly receivedAtMs: number;
  /** From the request handed to the socket to the answer read from it. */
  readonly roundTripUs: number;
}

interface Waiting {
  readonly unitId: number;
  readonly pdu: Uint8Array;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly resolve: (exchange: Exchange) => void;
  readonly reject: (error: ProtocolError) => void;
}

interface Outstanding extends Waiting {
  readonly transactionId: number;
  readonly requestBytes: Uint8Array;
  readonly requestedAtMs: number;
  readonly sentAtMs: number;
  readonly timer: NodeJS.Timeout;
  readonly onAbort: () => void;
}

/**
 * One TCP connection to one Modbus endpoint, one request at a time, in order: cheap gateways understand no more.
 *
 * A false match is false evidence. An answer is taken only when its transaction id, unit id and function code are
 * those of the request that is outstanding; everything else is counted in `strays` and the wait goes on. An id whose
 * request timed out is never used again on this connection, so an answer that comes late, however late, can match
 * nothing. Every wait has a deadline; nothing is thrown from a timer or a socket event.
 */
export class ModbusConnection {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #endpoint: string;
  readonly #reader = new AduReader();
  readonly #retired = new Set<number>();
  readonly #waiting: Waiting[] = [];
  #outstanding: Outstanding | undefined;
  #nextId = 0;
  #failure: ProtocolError | undefined;
  /** Frames that matched no outstanding request. */
  strays = 0;
  /** Called once, with the reason, when the connection is no longer usable. */
  onLost: (error: ProtocolError) => void = () => {};

  private constructor(socket: Socket, endpoint: string, clock: Clock) {
    this.#socket = socket;
    this.#endpoint = endpoint;
    this.#clock = clock;
    socket.on('data', (chunk) => this.#received(chunk));
    socket.on('error', (error) => this.#lose(lost(endpoint, error.message, error)));
    socket.on('close', () => this.#lose(lost(endpoint, 'the device closed the connection')));
  }

  /** Connects. Rejects with `ProtocolError`: `unreachable`, `timeout`, `aborted`. */
  static open(
    options: { readonly host: string; readonly port: number; readonly timeoutMs: number; readonly clock: Clock },
    signal: AbortSignal,
  ): Promise<ModbusConnection> {
    const { host, port, timeoutMs, clock } = options;
    const endpoint = `${host}:${port}`;
    const doing = `connecting to ${endpoint}`;
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(abortedError(doing));
        return;
      }
      const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 15_000 });
      const settle = (outcome: () => void): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        socket.removeAllListeners();
        outcome();
      };
      const fail = (error: ProtocolError): void =>
        settle(() => {
          socket.on('error', () => {});
          socket.destroy();
          reject(error);
        });
      const onAbort = (): void => fail(abortedError(doing));
      const timer = setTimeout(
        () => fail(new ProtocolError('timeout', `${doing}: no answer in ${timeoutMs} ms`, HINT_REACH)),
        timeoutMs,
      );
      signal.addEventListener('abort', onAbort, { once: true });
      socket.once('error', (error) =>
        fail(new ProtocolError('unreachable', `${doing}: ${error.message}`, { cause: error, ...HINT_REACH })),
      );
      socket.once('connect', () => settle(() => resolve(new ModbusConnection(socket, endpoint, clock))));
    });
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
        this.#sendNext();
      }
    });
  }

  /** Ends the connection; what waits is rejected with `aborted`. Resolves when the socket is closed. */
  close(): Promise<void> {
    this.#lose(abortedError(`talking to ${this.#endpoint}`));
    if (this.#socket.closed) return Promise.resolve();
    return new Promise((resolve) => this.#socket.once('close', () => resolve()));
  }

  #sendNext(): void {
    while (this.#outstanding === undefined) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      if (next.signal.aborted) next.reject(abortedError(this.#doing(next.unitId)));
      else this.#send(next);
    }
  }

  #send(next: Waiting): void {
    const transactionId = this.#freshId();
    const requestBytes = encodeAdu({ transactionId, unitId: next.unitId, pdu: next.pdu });
    const onAbort = (): void => this.#giveUp(abortedError(this.#doing(next.unitId)));
    const timer = setTimeout(() => {
      const message = `${this.#doing(next.unitId)}: no answer in ${next.timeoutMs} ms`;
      this.#giveUp(
        new ProtocolError('timeout', message, {
          hint: 'check the unit id, the line behind the gateway and that the device has power',
        }),
      );
    }, next.timeoutMs);
    next.signal.addEventListener('abort', onAbort, { once: true });
    const requestedAtMs = this.#clock.nowMs();
    this.#outstanding = {
      ...next,
      transactionId,
      requestBytes,
      requestedAtMs,
      timer,
      onAbort,
      sentAtMs: this.#clock.monotonicMs(),
    };
    this.#socket.write(requestBytes);
  }

  /** An id that no request of this connection can still be answered under. */
  #freshId(): number {
    do this.#nextId = (this.#nextId + 1) & 0xffff;
    while (this.#retired.has(this.#nextId));
    return this.#nextId;
  }

  /** The outstanding request ends without an answer; should one come later, it finds its id retired. */
  #giveUp(error: ProtocolError): void {
    const given = this.#takeOutstanding();
    if (given === undefined) return;
    this.#retired.add(given.transactionId);
    given.reject(error);
    if (this.#retired.size > MAX_RETIRED)
      this.#lose(lost(this.#endpoint, `${MAX_RETIRED} requests were never answered`));
    else this.#sendNext();
  }

  #received(chunk: Buffer): void {
    const receivedAtMs = this.#clock.nowMs();
    const readAtMs = this.#clock.monotonicMs();
    let frames: ReturnType<AduReader['take']>;
    try {
      frames = this.#reader.take(chunk);
    } catch (error) {
      this.#lose(error instanceof ProtocolError ? error : lost(this.#endpoint, String(error)));
      return;
    }
    for (const frame of frames) {
      const wanted = this.#outstanding;
      if (wanted === undefined || !isAnswer(frame, wanted)) {
        this.strays += 1;
        continue;
      }
      this.#takeOutstanding();
      wanted.resolve({
        pdu: frame.pdu,
        requestBytes: wanted.requestBytes,
        responseBytes: encodeAdu(frame),
        requestedAtMs: wanted.requestedAtMs,
        receivedAtMs,
        roundTripUs: (readAtMs - wanted.sentAtMs) * 1000,
      });
      this.#sendNext();
    }
  }

  #takeOutstanding(): Outstanding | undefined {
    const outstanding = this.#outstanding;
    if (outstanding === undefined) return undefined;
    this.#outstanding = undefined;
    clearTimeout(outstanding.timer);
    outstanding.signal.removeEventListener('abort', outstanding.onAbort);
    return outstanding;
  }

  #lose(error: ProtocolError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#socket.destroy();
    this.#takeOutstanding()?.reject(error);
    for (const { reject } of this.#waiting.splice(0)) reject(error);
    this.onLost(error);
  }

  #doing(unitId: number): string {
    return `asking unit ${unitId} at ${this.#endpoint}`;
  }
}

const HINT_REACH = { hint: 'check host and port, and that the gateway takes another connection: many take one or two' };

/** MODBUS Messaging on TCP/IP V1.0b, 4.2.2: same transaction, same unit, same function or its exception. */
function isAnswer(frame: { transactionId: number; unitId: number; pdu: Uint8Array }, wanted: Outstanding): boolean {
  const functionCode = wanted.pdu[0] ?? 0;
  const answered = frame.pdu[0] ?? 0;
  if (frame.transactionId !== wanted.transactionId || frame.unitId !== wanted.unitId) return false;
  if (answered === functionCode) return true;
  return answered === (functionCode | EXCEPTION_BIT) && frame.pdu.length === 2;
}

function lost(endpoint: string, why: string, cause?: unknown): ProtocolError {
  return new ProtocolError('connection-lost', `talking to ${endpoint}: ${why}`, cause === undefined ? {} : { cause });
}
