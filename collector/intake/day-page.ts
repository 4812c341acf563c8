import type { TallyRow } from '../store/contract.ts';

/** Words of 32 bits that hold a day's 288 slots. */
export const SLOT_WORDS = 9;
/** Buckets of the round-trip histogram; see `TallyRow.roundTrips`. */
export const ROUND_TRIP_BUCKETS = 16;
const FIRST_BUCKET_LOG2 = 6;

/**
 * One local day of every address, as flat columns indexed by the address's integer: folding an observation writes a
 * few numbers and allocates nothing. 0 stands for "never" in instants.
 */
export class DayPage {
  readonly day: number;
  slots: Uint32Array;
  good: Float64Array;
  uncertain: Float64Array;
  bad: Float64Array;
  weightless: Float64Array;
  points: Float64Array;
  changes: Float64Array;
  firstGoodAtMs: Float64Array;
  lastGoodAtMs: Float64Array;
  lastSeenAtMs: Float64Array;
  lastDeathAtMs: Float64Array;
  lastStatusCode: Uint32Array;
  lastDigest: Float64Array;
  streamDigest: Float64Array;
  roundTrips: Uint32Array;
  #capacity: number;
  #dirty: Uint8Array;
  #dirtyIndexes: Int32Array;
  #dirtyCount = 0;

  constructor(day: number, capacity: number) {
    this.day = day;
    this.#capacity = capacity;
    this.slots = new Uint32Array(capacity * SLOT_WORDS);
    this.good = new Float64Array(capacity);
    this.uncertain = new Float64Array(capacity);
    this.bad = new Float64Array(capacity);
    this.weightless = new Float64Array(capacity);
    this.points = new Float64Array(capacity);
    this.changes = new Float64Array(capacity);
    this.firstGoodAtMs = new Float64Array(capacity);
    this.lastGoodAtMs = new Float64Array(capacity);
    this.lastSeenAtMs = new Float64Array(capacity);
    this.lastDeathAtMs = new Float64Array(capacity);
    this.lastStatusCode = new Uint32Array(capacity);
    this.lastDigest = new Float64Array(capacity);
    this.streamDigest = new Float64Array(capacity);
    this.roundTrips = new Uint32Array(capacity * ROUND_TRIP_BUCKETS);
    this.#dirty = new Uint8Array(capacity);
    this.#dirtyIndexes = new Int32Array(capacity);
  }

  get dirtyCount(): number {
    return this.#dirtyCount;
  }

