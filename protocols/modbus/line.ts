import { isDeepStrictEqual } from 'node:util';
import { abortedError } from '../bounded-queue.ts';
import type { Clock } from '../contract.ts';
import { ProtocolError } from '../errors.ts';
import { BusTime } from './bus-time.ts';
import { MbapFraming } from './mbap.ts';
import { RtuFraming } from './rtu.ts';
import { type Exchange, ModbusConnection } from './transaction.ts';
import { endpointName, type LinkEndpoint, openLink } from './transport.ts';

/** How one endpoint is talked to; sources that share it must agree. */
export interface LineSettings {
  readonly endpoint: LinkEndpoint;
  readonly framing: 'mbap' | 'rtu';
  readonly connectTimeoutMs: number;
  readonly pauseMs: number;
  readonly maxOutstanding: number;
  /** `close`: the connection is given back when a cycle is over, for gateways that serve one client after another. */
  readonly afterCycle: 'keep' | 'close';
}

/** Silence after which half an RTU frame is given up: serial adapters deliver in lumps of up to 16 ms, networks later. */
const SILENCE_MS = { serial: 25, tcp: 100 } as const;

/**
 * The one connection to an endpoint, shared by every source that names it: many gateways take one or two, and requests
 * of two connections collide on the line behind them. Open while somebody is attached.
 */
export class Line {
  readonly settings: LineSettings;
  readonly busTime: BusTime;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  readonly #listeners = new Set<(error: ProtocolError) => void>();
  readonly #onEnd: () => void;
  #connection: ModbusConnection | undefined;
  #opening: Promise<ModbusConnection> | undefined;
  #strays = 0;
  #failure: ProtocolError | undefined;

  constructor(settings: LineSettings, clock: Clock, onEnd: () => void) {
    this.settings = settings;
    this.#clock = clock;
    this.#onEnd = onEnd;
    this.busTime = new BusTime(() => clock.monotonicMs());
  }

  get name(): string {
    return endpointName(this.settings.endpoint);
  }

  /** Frames that matched no request. */
  get strays(): number {
    return this.#strays + (this.#connection?.strays ?? 0);
  }

  /** Since when nothing was heard, in milliseconds; 0 while there is no connection. */
  get silentMs(): number {
    return this.#connection === undefined ? 0 : this.#clock.monotonicMs() - this.#connection.heardAtMs;
  }

  /** Opens the connection where there is none. Rejects like `openLink`. */
  async open(signal: AbortSignal): Promise<void> {
    if (this.#connection === undefined) await this.#opened(signal);
  }

  /** See `ModbusConnection.request`; opens the connection first where it was given back after a cycle. */
  request(unitId: number, pdu: Uint8Array, timeoutMs: number, signal: AbortSignal): Promise<Exchange> {
    if (this.#connection !== undefined) return this.#connection.request(unitId, pdu, timeoutMs, signal);
    return this.#opened(signal).then((connection) => connection.request(unitId, pdu, timeoutMs, signal));
  }

  /** A cycle is over. */
  rest(): void {
    const connection = this.#connection;
    if (this.settings.afterCycle === 'keep' || connection?.isIdle !== true) return;
    this.#strays += connection.strays;
    this.#connection = undefined;
    connection.onLost = () => {};
    void connection.close();
  }

  /** Gives the connection up for everybody. */
  lose(why: string): void {
    this.#connection?.lose(why);
  }

  /** Tells `onLost` when the connection is lost; to be taken back with `detach`. */
  attach(onLost: (error: ProtocolError) => void): void {
    this.#listeners.add(onLost);
  }

  /** After the last one the connection is closed; resolves when it is. */
  async detach(onLost: (error: ProtocolError) => void): Promise<void> {
    this.#listeners.delete(onLost);
    if (this.#listeners.size > 0) return;
    this.#onEnd();
    this.#stop.abort();
    await this.#opening?.catch(() => {});
    await this.#connection?.close();
  }

  #opened(signal: AbortSignal): Promise<ModbusConnection> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    // Opened for everybody: one who stops waiting does not stop it for the others.
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = undefined;
    });
    return unlessAborted(this.#opening, `connecting to ${this.name}`, signal);
  }

  async #connect(): Promise<ModbusConnection> {
    const { endpoint, framing, connectTimeoutMs, pauseMs, maxOutstanding } = this.settings;
    const link = await openLink(endpoint, connectTimeoutMs, this.#stop.signal).catch((error: unknown) => {
      if (error instanceof ProtocolError) this.#lost(error);
      throw error;
    });
    const connection = new ModbusConnection({
      link,
      framing: framing === 'mbap' ? new MbapFraming() : new RtuFraming(),
      endpoint: this.name,
      clock: this.#clock,
      maxOutstanding,
      pauseMs,
      silenceMs: SILENCE_MS[endpoint.kind],
      onSettled: (unitId, heldMs, outcome) => this.busTime.add(unitId, heldMs, outcome),
    });
    connection.onLost = (error) => this.#lost(error);
    this.#connection = connection;
    return connection;
  }

  #lost(error: ProtocolError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#onEnd();
    for (const onLost of this.#listeners) onLost(error);
  }
}

/** The lines of this process, by endpoint. */
export class Lines {
  readonly #lines = new Map<string, Line>();

  /**
   * The line to an endpoint, with its connection open; to be given back with `line.detach(onLost)`. Rejects like
   * `openLink`, and with `ProtocolError('configuration')` when somebody uses the endpoint with other settings.
   */
  async attach(
    settings: LineSettings,
    clock: Clock,
    signal: AbortSignal,
    onLost: (error: ProtocolError) => void,
  ): Promise<Line> {
    const name = endpointName(settings.endpoint);
    const line = this.#lines.get(name) ?? this.#create(settings, clock, name);
    const different = (Object.keys(settings) as (keyof LineSettings)[]).filter(
      (key) => !isDeepStrictEqual(settings[key], line.settings[key]),
    );
    if (different.length > 0)
      throw new ProtocolError('configuration', `using ${name}: another source uses it with other settings`, {
        hint: `sources of one endpoint share its connection and must agree on ${different.map((key) => WORDS[key]).join(', ')}`,
      });
    line.attach(onLost);
    try {
      await line.open(signal);
    } catch (error) {
      await line.detach(onLost);
      throw error;
    }
    return line;
  }

  #create(settings: LineSettings, clock: Clock, name: string): Line {
    const line: Line = new Line(settings, clock, () => {
      if (this.#lines.get(name) === line) this.#lines.delete(name);
    });
    this.#lines.set(name, line);
    return line;
  }
}

/** What the settings are called in the configuration. */
const WORDS: Readonly<Record<keyof LineSettings, string>> = {
  endpoint: 'the serial settings',
  framing: 'transport',
  connectTimeoutMs: 'connectTimeout',
  pauseMs: 'pause',
  maxOutstanding: 'outstanding',
  afterCycle: 'afterCycle',
};

function unlessAborted<T>(work: Promise<T>, doing: string, signal: AbortSignal): Promise<T> {
  if (signal.aborted) return Promise.reject(abortedError(doing));
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortedError(doing));
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
