import type { IdentityClaims } from '../protocols/identity.ts';
import type { Calendar } from './census/calendar.ts';
import type { AddressBooks } from './intake/address-book.ts';
import type { Journal } from './intake/journal.ts';
import type { SourceTask } from './intake/source-task.ts';
import type { Tally } from './intake/tally.ts';
import type { EvidenceStore, PreviousRun } from './store/contract.ts';

/** Path intervals older than this no longer decide anything about the present. */
const PATH_HISTORY_MS = 400 * 86_400_000;

export interface RestoreParts {
  readonly store: EvidenceStore;
  readonly collectorId: string;
  readonly calendar: Calendar;
  readonly nowMs: number;
  readonly books: AddressBooks;
  readonly tally: Tally;
  readonly journal: Journal;
}

/**
 * Brings back what earlier runs saw, before any source starts: addresses, last instants, today's rows and claims. No
 * status is restored, because none is stored; it follows from the evidence (R5).
 */
export async function restoreEvidence(parts: RestoreParts): Promise<void> {
  const { store, collectorId, calendar, nowMs, books, tally, journal } = parts;
  const today = calendar.dayAt(nowMs);
  const indexOf = new Map<number, number>();
  for (const { id, sourceId, address, family, variant, reach, firstSeenAtMs } of await store.addresses()) {
    const protocol = { family, variant, reach };
    const { index } = books.restore({ sourceId, address, protocol, firstSeenAtMs, rowId: id });
    indexOf.set(id, index);
    tally.reserve(index);
  }
  for (const summary of await store.summaries(today)) {
    const index = indexOf.get(summary.addressId);
    if (index === undefined) continue;
    tally.restoreSightings(index, {
      firstGoodAtMs: summary.firstGoodAtMs ?? 0,
      lastGoodAtMs: summary.lastGoodAtMs ?? 0,
      lastSeenAtMs: summary.lastSeenAtMs ?? 0,
      lastDeathAtMs: summary.lastDeathAtMs ?? 0,
    });
  }
  for (const row of await store.talliesOfDay(collectorId, today)) {
    const index = indexOf.get(row.addressId);
    if (index !== undefined) tally.restoreRow(index, row);
  }
  for (const { addressId, atMs, method, claims } of await store.identities(nowMs)) {
    const index = indexOf.get(addressId);
    if (index !== undefined)
      journal.restoreIdentity(index, { atMs, method, claims: JSON.parse(claims) as IdentityClaims });
  }
}

/** Brings back when our paths were up, so that silence observed before a restart is still known (R5). */
export async function restorePaths(
  store: EvidenceStore,
  tasks: ReadonlyMap<string, SourceTask>,
  nowMs: number,
): Promise<void> {
  for (const interval of await store.paths({ fromMs: nowMs - PATH_HISTORY_MS, toMs: nowMs })) {
    tasks.get(interval.sourceId)?.path.restore(interval);
  }
}

/** R14: nobody looked between the run before and this one. Nothing to declare on the very first start. */
export function declareStop(journal: Journal, previous: PreviousRun | undefined, startedAtMs: number): void {
  if (previous === undefined) return;
  journal.gap({
    sourceId: undefined,
    fromMs: Math.min(previous.aliveAtMs, startedAtMs),
    toMs: startedAtMs,
    reason: previous.ended === 'crashed' ? 'crashed' : 'stopped',
    dropped: 0,
  });
}
