import { describe, expect, it } from 'vitest';
import { Calendar, dayOfText } from '../../../../collector/census/calendar.ts';
import { countActiveDays, withToday } from '../../../../collector/roll/active-days.ts';
import { pastEvidence } from '../../../../collector/roll/past-evidence.ts';
import type { AddressSummary, EvidenceStore, PathInterval } from '../../../../collector/store/contract.ts';

const calendar = new Calendar('Asia/Shanghai');
const DAY = dayOfText('2026-03-10');
const MIDNIGHT = calendar.startOfDay(DAY);
const SLOT = 300_000;

function slots(...set: number[]): Uint8Array {
  const map = new Uint8Array(36);
  for (const slot of set) map[slot >> 3] = (map[slot >> 3] ?? 0) | (1 << (slot & 7));
  return map;
}

interface Rows {
  summaries?: AddressSummary[];
  maps?: { addressId: number; day: number; slots: Uint8Array }[];
  paths?: PathInterval[];
}

/** The part of the store that the past is read from, over rows in memory. */
function storeOf(rows: Rows): EvidenceStore {
  const reading = {
    summaries: () => Promise.resolve(rows.summaries ?? []),
    paths: () => Promise.resolve(rows.paths ?? []),
    async *slotMaps(fromDay: number, toDay: number) {
      for (const row of rows.maps ?? []) if (row.day >= fromDay && row.day <= toDay) yield row;
    },
  };
  return reading as unknown as EvidenceStore;
}

const keyOf = (_source: string, address: string): number => Number(address);

describe('evidence as of a past instant', () => {
  it('knows a slot only once it has ended, and dates live evidence to its end', async () => {
    const store = storeOf({ maps: [{ addressId: 1, day: DAY, slots: slots(10, 12) }] });
    const at = async (atMs: number) => (await pastEvidence(store, calendar, atMs, keyOf)).sightings('s', '1');
    expect(await at(MIDNIGHT + 11 * SLOT - 1)).toBeUndefined();
    expect(await at(MIDNIGHT + 11 * SLOT)).toMatchObject({
      firstGoodAtMs: MIDNIGHT + 10 * SLOT,
      lastGoodAtMs: MIDNIGHT + 11 * SLOT,
      slotsToday: slots(10),
    });
    expect(await at(MIDNIGHT + 20 * SLOT)).toMatchObject({
      lastGoodAtMs: MIDNIGHT + 13 * SLOT,
      slotsToday: slots(10, 12),
    });
  });

  it('falls back to earlier days, and knows nothing of an address never seen', async () => {
    const summary = { addressId: 1, firstGoodAtMs: 5, lastGoodAtMs: 9, lastSeenAtMs: 10, lastDeathAtMs: undefined };
    const past = await pastEvidence(storeOf({ summaries: [summary] }), calendar, MIDNIGHT, keyOf);
    expect(past.sightings('s', '1')).toMatchObject({ firstGoodAtMs: 5, lastGoodAtMs: 9, lastSeenAtMs: 10 });
    expect(past.sightings('s', '2')).toBeUndefined();
  });

  it('knows whether the path was up then, and the silence before', async () => {
    const paths = [
      { sourceId: 's', fromMs: 0, toMs: 100 },
      { sourceId: 's', fromMs: 200, toMs: MIDNIGHT + 50 },
    ];
    const path = async (atMs: number) => (await pastEvidence(storeOf({ paths }), calendar, atMs, keyOf)).path('s');
    expect(await path(150)).toEqual({ upSinceMs: undefined, decisive: [{ fromMs: 0, toMs: 100 }] });
    expect(await path(MIDNIGHT)).toEqual({ upSinceMs: 200, decisive: [{ fromMs: 0, toMs: 100 }] });
    expect((await path(MIDNIGHT + 60)).upSinceMs).toBeUndefined();
  });
});

describe('R6 active days', () => {
  const count = (maps: Rows['maps'], minSlotsPerDay: number, owners: Record<number, string>) =>
    countActiveDays(
      storeOf(maps === undefined ? {} : { maps }),
      { fromDay: DAY - 10, toDay: DAY },
      minSlotsPerDay,
      (addressId) => owners[addressId],
      (deviceId) => Object.values(owners).filter((owner) => owner === deviceId).length > 1,
    );

  it('need enough slots on the day', async () => {
    const maps = [
      { addressId: 1, day: DAY - 1, slots: slots(1) },
      { addressId: 1, day: DAY, slots: slots(1, 2) },
    ];
    expect((await count(maps, 1, { 1: 'a' })).get('a')).toEqual({ count: 2, lastDay: DAY });
    expect((await count(maps, 2, { 1: 'a' })).get('a')).toEqual({ count: 1, lastDay: DAY });
  });

  it('count a day once for a machine with two addresses, and unite their slots', async () => {
    const maps = [
      { addressId: 1, day: DAY, slots: slots(1) },
      { addressId: 2, day: DAY, slots: slots(2) },
      { addressId: 3, day: DAY, slots: slots(3) },
    ];
    const counts = await count(maps, 2, { 1: 'a', 2: 'a' });
    expect([...counts]).toEqual([['a', { count: 1, lastDay: DAY }]]);
  });

  it('take the day that is under way into account once it has enough slots', () => {
    const earlier = { count: 4, lastDay: DAY - 2 };
    expect(withToday(earlier, DAY, slots(5), 1)).toEqual({ count: 5, lastDay: DAY });
    expect(withToday(earlier, DAY, slots(5), 2)).toEqual(earlier);
    expect(withToday(undefined, DAY, undefined, 1)).toEqual({ count: 0, lastDay: undefined });
  });
});
