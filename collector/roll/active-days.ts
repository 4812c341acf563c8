import { dayText, slotsSet } from '../census/calendar.ts';
import type { EvidenceStore } from '../store/contract.ts';

/** R6 of one device in one year. */
export interface ActiveDays {
  count: number;
  lastDay: number | undefined;
}

const NONE: Readonly<ActiveDays> = { count: 0, lastDay: undefined };

/**
 * Counts active days (R6) by device from the stored slot maps of whole days, inclusive. A day on which a device
 * answered at several addresses is one day, and the slots of its addresses count together.
 *
 * @param deviceOf the device an address is bound to, by the store's id of the address; undefined where there is none
 * @param severalAddresses devices whose days must be united before they are counted
 */
export async function countActiveDays(
  store: Pick<EvidenceStore, 'slotMaps'>,
  range: { readonly fromDay: number; readonly toDay: number },
  minSlotsPerDay: number,
  deviceOf: (addressId: number) => string | undefined,
  severalAddresses: (deviceId: string) => boolean,
): Promise<ReadonlyMap<string, ActiveDays>> {
  const counts = new Map<string, ActiveDays>();
  if (range.toDay < range.fromDay) return counts;
  const united = new Map<string, Map<number, Uint8Array>>();
  for await (const { addressId, day, slots } of store.slotMaps(range.fromDay, range.toDay)) {
    const deviceId = deviceOf(addressId);
    if (deviceId === undefined) continue;
    if (severalAddresses(deviceId)) unite(united, deviceId, day, slots);
    else addDay(counts, deviceId, day, slots, minSlotsPerDay);
  }
  for (const [deviceId, days] of united) {
    for (const [day, slots] of days) addDay(counts, deviceId, day, slots, minSlotsPerDay);
  }
  return counts;
}

/** The active days of earlier days and of the day that is under way, together. */
export function withToday(
  earlier: ActiveDays | undefined,
  today: number,
  slotsToday: Uint8Array | undefined,
  minSlotsPerDay: number,
): Readonly<ActiveDays> {
  const before = earlier ?? NONE;
  if (slotsToday === undefined || slotsSet(slotsToday) < minSlotsPerDay) return before;
  if (before.lastDay !== undefined && before.lastDay >= today) {
    throw new RangeError(`day ${dayText(today)} was counted among the earlier days`);
  }
  return { count: before.count + 1, lastDay: today };
}

/** ORs slot maps; undefined when there is none. */
export function unitedSlots(maps: readonly (Uint8Array | undefined)[]): Uint8Array | undefined {
  const present = maps.filter((map) => map !== undefined);
  if (present.length <= 1) return present[0];
  const all = new Uint8Array(present[0]?.length ?? 0);
  for (const map of present) for (let i = 0; i < all.length; i++) all[i] = (all[i] ?? 0) | (map[i] ?? 0);
  return all;
}

function unite(united: Map<string, Map<number, Uint8Array>>, deviceId: string, day: number, slots: Uint8Array): void {
  let days = united.get(deviceId);
  if (days === undefined) {
    days = new Map();
    united.set(deviceId, days);
  }
  const both = unitedSlots([days.get(day), slots]);
  if (both !== undefined) days.set(day, both);
}

function addDay(
  counts: Map<string, ActiveDays>,
  deviceId: string,
  day: number,
  slots: Uint8Array,
  minSlotsPerDay: number,
): void {
  if (slotsSet(slots) < minSlotsPerDay) return;
  const found = counts.get(deviceId);
  if (found === undefined) counts.set(deviceId, { count: 1, lastDay: day });
  else {
    found.count += 1;
    found.lastDay = Math.max(found.lastDay ?? day, day);
  }
}
