import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Calendar, dayOfText, firstSlotSet, lastSlotSet, slotsSet } from '../../../../collector/census/calendar.ts';
import { Tally } from '../../../../collector/intake/tally.ts';
import type { TallyRow } from '../../../../collector/store/contract.ts';
import { ObservationColumns, Quality } from '../../../../protocols/observation.ts';

const calendar = new Calendar('Asia/Shanghai');
/** 08:00 local on 2026-03-01. */
const START = Date.parse('2026-03-01T00:00:00Z');
const DAY = dayOfText('2026-03-01');

interface Seen {
  address?: number;
  atMs?: number;
  quality?: Quality;
  statusCode?: number;
  points?: number;
  digest?: number;
  roundTripUs?: number;
}

function batch(...observations: Seen[]): ObservationColumns {
  const columns = new ObservationColumns();
  for (const seen of observations) {
    const row = columns.length;
    columns.address[row] = seen.address ?? 0;
    columns.receivedAtMs[row] = seen.atMs ?? START;
    columns.sourceAtMs[row] = Number.NaN;
    columns.quality[row] = seen.quality ?? Quality.good;
    columns.statusCode[row] = seen.statusCode ?? 0;
    columns.points[row] = seen.points ?? 1;
    columns.digest[row] = seen.digest ?? 7;
    columns.roundTripUs[row] = seen.roundTripUs ?? Number.NaN;
    columns.length = row + 1;
  }
  return columns;
}

function tallyOf(...observations: Seen[]): Tally {
  const tally = new Tally(calendar, START);
  tally.fold(batch(...observations));
  return tally;
}

function only(tally: Tally): TallyRow {
  const { rows } = tally.drain((index) => index + 100);
  expect(rows.length).toBe(1);
  return rows[0] as TallyRow;
}

describe('the tally', () => {
  it('R3: only good observations set slots and make an address live', () => {
    for (const quality of [Quality.uncertain, Quality.bad, Quality.weightless]) {
      const tally = tallyOf({ quality, statusCode: 0x80310000 });
      expect(tally.sightings(0)).toMatchObject({ lastGoodAtMs: 0, lastSeenAtMs: START });
      const row = only(tally);
      expect([slotsSet(row.slots), row.good, row.lastGoodAtMs, row.lastStatusCode]).toEqual([
        0,
        0,
        undefined,
        0x80310000,
      ]);
      expect(row.uncertain + row.bad + row.weightless).toBe(1);
    }
  });

  it('R6: puts live evidence into the five-minute slot of local wall-clock time', () => {
    const row = only(tallyOf({ atMs: START }, { atMs: START + 299_999 }, { atMs: START + 300_000 }));
    expect([slotsSet(row.slots), firstSlotSet(row.slots), lastSlotSet(row.slots)]).toEqual([2, 96, 97]);
    expect([row.day, row.firstGoodAtMs, row.lastGoodAtMs]).toEqual([DAY, START, START + 300_000]);
  });

  it('starts a new day at local midnight and still flushes the old one', () => {
    const midnight = Date.parse('2026-03-01T16:00:00Z');
    const tally = tallyOf({ atMs: midnight - 1 }, { atMs: midnight });
    const { rows } = tally.drain(() => 5);
    expect(rows.map((row) => [row.day, lastSlotSet(row.slots)])).toEqual([
      [DAY, 287],
      [DAY + 1, 0],
    ]);
  });

  it('puts an observation that was held across midnight into the day it was received on', () => {
    const midnight = Date.parse('2026-03-01T16:00:00Z');
    const tally = tallyOf({ atMs: midnight + 1 }, { atMs: midnight - 1 }, { atMs: midnight + 2 });
    expect(tally.drain(() => 5).rows.map((row) => [row.day, row.good])).toEqual([
      [DAY, 1],
      [DAY + 1, 2],
    ]);
  });

  it('counts changes of the values, not the first values, and sums the stream of digests', () => {
    const row = only(tallyOf({ digest: 5 }, { digest: 5 }, { digest: 6 }, { digest: 2 ** 53 - 1 }));
    expect([row.changes, row.lastDigest, row.streamDigest]).toEqual([2, 2 ** 53 - 1, 10]);
  });

  it('sorts round trips into powers of two of microseconds', () => {
    const row = only(tallyOf({ roundTripUs: 3 }, { roundTripUs: 127 }, { roundTripUs: 128 }, { roundTripUs: 1e9 }));
    expect([row.roundTrips[0], row.roundTrips[1], row.roundTrips[15]]).toEqual([2, 1, 1]);
  });

  it('gives only what changed since the last flush, and keeps what has no row in the store yet', () => {
    const tally = tallyOf({ address: 0 }, { address: 1 });
    expect(tally.drain((index) => (index === 0 ? 100 : undefined)).rows.map((row) => row.addressId)).toEqual([100]);
    expect(tally.drain((index) => 100 + index).rows.map((row) => row.addressId)).toEqual([101]);
    expect(tally.drain((index) => 100 + index).rows).toEqual([]);
  });

  it('gives the rows again after a flush that failed', () => {
    const tally = tallyOf({ address: 0 });
    const drained = tally.drain(() => 1);
    tally.fold(batch({ address: 0 }));
    drained.putBack();
    expect(only(tally).good).toBe(2);
  });

  it('goes on from the stored row after a restart, as if it had not stopped', () => {
    const first: Seen[] = [
      { atMs: START, digest: 1 },
      { atMs: START + 400_000, digest: 2, roundTripUs: 900 },
    ];
    const second: Seen[] = [
      { atMs: START + 700_000, digest: 2 },
      { atMs: START + 800_000, digest: 3 },
    ];
    const whole = only(tallyOf(...first, ...second));
    const restarted = new Tally(calendar, START + 700_000);
    restarted.restoreRow(0, only(tallyOf(...first)));
    restarted.fold(batch(...second));
    expect(only(restarted)).toEqual(whole);
  });

  it('remembers an explicit death without calling it evidence of life', () => {
    const tally = tallyOf({ atMs: START });
    tally.foldDeath(0, START + 10);
    expect(tally.sightings(0)).toMatchObject({ lastGoodAtMs: START, lastDeathAtMs: START + 10 });
    expect(only(tally)).toMatchObject({ good: 1, lastDeathAtMs: START + 10 });
  });

  it('holds any number of addresses, reserved in any order', () => {
    const tally = new Tally(calendar, START);
    for (const address of [0, 5_000, 300]) {
      tally.reserve(address);
      tally.fold(batch({ address }));
    }
    expect(tally.drain((index) => index).rows.map((row) => [row.addressId, row.good])).toEqual([
      [0, 1],
      [5_000, 1],
      [300, 1],
    ]);
  });

  it('gives the same slots and counts in whatever order observations arrive', () => {
    const seen = fc.record({
      address: fc.nat(3),
      atMs: fc.integer({ min: START, max: START + 3 * 86_400_000 }),
      quality: fc.constantFrom<Quality>(0, 1, 2, 3),
    });
    const summary = (observations: Seen[]) => {
      const tally = new Tally(calendar, START);
      tally.reserve(4);
      for (const one of observations) tally.fold(batch(one));
      return tally
        .drain((index) => index)
        .rows.map(({ addressId, day, slots, good, bad, lastGoodAtMs }) => [
          addressId,
          day,
          [...slots],
          good,
          bad,
          lastGoodAtMs,
        ])
        .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    };
    fc.assert(
      fc.property(fc.array(seen, { maxLength: 40 }), (observations) => {
        expect(summary(observations.toReversed())).toEqual(summary(observations));
      }),
    );
  });
});
