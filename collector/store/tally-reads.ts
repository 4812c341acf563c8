import type { Kysely } from 'kysely';
import type { AddressSummary, TallyRow } from './contract.ts';
import type { Tables } from './schema.ts';
import { either, tallyOf, unitedSlots, unitedTallies } from './tally-row.ts';

/** Slot maps to a page, about: what is read at once is what the event loop has to wait for. */
const SLOT_MAPS_PER_PAGE = 5_000;

/** The slots of one address on one day, of all collectors. */
export interface SlotMap {
  readonly addressId: number;
  readonly day: number;
  slots: Uint8Array;
}

/** The rows of one collector and one day, in order of address. */
export async function talliesOfDay(
  kysely: Kysely<Tables>,
  collectorId: string,
  day: number,
): Promise<readonly TallyRow[]> {
  const rows = await kysely
    .selectFrom('tallies')
    .selectAll()
    .where('day', '=', day)
    .where('collector_id', '=', collectorId)
    .orderBy('address_id')
    .execute();
  return rows.map(tallyOf);
}

/** One row a day, oldest first, those of several collectors united. Days inclusive. */
export async function talliesOfAddress(
  kysely: Kysely<Tables>,
  addressId: number,
  fromDay: number,
  toDay: number,
): Promise<readonly TallyRow[]> {
  const rows = await kysely
    .selectFrom('tallies')
    .selectAll()
    .where('address_id', '=', addressId)
    .where('day', '>=', fromDay)
    .where('day', '<=', toDay)
    .orderBy('day')
    .orderBy('collector_id')
    .execute();
  return [...Map.groupBy(rows.map(tallyOf), ({ day }) => day).values()].map((ofDay) => ofDay.reduce(unitedTallies));
}

/** A page of slot maps: those of all addresses up to `lastAddressId` that were not in an earlier page. */
export interface SlotMapPage {
  readonly lastAddressId: number;
  readonly maps: readonly SlotMap[];
}

/**
 * The slot maps of the addresses after `afterAddressId`, by address and day: as many whole addresses as make a page,
 * which may have none. Undefined when no address is left.
 */
export async function slotMapsAfter(
  kysely: Kysely<Tables>,
  afterAddressId: number,
  fromDay: number,
  toDay: number,
): Promise<SlotMapPage | undefined> {
  const addresses = await kysely
    .selectFrom('addresses')
    .select('id')
    .where('id', '>', afterAddressId)
    .orderBy('id')
    .limit(Math.max(1, Math.floor(SLOT_MAPS_PER_PAGE / (toDay - fromDay + 1))))
    .execute();
  const last = addresses[addresses.length - 1];
  if (last === undefined) return undefined;
  const ofPage = kysely
    .selectFrom('tallies')
    .select(['address_id', 'day', 'slots'])
    .where('address_id', '>', afterAddressId)
    .where('address_id', '<=', last.id);
  // A single day is named as such: its index is then in the order of addresses, and no other day is looked at.
  const within =
    fromDay === toDay
      ? ofPage.where('day', '=', fromDay)
      : ofPage.where('day', '>=', fromDay).where('day', '<=', toDay);
  const rows = await within.orderBy('address_id').orderBy('day').execute();
  const maps: SlotMap[] = [];
  for (const { address_id, day, slots } of rows) {
    const before = maps[maps.length - 1];
    if (before !== undefined && before.addressId === address_id && before.day === day) {
      before.slots = unitedSlots(before.slots, slots);
    } else maps.push({ addressId: address_id, day, slots });
  }
  return { lastAddressId: last.id, maps };
}

type Summaries = Map<number, { -readonly [K in keyof AddressSummary]: AddressSummary[K] }>;

/** The next day after `afterDay` that has rows, undefined when there is none up to `toDay`. */
export async function nextDay(kysely: Kysely<Tables>, afterDay: number, toDay: number): Promise<number | undefined> {
  const row = await kysely
    .selectFrom('tallies')
    .select('day')
    .where('day', '>', afterDay)
    .where('day', '<=', toDay)
    .orderBy('day')
    .limit(1)
    .executeTakeFirst();
  return row?.day;
}

/**
 * Folds one day into the summaries. Day by day, because rows of a day are neighbours in the file: grouped by address in
 * SQL, a year of 4,000 addresses takes four times as long and holds up everything else meanwhile.
 */
export async function foldDay(kysely: Kysely<Tables>, day: number, summaries: Summaries): Promise<void> {
  const rows = await kysely
    .selectFrom('tallies')
    .select(['address_id', 'first_good_at', 'last_good_at', 'last_seen_at', 'last_death_at'])
    .where('day', '=', day)
    .execute();
  for (const row of rows) {
    const summary = summaries.get(row.address_id);
    const [firstGood, lastGood, death] = [row.first_good_at, row.last_good_at, row.last_death_at];
    if (summary === undefined) {
      summaries.set(row.address_id, {
        addressId: row.address_id,
        firstGoodAtMs: firstGood ?? undefined,
        lastGoodAtMs: lastGood ?? undefined,
        lastSeenAtMs: row.last_seen_at,
        lastDeathAtMs: death ?? undefined,
      });
      continue;
    }
    summary.firstGoodAtMs = either(Math.min, summary.firstGoodAtMs, firstGood ?? undefined);
    summary.lastGoodAtMs = either(Math.max, summary.lastGoodAtMs, lastGood ?? undefined);
    summary.lastSeenAtMs = either(Math.max, summary.lastSeenAtMs, row.last_seen_at);
    summary.lastDeathAtMs = either(Math.max, summary.lastDeathAtMs, death ?? undefined);
  }
}
