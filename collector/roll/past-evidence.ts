import { type Calendar, firstSlotSet, lastSlotSet, SLOT_MS } from '../census/calendar.ts';
import { keepDecisive } from '../census/presence.ts';
import type { AddressSummary, EvidenceStore, PathInterval } from '../store/contract.ts';
import type { AddressSightings, EvidenceSource, PathSightings } from './evidence-source.ts';

/** How far back path intervals are read for a past instant. */
const PATH_HISTORY_MS = 400 * 86_400_000;

/** Identifies an address across the store's and the collector's records. */
export type AddressKey = (sourceId: string, address: string) => number | undefined;

/**
 * Evidence as of a past instant, from the store alone, so that the same instant gives the same count tomorrow. Within
 * the day of the instant the store knows slots, not seconds: only slots that had ended by the instant are evidence,
 * and live evidence is dated to the end of its slot.
 */
export async function pastEvidence(
  store: EvidenceStore,
  calendar: Calendar,
  atMs: number,
  rowIdOf: AddressKey,
): Promise<EvidenceSource> {
  const slot = calendar.slotAt(atMs);
  const before = new Map((await store.summaries(slot.day - 1)).map((summary) => [summary.addressId, summary]));
  const slots = new Map<number, Uint8Array>();
  for await (const row of store.slotMaps(slot.day, slot.day)) {
    const ended = endedSlots(row.slots, slot.slot);
    if (ended !== undefined) slots.set(row.addressId, ended);
  }
  const paths = pathsAt(await store.paths({ fromMs: atMs - PATH_HISTORY_MS, toMs: atMs }), atMs);
  return {
    atMs,
    sightings(sourceId, address) {
      const rowId = rowIdOf(sourceId, address);
      if (rowId === undefined) return undefined;
      return merge(before.get(rowId), slots.get(rowId), (number) => calendar.startOfSlot(slot.day, number));
    },
    path: (sourceId) => paths.get(sourceId) ?? { upSinceMs: undefined, decisive: [] },
  };
}

/** The map with only the slots before `currentSlot`; undefined when none of them is set. */
function endedSlots(slots: Uint8Array, currentSlot: number): Uint8Array | undefined {
  const ended = slots.map((byte, at) => {
    const keep = Math.min(8, Math.max(0, currentSlot - at * 8));
    return byte & ((1 << keep) - 1);
  });
  return ended.some((byte) => byte !== 0) ? ended : undefined;
}

function merge(
  before: AddressSummary | undefined,
  slots: Uint8Array | undefined,
  startOfSlot: (slot: number) => number,
): AddressSightings | undefined {
  if (before === undefined && slots === undefined) return undefined;
  const lastToday = slots === undefined ? undefined : startOfSlot(lastSlotSet(slots)) + SLOT_MS;
  const firstToday = slots === undefined ? undefined : startOfSlot(firstSlotSet(slots));
  return {
    firstGoodAtMs: before?.firstGoodAtMs ?? firstToday,
    lastGoodAtMs: lastToday ?? before?.lastGoodAtMs,
    lastSeenAtMs: lastToday ?? before?.lastSeenAtMs,
    lastDeathAtMs: before?.lastDeathAtMs,
    slotsToday: slots,
  };
}

function pathsAt(intervals: readonly PathInterval[], atMs: number): Map<string, PathSightings> {
  const paths = new Map<string, PathSightings>();
  for (const { sourceId, fromMs, toMs } of intervals) {
    if (fromMs > atMs) continue;
    const known = paths.get(sourceId) ?? { upSinceMs: undefined, decisive: [] };
    paths.set(
      sourceId,
      toMs >= atMs
        ? { ...known, upSinceMs: fromMs }
        : { ...known, decisive: keepDecisive(known.decisive, { fromMs, toMs }) },
    );
  }
  return paths;
}
