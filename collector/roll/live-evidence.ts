import type { AddressBooks } from '../intake/address-book.ts';
import type { SourceTask } from '../intake/source-task.ts';
import type { Tally } from '../intake/tally.ts';
import type { AddressSightings, EvidenceSource } from './evidence-source.ts';

/** Evidence as of now, from the running intake; nothing is read from the store. */
export function liveEvidence(
  books: AddressBooks,
  tally: Tally,
  tasks: ReadonlyMap<string, SourceTask>,
  now: { readonly atMs: number; readonly day: number },
): EvidenceSource {
  return {
    atMs: now.atMs,
    sightings(sourceId, address): AddressSightings | undefined {
      const entry = books.find(sourceId, address);
      if (entry === undefined) return undefined;
      const { firstGoodAtMs, lastGoodAtMs, lastSeenAtMs, lastDeathAtMs } = tally.sightings(entry.index);
      return {
        firstGoodAtMs: firstGoodAtMs || undefined,
        lastGoodAtMs: lastGoodAtMs || undefined,
        lastSeenAtMs: lastSeenAtMs || undefined,
        lastDeathAtMs: lastDeathAtMs || undefined,
        slotsToday: tally.slots(entry.index, now.day),
      };
    },
    path(sourceId) {
      const task = tasks.get(sourceId);
      if (task === undefined) return { upSinceMs: undefined, decisive: [] };
      return { upSinceMs: task.path.upSinceMs, decisive: task.path.decisive };
    },
  };
}
