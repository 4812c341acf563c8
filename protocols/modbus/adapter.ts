import { setTimeout as wait } from 'node:timers/promises';
import { BoundedQueue } from '../bounded-queue.ts';
import type { AdapterContext, Batch, ProbeAnswer, ProtocolLine, SourceAdapter } from '../contract.ts';
import { UNBOUND } from '../contract.ts';
import { ProtocolError } from '../errors.ts';
import type { Identification, IdentityClaims } from '../identity.ts';
import type { ModbusConfig } from './config.ts';
import { claimsOfObjects, READ_CATEGORY, readIdentification } from './device-identification.ts';
import { decodeRead, readRequest } from './read.ts';
import { ModbusConnection } from './transaction.ts';
import { Unit } from './unit.ts';

/** Bytes of answers kept with claims. */
const MAX_RAW_BYTES = 65_536;

/** One Modbus TCP endpoint, a device or a gateway with a line behind it, as a source. */
export class ModbusAdapter implements SourceAdapter {
  readonly #config: ModbusConfig;
  readonly #context: AdapterContext;
  readonly #units: readonly Unit[];
  #connection: ModbusConnection | undefined;

  constructor(config: ModbusConfig, context: AdapterContext) {
    this.#config = config;
    this.#context = context;
    this.#units = config.units.map((unit) => new Unit(unit, config));
  }

  async *observe(signal: AbortSignal): AsyncGenerator<Batch, void, void> {
    let connection: ModbusConnection;
    try {
      connection = await this.#open(signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    const { clock, queueBatches } = this.#context;
    const queue = new BoundedQueue(clock, queueBatches);
    connection.onLost = (error) => queue.fail(error);
    this.#connection = connection;
    const stop = new AbortController();
    const detail = `${this.#config.host}:${this.#config.port}, ${this.#units.length} units`;
    queue.emit({ kind: 'connected', atMs: clock.nowMs(), detail });
    const polling = this.#poll(connection, queue, AbortSignal.any([signal, stop.signal]));
    try {
      yield* queue.batches(signal);
    } finally {
      this.#connection = undefined;
      stop.abort();
      await connection.close();
      await polling;
    }
  }

  async identify(address: string, signal: AbortSignal): Promise<Identification> {
    const unit = this.#unit(address);
    return this.#withConnection(signal, async (connection) => {
      const raw: Uint8Array[] = [];
      const objects = await readIdentification(READ_CATEGORY.extended, (request) =>
        this.#ask(connection, unit, request, raw, signal),
      ).catch((error: unknown) => {
        // Devices of the basic conformity level refuse the extended category (V1.1b3, 6.21) with an exception.
        if (!(error instanceof ProtocolError) || error.code !== 'exception') throw error;
        return readIdentification(READ_CATEGORY.basic, (request) => this.#ask(connection, unit, request, raw, signal));
      });
      const receivedAtMs = this.#context.clock.nowMs();
      return {
        claims: claimsOfObjects(objects, unit.serialNumberObject),
        raw: joined(raw),
        method: 'FC 43/14',
        receivedAtMs,
      };
    });
  }

  async probe(address: string, signal: AbortSignal): Promise<ProbeAnswer> {
    const unit = this.#unit(address);
    const read = unit.plan[0];
    if (read === undefined) throw new ProtocolError('configuration', `probing ${address}: it has no points`);
    return this.#withConnection(signal, async (connection) => {
      const exchange = await connection.request(unit.unitId, readRequest(read), this.#config.requestTimeout, signal);
      const values = decodeRead(read, exchange.pdu);
      const claims = await this.#claims(connection, unit, signal);
      return {
        request: exchange.requestBytes,
        response: exchange.responseBytes,
        requestedAtMs: exchange.requestedAtMs,
        receivedAtMs: exchange.receivedAtMs,
        roundTripUs: exchange.roundTripUs,
        values: Object.fromEntries(read.points.map(({ name }, i) => [name, String(values[i])])),
        ...(claims === undefined ? {} : { claims }),
      };
    });
  }

  /** Reads whichever unit is due, for as long as the connection lasts. Never rejects: a loss is told by the connection. */
  async #poll(connection: ModbusConnection, queue: BoundedQueue, signal: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    const line = this.#line();
    const indexes = new Map(this.#units.map((unit) => [unit, this.#context.addresses.bind(unit.address, line)]));
    try {
      while (!signal.aborted) {
        const unit = this.#units.reduce((first, other) => (other.dueAtMs < first.dueAtMs ? other : first));
        const waitMs = unit.dueAtMs - clock.monotonicMs();
        if (waitMs > 0) await wait(waitMs, undefined, { signal });
        const reading = await unit.read(connection, signal);
        unit.schedule(clock);
        const index = indexes.get(unit) ?? UNBOUND;
        if (reading !== undefined && index !== UNBOUND) {
          const { receivedAtMs, quality, statusCode, points, digest, roundTripUs } = reading;
          queue.push(index, receivedAtMs, Number.NaN, quality, statusCode, points, digest, roundTripUs);
        } else if (reading !== undefined) queue.dropped(1, reading.receivedAtMs);
        if (this.#config.pause > 0) await wait(this.#config.pause, undefined, { signal });
      }
    } catch (error) {
      if (!signal.aborted) queue.fail(error);
    }
  }

  async #claims(connection: ModbusConnection, unit: Unit, signal: AbortSignal): Promise<IdentityClaims | undefined> {
    try {
      const objects = await readIdentification(READ_CATEGORY.basic, (request) =>
        this.#ask(connection, unit, request, [], signal),
      );
      return claimsOfObjects(objects, unit.serialNumberObject);
    } catch (error) {
      if (error instanceof ProtocolError && ['exception', 'timeout', 'violation'].includes(error.code))
        return undefined;
      throw error;
    }
  }

  async #ask(
    connection: ModbusConnection,
    unit: Unit,
    request: Uint8Array,
    raw: Uint8Array[],
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const exchange = await connection.request(unit.unitId, request, this.#config.requestTimeout, signal);
    raw.push(exchange.responseBytes);
    return exchange.pdu;
  }

  /** Uses the connection of a running `observe`, so that gateways that take only one are not asked for two. */
  async #withConnection<T>(signal: AbortSignal, work: (connection: ModbusConnection) => Promise<T>): Promise<T> {
    if (this.#connection !== undefined) return work(this.#connection);
    const connection = await this.#open(signal);
    try {
      return await work(connection);
    } finally {
      await connection.close();
    }
  }

  #open(signal: AbortSignal): Promise<ModbusConnection> {
    const { host, port, connectTimeout } = this.#config;
    return ModbusConnection.open({ host, port, timeoutMs: connectTimeout, clock: this.#context.clock }, signal);
  }

  #unit(address: string): Unit {
    const unit = this.#units.find((known) => known.address === address);
    if (unit === undefined) throw new ProtocolError('unknown-address', `looking for ${address}: it is not configured`);
    return unit;
  }

  #line(): ProtocolLine {
    return { family: 'modbus', variant: this.#config.transport, reach: this.#config.relayed ? 'relayed' : 'direct' };
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts).subarray(0, MAX_RAW_BYTES));
}
