import type { Clock } from '../contract.ts';
import { ProtocolError } from '../errors.ts';
import { Quality } from '../observation.ts';
import { ValueDigest } from '../value-digest.ts';
import type { Value } from './codec.ts';
import type { ModbusConfig, UnitConfig } from './config.ts';
import { decodeRead, ModbusException, readRequest } from './read.ts';
import { type PlannedRead, planReads } from './request-plan.ts';
import type { Exchange, ModbusConnection } from './transaction.ts';

/** Unanswered cycles in a row after which a unit counts as dead. */
const DEAD_AFTER = 3;
/** A dead unit is asked once in this many request time-outs: it costs the line at most a tenth of its time. */
const DEAD_SHARE = 10;

/** What one cycle of one unit brought. */
export interface Reading {
  readonly quality: Quality;
  /** Exception code, or 0. */
  readonly statusCode: number;
  readonly points: number;
  readonly digest: number;
  readonly receivedAtMs: number;
  /** The slowest answer of the cycle. */
  readonly roundTripUs: number;
}

/** One unit on a line: its plan, its turn, and whether it is dead. */
export class Unit {
  readonly address: string;
  readonly unitId: number;
  readonly plan: readonly PlannedRead[];
  readonly serialNumberObject: number | undefined;
  readonly #cycleMs: number;
  readonly #timeoutMs: number;
  readonly #digest = new ValueDigest();
  #unanswered = 0;
  /** By the monotonic clock. */
  dueAtMs = 0;

  constructor(unit: UnitConfig, config: ModbusConfig) {
    this.unitId = unit.unitId;
    this.address = addressOfUnit(unit.unitId);
    this.serialNumberObject = unit.serialNumberObject;
    this.plan = planReads(unit.points, config);
    this.#cycleMs = unit.cycle ?? config.cycle;
    this.#timeoutMs = config.requestTimeout;
  }

  get isDead(): boolean {
    return this.#unanswered >= DEAD_AFTER;
  }

  /**
   * Reads the unit once. Undefined when it did not answer: silence is not an observation. A cycle is good when every
   * read was answered with values, bad when the device answered with nothing but exceptions, uncertain in between.
   * Rejects only when the connection is lost or the signal aborts.
   */
  async read(connection: ModbusConnection, signal: AbortSignal): Promise<Reading | undefined> {
    let answered = 0;
    let exceptionCode = 0;
    let roundTripUs = 0;
    let receivedAtMs = 0;
    let points = 0;
    let good = 0;
    this.#digest.start();
    for (const read of this.plan) {
      const exchange = await this.#exchange(connection, read, signal);
      // The device is not there: asking for its other registers would only hold up the line.
      if (exchange === undefined) break;
      answered += 1;
      roundTripUs = Math.max(roundTripUs, exchange.roundTripUs);
      receivedAtMs = exchange.receivedAtMs;
      const values = valuesOf(read, exchange);
      if (values instanceof ModbusException) exceptionCode = values.exceptionCode;
      else if (values !== undefined) {
        good += 1;
        points += values.length;
        for (const value of values) this.#add(value);
      }
    }
    this.#unanswered = answered === 0 ? this.#unanswered + 1 : 0;
    if (answered === 0) return undefined;
    const quality = good === this.plan.length ? Quality.good : good === 0 ? Quality.bad : Quality.uncertain;
    return {
      quality,
      statusCode: exceptionCode,
      points,
      digest: good === 0 ? 0 : this.#digest.finish(),
      receivedAtMs,
      roundTripUs,
    };
  }

  /** Sets when it is read next. Cycles that were missed are not made up for. */
  schedule(clock: Clock): void {
    const nowMs = clock.monotonicMs();
    const wait = this.isDead ? Math.max(this.#cycleMs, DEAD_SHARE * this.#timeoutMs) : this.#cycleMs;
    this.dueAtMs = Math.max(this.dueAtMs + wait, nowMs);
    if (this.dueAtMs - nowMs > wait || this.isDead) this.dueAtMs = nowMs + wait;
  }

  async #exchange(connection: ModbusConnection, read: PlannedRead, signal: AbortSignal): Promise<Exchange | undefined> {
    try {
      return await connection.request(this.unitId, readRequest(read), this.#timeoutMs, signal);
    } catch (error) {
      if (error instanceof ProtocolError && error.code === 'timeout') return undefined;
      throw error;
    }
  }

  #add(value: Value): void {
    switch (typeof value) {
      case 'number':
        this.#digest.number(value);
        break;
      case 'bigint':
        this.#digest.text(value.toString());
        break;
      case 'boolean':
        this.#digest.boolean(value);
        break;
      default:
        this.#digest.text(value);
    }
  }
}

/** The address of a unit within its source. */
export function addressOfUnit(unitId: number): string {
  return `unit/${unitId}`;
}

/** The values of an answer; the exception, when it is one; undefined when the answer does not fit the request. */
function valuesOf(read: PlannedRead, exchange: Exchange): readonly Value[] | ModbusException | undefined {
  try {
    return decodeRead(read, exchange.pdu);
  } catch (error) {
    if (error instanceof ModbusException) return error;
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
