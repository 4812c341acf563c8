import type { Selectable } from 'kysely';
import { ROUND_TRIP_BYTES, type TallyRow } from './contract.ts';
import type { TalliesTable } from './schema.ts';

/** The row that the table holds, without its collector. */
export function tallyOf(row: Selectable<TalliesTable>): TallyRow {
  return {
    addressId: row.address_id,
    day: row.day,
    slots: row.slots,
    good: row.good,
    uncertain: row.uncertain,
    bad: row.bad,
    weightless: row.weightless,
    points: row.points,
    changes: row.changes,
    firstGoodAtMs: row.first_good_at ?? undefined,
    lastGoodAtMs: row.last_good_at ?? undefined,
    lastSeenAtMs: row.last_seen_at,
    lastDeathAtMs: row.last_death_at ?? undefined,
    lastStatusCode: row.last_status_code,
    lastDigest: row.last_digest,
    streamDigest: row.stream_digest,
    roundTrips: bucketsOf(row.round_trips),
  };
}

/** The rows of two collectors for one address and day: each counted what the other did not. */
export function unitedTallies(a: TallyRow, b: TallyRow): TallyRow {
  const later = b.lastSeenAtMs >= a.lastSeenAtMs ? b : a;
  return {
    ...later,
    slots: unitedSlots(a.slots, b.slots),
    good: a.good + b.good,
    uncertain: a.uncertain + b.uncertain,
    bad: a.bad + b.bad,
    weightless: a.weightless + b.weightless,
    points: a.points + b.points,
    changes: a.changes + b.changes,
    firstGoodAtMs: either(Math.min, a.firstGoodAtMs, b.firstGoodAtMs),
    lastGoodAtMs: either(Math.max, a.lastGoodAtMs, b.lastGoodAtMs),
    lastDeathAtMs: either(Math.max, a.lastDeathAtMs, b.lastDeathAtMs),
    streamDigest: addModulo53(a.streamDigest, b.streamDigest),
    roundTrips: a.roundTrips.map((count, bucket) => count + (b.roundTrips[bucket] ?? 0)),
  };
}

/** OR of two slot maps. */
export function unitedSlots(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, at) => byte | (b[at] ?? 0));
}

/** The one that `choose` prefers, or the one that there is. */
export function either(
  choose: (a: number, b: number) => number,
  a: number | undefined,
  b: number | undefined,
): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return choose(a, b);
}

/** Sum modulo 2⁵³ without leaving the exact integers. */
function addModulo53(a: number, b: number): number {
  const room = 2 ** 53 - b;
  return a >= room ? a - room : a + b;
}

/** A blob may come at any alignment. */
function bucketsOf(bytes: Uint8Array): Uint32Array {
  const aligned = new Uint8Array(ROUND_TRIP_BYTES);
  aligned.set(bytes.subarray(0, ROUND_TRIP_BYTES));
  return new Uint32Array(aligned.buffer);
}