  /** Makes room for indexes below `capacity`. */
  grow(capacity: number): void {
    if (capacity <= this.#capacity) return;
    this.#capacity = capacity;
    this.slots = wider(this.slots, capacity * SLOT_WORDS);
    this.good = wider(this.good, capacity);
    this.uncertain = wider(this.uncertain, capacity);
    this.bad = wider(this.bad, capacity);
    this.weightless = wider(this.weightless, capacity);
    this.points = wider(this.points, capacity);
    this.changes = wider(this.changes, capacity);
    this.firstGoodAtMs = wider(this.firstGoodAtMs, capacity);
    this.lastGoodAtMs = wider(this.lastGoodAtMs, capacity);
    this.lastSeenAtMs = wider(this.lastSeenAtMs, capacity);
    this.lastDeathAtMs = wider(this.lastDeathAtMs, capacity);
    this.lastStatusCode = wider(this.lastStatusCode, capacity);
    this.lastDigest = wider(this.lastDigest, capacity);
    this.streamDigest = wider(this.streamDigest, capacity);
    this.roundTrips = wider(this.roundTrips, capacity * ROUND_TRIP_BUCKETS);
    this.#dirty = wider(this.#dirty, capacity);
    this.#dirtyIndexes = wider(this.#dirtyIndexes, capacity);
  }

  markDirty(index: number): void {
    if (this.#dirty[index] === 1) return;
    this.#dirty[index] = 1;
    this.#dirtyIndexes[this.#dirtyCount] = index;
    this.#dirtyCount += 1;
  }

  /** The dirty indexes, which are clean from now on. */
  takeDirty(): Int32Array {
    const taken = this.#dirtyIndexes.slice(0, this.#dirtyCount);
    for (const index of taken) this.#dirty[index] = 0;
    this.#dirtyCount = 0;
    return taken;
  }

  /** Adds good values' digest: counts a change and moves the stream digest when it differs from the last. */
  foldDigest(index: number, digest: number): void {
    if (digest === this.lastDigest[index]) return;
    if ((this.lastDigest[index] ?? 0) !== 0) this.changes[index] = (this.changes[index] ?? 0) + 1;
    this.lastDigest[index] = digest;
    this.streamDigest[index] = addModulo53(this.streamDigest[index] ?? 0, digest);
  }

  foldRoundTrip(index: number, roundTripUs: number): void {
    const log2 = 31 - Math.clz32(roundTripUs);
    const bucket = Math.min(ROUND_TRIP_BUCKETS - 1, Math.max(0, log2 - FIRST_BUCKET_LOG2));
    const at = index * ROUND_TRIP_BUCKETS + bucket;
    this.roundTrips[at] = (this.roundTrips[at] ?? 0) + 1;
  }

  /** The slot map of one address as 36 bytes; see `TallyRow.slots`. */
  slotBytes(index: number): Uint8Array {
    const bytes = new Uint8Array(SLOT_WORDS * 4);
    const view = new DataView(bytes.buffer);
    for (let word = 0; word < SLOT_WORDS; word++)
      view.setUint32(word * 4, this.slots[index * SLOT_WORDS + word] ?? 0, true);
    return bytes;
  }

  /** The row of one address as the store keeps it. */
  row(index: number, addressId: number): TallyRow {
    const slots = new Uint8Array(SLOT_WORDS * 4);
    const view = new DataView(slots.buffer);
    for (let word = 0; word < SLOT_WORDS; word++)
      view.setUint32(word * 4, this.slots[index * SLOT_WORDS + word] ?? 0, true);
    const bucketsAt = index * ROUND_TRIP_BUCKETS;
    return {
      addressId,
      day: this.day,
      slots: this.slotBytes(index),
      good: this.good[index] ?? 0,
      uncertain: this.uncertain[index] ?? 0,
      bad: this.bad[index] ?? 0,
      weightless: this.weightless[index] ?? 0,
      points: this.points[index] ?? 0,
      changes: this.changes[index] ?? 0,
      firstGoodAtMs: instant(this.firstGoodAtMs[index]),
      lastGoodAtMs: instant(this.lastGoodAtMs[index]),
      lastSeenAtMs: this.lastSeenAtMs[index] ?? 0,
      lastDeathAtMs: instant(this.lastDeathAtMs[index]),
      lastStatusCode: this.lastStatusCode[index] ?? 0,
      lastDigest: this.lastDigest[index] ?? 0,
      streamDigest: this.streamDigest[index] ?? 0,
      roundTrips: this.roundTrips.slice(bucketsAt, bucketsAt + ROUND_TRIP_BUCKETS),
    };
  }

  /** Goes on from a stored row after a restart. */
  restore(index: number, row: TallyRow): void {
    const view = new DataView(row.slots.buffer, row.slots.byteOffset, row.slots.byteLength);
    for (let word = 0; word < SLOT_WORDS; word++)
      this.slots[index * SLOT_WORDS + word] = view.getUint32(word * 4, true);
    this.good[index] = row.good;
    this.uncertain[index] = row.uncertain;
    this.bad[index] = row.bad;
    this.weightless[index] = row.weightless;
    this.points[index] = row.points;
    this.changes[index] = row.changes;
    this.firstGoodAtMs[index] = row.firstGoodAtMs ?? 0;
    this.lastGoodAtMs[index] = row.lastGoodAtMs ?? 0;
    this.lastSeenAtMs[index] = row.lastSeenAtMs;
    this.lastDeathAtMs[index] = row.lastDeathAtMs ?? 0;
    this.lastStatusCode[index] = row.lastStatusCode;
    this.lastDigest[index] = row.lastDigest;
    this.streamDigest[index] = row.streamDigest;
    this.roundTrips.set(row.roundTrips, index * ROUND_TRIP_BUCKETS);
  }
}

function instant(value: number | undefined): number | undefined {
  return value === undefined || value === 0 ? undefined : value;
}

/** Sum modulo 2⁵³ without leaving the exact integers. */
function addModulo53(a: number, b: number): number {
  const room = 2 ** 53 - b;
  return a >= room ? a - room : a + b;
}

function wider<A extends Uint8Array | Uint32Array | Int32Array | Float64Array>(column: A, length: number): A {
  const Column = column.constructor as new (length: number) => A;
  const wide = new Column(length);
  wide.set(column);
  return wide;
}
