import { BoundedQueue } from '../bounded-queue.ts';
import type {
  AdapterContext,
  Batch,
  LineUse,
  ProbeAnswer,
  ProtocolLine,
  SourceAdapter,
  SourceEvent,
} from '../contract.ts';
import { ProtocolError } from '../errors.ts';
import type { Identification } from '../identity.ts';
import { lineSettingsOf, lineSpeedOf, type ModbusConfig } from './config.ts';
import { askIdentity, type Identity } from './identify.ts';
import type { Line, Lines } from './line.ts';
import { Plausibility } from './plausibility.ts';
import { Poller } from './poller.ts';
import { decodeRead } from './read.ts';
import { SilenceWatch } from './silence-watch.ts';
import type { Exchange } from './transaction.ts';
import { addressOfUnit, Unit } from './unit.ts';

/** Bytes of answers kept with claims. */
const MAX_RAW_BYTES = 65_536;

/** The units behind one Modbus endpoint, a device, a gateway or a serial line, as a source. */
export class ModbusAdapter implements SourceAdapter {
  readonly #config: ModbusConfig;
  readonly #context: AdapterContext;
  readonly #lines: Lines;
  readonly #units: readonly Unit[];
  readonly #silence: SilenceWatch;
  #line: Line | undefined;
  #tell: (event: SourceEvent) => void = () => {};

  constructor(config: ModbusConfig, context: AdapterContext, lines: Lines) {
    this.#config = config;
    this.#context = context;
    this.#lines = lines;
    const speed = lineSpeedOf(config);
    this.#units = config.units.map((unit) => {
      const tell = (event: SourceEvent): void => this.#tell(event);
      const plausibility = speed === undefined ? undefined : new Plausibility(addressOfUnit(unit.unitId), speed, tell);
      return new Unit(unit, config, plausibility);
    });
    this.#silence = new SilenceWatch(Math.min(...this.#units.map(({ cycleMs }) => cycleMs)));
  }

  async *observe(signal: AbortSignal): AsyncGenerator<Batch, void, void> {
    const { clock, queueBatches, addresses } = this.#context;
    const queue = new BoundedQueue(clock, queueBatches);
    const onLost = (error: ProtocolError): void => queue.fail(error);
    let line: Line;
    try {
      line = await this.#attach(signal, onLost);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    this.#line = line;
    this.#tell = (event) => queue.emit(event);
    const stop = new AbortController();
    const detail = `${line.name}, ${this.#units.length} units`;
    queue.emit({ kind: 'connected', atMs: clock.nowMs(), detail });
    const protocol = this.#protocol();
    const indexes = new Map(this.#units.map((unit) => [unit, addresses.bind(unit.address, protocol)]));
    const { deadUnitShare } = this.#config;
    const poller = new Poller({
      line,
      units: this.#units,
      indexes,
      queue,
      clock,
      silence: this.#silence,
      deadUnitShare,
    });
    const polling = poller.run(AbortSignal.any([signal, stop.signal]));
    try {
      yield* queue.batches(signal);
    } finally {
      this.#line = undefined;
      this.#tell = () => {};
      stop.abort();
      await line.detach(onLost);
      await polling;
    }
  }

  async identify(address: string, signal: AbortSignal): Promise<Identification> {
    const unit = this.#unit(address);
    return this.#withLine(signal, async (line) => {
      const raw: Uint8Array[] = [];
      const { claims, methods } = await this.#identity(line, unit, 'all', signal, { requests: [], answers: raw });
      const receivedAtMs = this.#context.clock.nowMs();
      return { claims, raw: joined(raw), method: methods.join(', '), receivedAtMs };
    });
  }

  async probe(address: string, signal: AbortSignal): Promise<ProbeAnswer> {
    const unit = this.#unit(address);
    const [read] = unit.plan;
    if (read === undefined) throw new ProtocolError('configuration', `probing ${address}: it has no points`);
    return this.#withLine(signal, async (line) => {
      const exchange = await line.request(unit.unitId, read.request, unit.timeoutMs, signal);
      const values = decodeRead(read, exchange.pdu);
      const [requests, answers] = [[exchange.requestBytes], [exchange.responseBytes]];
      const identity = await this.#identity(line, unit, 'known', signal, { requests, answers }).catch(
        (error: unknown) => {
          // It answered the read: that it does not say who it is takes nothing from that.
          if (error instanceof ProtocolError && ['unsupported', 'timeout'].includes(error.code)) return undefined;
          throw error;
        },
      );
      return {
        request: joined(requests),
        response: joined(answers),
        requestedAtMs: exchange.requestedAtMs,
        receivedAtMs: exchange.receivedAtMs,
        roundTripUs: exchange.roundTripUs,
        values: Object.fromEntries(read.points.map(({ name }, i) => [name, String(values[i])])),
        ...(identity === undefined ? {} : { claims: identity.claims }),
      };
    });
  }

  lineUse(): LineUse | undefined {
    const line = this.#line;
    if (line === undefined) return undefined;
    const { busTime, settings, strays } = line;
    const nowMs = this.#context.clock.monotonicMs();
    return {
      windowMs: busTime.windowMs,
      ...busTime.ofAll(),
      strays,
      outstanding: settings.maxOutstanding,
      deadUnitShare: this.#config.deadUnitShare,
      units: this.#units.map((unit) => ({
        address: unit.address,
        state: unit.state,
        ...busTime.ofUnit(unit.unitId),
        nextInMs: Math.max(0, unit.dueAtMs - nowMs),
      })),
    };
  }

  async #identity(
    line: Line,
    unit: Unit,
    effort: 'all' | 'known',
    signal: AbortSignal,
    raw: { readonly requests: Uint8Array[]; readonly answers: Uint8Array[] },
  ): Promise<Identity> {
    const ask = async (request: Uint8Array): Promise<Uint8Array> => {
      const exchange: Exchange = await line.request(unit.unitId, request, unit.timeoutMs, signal);
      raw.requests.push(exchange.requestBytes);
      raw.answers.push(exchange.responseBytes);
      return exchange.pdu;
    };
    try {
      return await askIdentity(unit.questions, ask, effort);
    } catch (error) {
      // It answers when it is read: it will not answer this question an hour later either, and each try costs the line.
      const isAnswering = unit.hasAnswered && unit.state === 'answering';
      if (isAnswering && error instanceof ProtocolError && error.code === 'timeout')
        throw new ProtocolError('unsupported', `asking ${unit.address} who it is: it says nothing to that`);
      throw error;
    }
  }

  /** Uses the line of a running `observe`, so that gateways that take only one connection are not asked for two. */
  async #withLine<T>(signal: AbortSignal, work: (line: Line) => Promise<T>): Promise<T> {
    if (this.#line !== undefined) return work(this.#line);
    const onLost = (): void => {};
    const line = await this.#attach(signal, onLost);
    try {
      return await work(line);
    } finally {
      await line.detach(onLost);
    }
  }

  #attach(signal: AbortSignal, onLost: (error: ProtocolError) => void): Promise<Line> {
    return this.#lines.attach(lineSettingsOf(this.#config), this.#context.clock, signal, onLost);
  }

  #unit(address: string): Unit {
    const unit = this.#units.find((known) => known.address === address);
    if (unit === undefined) throw new ProtocolError('unknown-address', `looking for ${address}: it is not configured`);
    return unit;
  }

  #protocol(): ProtocolLine {
    return { family: 'modbus', variant: this.#config.transport, reach: this.#config.relayed ? 'relayed' : 'direct' };
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts).subarray(0, MAX_RAW_BYTES));
}
