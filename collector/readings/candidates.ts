import type { Calendar } from '../census/calendar.ts';
import type { AddressBooks, AddressEntry } from '../intake/address-book.ts';
import type { Journal } from '../intake/journal.ts';
import type { Tally } from '../intake/tally.ts';
import type { CandidatePage, CandidateReading, CandidatesQuery } from '../reading.ts';

interface CandidateParts {
  readonly books: AddressBooks;
  readonly tally: Tally;
  readonly journal: Journal;
  readonly calendar: Calendar;
}

/**
 * A page of the addresses of a source that no device is bound to, in the order in which they were first heard. They
 * are bounded by `limits.addressesPerSource` of the configuration: a flood of invented names fills that and no more.
 */
export function candidatePage(
  parts: CandidateParts,
  sourceId: string,
  { afterIndex = -1, limit }: CandidatesQuery,
  isRegistered: (address: string) => boolean,
  atMs: number,
): CandidatePage {
  const { entries } = parts.books;
  const day = parts.calendar.dayAt(atMs);
  const items: CandidateReading[] = [];
  let lastIndex: number | undefined;
  for (let index = afterIndex + 1; index < entries.length; index++) {
    const entry = entries[index] as AddressEntry;
    if (entry.sourceId !== sourceId || isRegistered(entry.address)) continue;
    if (items.length === limit) return { items, nextAfterIndex: lastIndex };
    items.push(candidate(parts, entry, day));
    lastIndex = index;
  }
  return { items, nextAfterIndex: undefined };
}

function candidate({ tally, journal }: CandidateParts, entry: AddressEntry, day: number): CandidateReading {
  const { lastGoodAtMs, lastSeenAtMs } = tally.sightings(entry.index);
  const row = tally.row(entry.index, day);
  const identity = journal.identityOf(entry.index);
  return {
    address: entry.address,
    protocol: entry.protocol,
    firstSeenAtMs: entry.firstSeenAtMs,
    lastSeenAtMs: lastSeenAtMs > 0 ? lastSeenAtMs : undefined,
    lastLiveAtMs: lastGoodAtMs > 0 ? lastGoodAtMs : undefined,
    today: {
      good: row?.good ?? 0,
      uncertain: row?.uncertain ?? 0,
      bad: row?.bad ?? 0,
      weightless: row?.weightless ?? 0,
    },
    claims: identity?.claims,
    claimsBy: identity?.method,
  };
}
