import type { DataValue } from 'node-opcua-client';
import type { BoundedQueue } from '../bounded-queue.ts';
import { Quality } from '../observation.ts';
import { ValueDigest } from '../value-digest.ts';

/** Severity bits of a StatusCode (OPC 10000-4, 7.39.1). */
const SEVERITY_MASK = 0xc0000000;
const UNCERTAIN = 0x40000000;
/** Structure of the low bits: DataValue info, with the overflow bit of the item's queue (OPC 10000-4, 7.39.1). */
const INFO_DATA_VALUE = 0x400;
const OVERFLOW = 0x80;

const digest = new ValueDigest();

/** What a notification brought for one device, folded into one observation. */
export class DeviceFold {
  readonly index: number;
  #good = 0;
  #frozen = 0;
  #uncertain = 0;
  #worstCode = 0;
  #sourceAtMs = Number.NaN;
  readonly #values = new Map<ItemClock, number>();
  /** True while it waits for `flush`. */
  touched = false;

  constructor(index: number) {
    this.index = index;
  }

  /**
   * Takes one value of the device. R3: only a Good value whose time moved on is live evidence; the value a new
   * subscription begins with may be of last week, so it only sets the clock of its item. True when values were lost
   * in the server's queue before this one.
   */
  take(item: ItemClock, value: DataValue): boolean {
    this.touched = true;
    const code = value.statusCode.value;
    const severity = code & SEVERITY_MASK;
    if (severity === 0) {
      const atMs = timeOf(value);
      if (item.hasAdvanced(atMs)) {
        this.#good += 1;
        this.#values.set(item, digestOf(value));
        if (!(this.#sourceAtMs > atMs)) this.#sourceAtMs = atMs;
      } else this.#frozen += 1;
    } else {
      this.#worstCode = code;
      if (severity === UNCERTAIN) this.#uncertain += 1;
    }
    return (code & (INFO_DATA_VALUE | OVERFLOW)) === (INFO_DATA_VALUE | OVERFLOW);
  }

  /** Pushes the observation and begins anew. */
  flush(queue: BoundedQueue, receivedAtMs: number): void {
    if (this.#good > 0) {
      digest.start();
      for (const part of this.#values.values()) digest.number(part);
      queue.push(this.index, receivedAtMs, this.#sourceAtMs, Quality.good, 0, this.#good, digest.finish(), Number.NaN);
    } else {
      const quality = this.#uncertain > 0 ? Quality.uncertain : this.#frozen > 0 ? Quality.weightless : Quality.bad;
      queue.push(this.index, receivedAtMs, Number.NaN, quality, this.#worstCode >>> 0, 0, 0, Number.NaN);
    }
    this.touched = false;
    this.#good = 0;
    this.#frozen = 0;
    this.#uncertain = 0;
    this.#worstCode = 0;
    this.#sourceAtMs = Number.NaN;
    this.#values.clear();
  }
}

/** The last time seen of one monitored item. */
export class ItemClock {
  readonly fold: DeviceFold;
  #lastAtMs = Number.NaN;

  constructor(fold: DeviceFold) {
    this.fold = fold;
  }

  /** True when `atMs` is later than before; the first time only starts the clock. */
  hasAdvanced(atMs: number): boolean {
    const before = this.#lastAtMs;
    if (Number.isNaN(atMs)) return false;
    if (Number.isNaN(before) || atMs > before) this.#lastAtMs = atMs;
    return atMs > before;
  }
}

/** The source's time; the server's where the source gives none. NaN without either. */
function timeOf(value: DataValue): number {
  return (value.sourceTimestamp ?? value.serverTimestamp)?.getTime() ?? Number.NaN;
}

/** A digest of whatever a Variant holds. */
function digestOf(value: DataValue): number {
  const held: unknown = value.value.value;
  digest.start();
  if (typeof held === 'number') digest.number(held);
  else if (typeof held === 'boolean') digest.boolean(held);
  else if (typeof held === 'string') digest.text(held);
  else if (ArrayBuffer.isView(held)) digest.bytes(new Uint8Array(held.buffer, held.byteOffset, held.byteLength));
  else digest.text(JSON.stringify(held) ?? '');
  return digest.finish();
}
