import type { Clock } from '../contract.ts';
import { ProtocolError } from '../errors.ts';
import { Quality } from '../observation.ts';
import { ValueDigest } from '../value-digest.ts';
import type { Value } from './codec.ts';
import { type ModbusConfig, planLimitsOf, type UnitConfig } from './config.ts';
import { type IdentityQuestions, nameplateReads } from './identify.ts';
import type { Line } from './line.ts';
import type { Plausibility } from './plausibility.ts';
import { decodeRead, ModbusException } from './read.ts';
import { type PlannedRead, planReads } from './request-plan.ts';
import type { Exchange } from './transaction.ts';

/** Unanswered cycles in a row after which a unit counts as dead. */
const DEAD_AFTER = 3;

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
  readonly questions: IdentityQuestions;
  readonly cycleMs: number;
  readonly timeoutMs: number;
  readonly #plausibility: Plausibility | undefined;
  readonly #digest = new ValueDigest();
  #unanswered = 0;
  /** Once at least, since the process started. */
  hasAnswered = false;
  /** By the monotonic clock. */
  dueAtMs = 0;
  /** It is being read. */
  isBusy = false;

  constructor(unit: UnitConfig, config: ModbusConfig, plausibility: Plausibility | undefined) {
    this.unitId = unit.unitId;
    this.address = addressOfUnit(unit.unitId);
    const { identification, serialNumberObject, nameplate } = unit;
    this.questions = { identification, serialNumberObject, nameplate: nameplateReads(nameplate), silentTo: new Set() };
    this.plan = planReads(unit.points, planLimitsOf(unit, config));
    this.cycleMs = unit.cycle ?? config.cycle;
    this.timeoutMs = config.requestTimeout;
    this.#plausibility = plausibility;
  }

  /** `silent`: it did not answer last time; `dead`: nor for some cycles before, so it is asked only now and then. */
  get state(): 'answering' | 'silent' | 'dead' {
    if (this.#unanswered === 0) return 'answering';
    return this.#unanswered < DEAD_AFTER ? 'silent' : 'dead';
  }

  /**
   * Reads the unit once. Undefined when it did not answer: silence is not an observation. A cycle is good when every
   * read was answered with values, bad when the device answered with nothing but exceptions, uncertain in between.
   * Rejects only when the connection is lost or the signal aborts.
   */
  async read(line: Line, signal: AbortSignal): Promise<Reading | undefined> {
    const exchanges = await this.#exchanges(line, signal);
    let exceptionCode = 0;
    let roundTripUs = 0;
    let receivedAtMs = 0;
    let points = 0;
    let good = 0;
    this.#digest.start();
    for (const [place, exchange] of exchanges.entries()) {
      const read = this.plan[place];
      if (exchange === undefined || read === undefined) continue;
      roundTripUs = Math.max(roundTripUs, exchange.roundTripUs);
      receivedAtMs = Math.max(receivedAtMs, exchange.receivedAtMs);
      this.#plausibility?.add(exchange, read.request.length);
      const values = valuesOf(read, exchange);
      if (values instanceof ModbusException) exceptionCode = values.exceptionCode;
      else if (values !== undefined) {
        good += 1;
        points += values.length;
        for (const value of values) this.#add(value);
      }
    }
    this.#unanswered = receivedAtMs === 0 ? this.#unanswered + 1 : 0;
    if (receivedAtMs === 0) return undefined;
    this.hasAnswered = true;
    const quality = good === this.plan.length ? Quality.good : good === 0 ? Quality.bad : Quality.uncertain;
    const digest = good === 0 ? 0 : this.#digest.finish();
    return { quality, statusCode: exceptionCode, points, digest, receivedAtMs, roundTripUs };
  }

  /** Sets when it is read next, `waitMs` after it was due. Cycles that were missed are not made up for. */
  schedule(clock: Clock, waitMs: number): void {
    const nowMs = clock.monotonicMs();
    const isLate = nowMs - this.dueAtMs > waitMs;
    this.dueAtMs = isLate || this.state === 'dead' ? nowMs + waitMs : this.dueAtMs + waitMs;
  }

  /** By place in the plan; undefined where no answer came. */
  async #exchanges(line: Line, signal: AbortSignal): Promise<(Exchange | undefined)[]> {
    if (line.settings.maxOutstanding > 1 && this.state === 'answering')
      return Promise.all(this.plan.map((read) => this.#exchange(line, read, signal)));
    const exchanges: (Exchange | undefined)[] = [];
    for (const read of this.plan) {
      const exchange = await this.#exchange(line, read, signal);
      exchanges.push(exchange);
      // The device is not there: asking for its other registers would only hold up the line.
      if (exchange === undefined) break;
    }
    return exchanges;
  }

  async #exchange(line: Line, read: PlannedRead, signal: AbortSignal): Promise<Exchange | undefined> {
    try {
      return await line.request(this.unitId, read.request, this.timeoutMs, signal);
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
