import type { Calendar } from '../census/calendar.ts';
import type { AddressBooks } from '../intake/address-book.ts';
import type { Flusher } from '../intake/flusher.ts';
import type { Journal } from '../intake/journal.ts';
import type { SourceTask } from '../intake/source-task.ts';
import type { Tally } from '../intake/tally.ts';
import type { RollCall, RollEntry } from '../roll/roll.ts';
import type { RollCaller } from '../roll/roll-caller.ts';
import type { Store, TallyRow } from '../store/contract.ts';
import type { InfluxStatus } from './influx-writer.ts';
import { LoopLag } from './loop-lag.ts';
import type { ActivityRow, ConnectionRow, HealthRow, InfluxRow, MetricsSnapshot } from './snapshot.ts';

/** Series of `device_connections` at most; the rest is summed under the enterprise `other`. */
const MAX_CONNECTION_SERIES = 10_000;

export interface SnapshotParts {
  readonly caller: RollCaller;
  readonly calendar: Calendar;
  readonly books: AddressBooks;
  readonly tally: Tally;
  readonly tasks: ReadonlyMap<string, SourceTask>;
  readonly protocolOf: (sourceId: string) => string;
  readonly store: Store;
  readonly influx: () => InfluxStatus | undefined;
  readonly flusher: Pick<Flusher, 'lastFlushAtMs' | 'failures'>;
  readonly journal: Pick<Journal, 'gaps'>;
  readonly health: () => HealthRow;
  readonly ledgerSize: () => number;
  readonly version: string;
}

/** Takes snapshots of the running collector; owns the measurement of the event loop's lag. */
export class SnapshotTaker {
  readonly #parts: SnapshotParts;
  readonly #lag = new LoopLag();

  constructor(parts: SnapshotParts) {
    this.#parts = parts;
  }

  /** As of now, with the time set to `atMs`. `deviceActivity` also gives a row for each device. */
  async take(atMs: number, deviceActivity: boolean): Promise<MetricsSnapshot> {
    const { caller, store, influx, tally, books, flusher, journal, health, ledgerSize, version } = this.#parts;
    const { lastFlushAtMs } = flusher;
    const call = await caller.now();
    return {
      atMs,
      connections: this.#connections(call),
      totals: call.head.byCategory,
      protocols: [...call.head.protocols].map(([family, { devices, verified }]) => ({ family, devices, verified })),
      sources: this.#sources(atMs),
      activity: deviceActivity ? call.entries.flatMap((entry) => this.#activity(entry, call.atMs)) : [],
      collector: {
        influx: influxRow(influx(), atMs),
        health: health(),
        version,
        observations: tally.observations,
        addresses: books.entries.length,
        tallyDirty: tally.dirtyCount,
        loopLagMs: this.#lag.highestMs(),
        rssBytes: process.memoryUsage.rss(),
        storeBytes: await store.sizeBytes(),
        flushAgeMs: lastFlushAtMs === undefined ? undefined : Math.max(0, atMs - lastFlushAtMs),
        flushFailures: flusher.failures,
        gaps: journal.gaps,
        ledgerSize: ledgerSize(),
      },
    };
  }

  stop(): void {
    this.#lag.stop();
  }

  #connections(call: RollCall): ConnectionRow[] {
    const startOfDayMs = this.#parts.calendar.startOfDay(this.#parts.calendar.dayAt(call.atMs));
    const rows = new Map<string, { -readonly [K in keyof ConnectionRow]: ConnectionRow[K] }>();
    for (const { evidence, assessment } of call.entries) {
      const { category } = assessment.category;
      if (assessment.exclusions.length > 0 || category === 'not-counted') continue;
      for (const protocol of new Set(evidence.addresses.map((address) => address.protocol.family))) {
        const owner = evidence.device.enterpriseId ?? 'none';
        const own = `${category}\n${protocol}\n${owner}`;
        const enterprise = rows.has(own) || rows.size < MAX_CONNECTION_SERIES ? owner : 'other';
        const key = `${category}\n${protocol}\n${enterprise}`;
        const row = rows.get(key) ?? {
          category,
          protocol,
          enterprise,
          registered: 0,
          online: 0,
          verified: 0,
          liveToday: 0,
        };
        rows.set(key, row);
        const spoken = evidence.addresses.filter((address) => address.protocol.family === protocol);
        row.registered += 1;
        row.online += assessment.status === 'online' ? 1 : 0;
        row.verified += assessment.verified ? 1 : 0;
        row.liveToday += spoken.some(({ lastGoodAtMs }) => (lastGoodAtMs ?? 0) >= startOfDayMs) ? 1 : 0;
      }
    }
    return [...rows.values()];
  }

  #sources(atMs: number): MetricsSnapshot['sources'] {
    return [...this.#parts.tasks].map(([source, task]) => ({
      source,
      protocol: this.#parts.protocolOf(source),
      isUp: task.state === 'up',
      observations: task.observations,
      bad: task.bad,
      reconnects: task.reconnects,
      errors: task.errors,
      dropped: task.dropped,
      lastCycleAgeMs: task.lastObservationAtMs === undefined ? undefined : Math.max(0, atMs - task.lastObservationAtMs),
      queueDelayMs: task.queueDelayMs,
    }));
  }

  #activity({ evidence, assessment }: RollEntry, atMs: number): ActivityRow[] {
    const { books, tally, calendar } = this.#parts;
    const day = calendar.dayAt(atMs);
    return evidence.addresses.flatMap(({ sourceId, address, protocol }): ActivityRow[] => {
      const entry = books.find(sourceId, address);
      const row = entry === undefined ? undefined : tally.row(entry.index, day);
      if (row === undefined) return [];
      const { category } = assessment.category;
      return [
        {
          device: evidence.device.id,
          category,
          protocol: protocol.family,
          observations: row.good,
          bad: row.bad,
          rttMs: medianRttMs(row),
        },
      ];
    });
  }
}

function influxRow(status: InfluxStatus | undefined, atMs: number): InfluxRow | undefined {
  if (status === undefined) return undefined;
  const { failure, lines, bytes, oldestAtMs, written, dropped, rejected, series, capped } = status;
  const lagS = oldestAtMs === undefined ? 0 : Math.max(0, (atMs - oldestAtMs) / 1000);
  return { isWell: failure === undefined, lines, bytes, lagS, written, dropped, rejected, series, capped };
}

/** Upper end of the bucket that holds the median; see `TallyRow.roundTrips`. */
function medianRttMs({ roundTrips }: TallyRow): number | undefined {
  const total = roundTrips.reduce((sum, count) => sum + count, 0);
  let below = 0;
  for (const [bucket, count] of roundTrips.entries()) {
    below += count;
    if (total > 0 && below * 2 >= total) return 2 ** (bucket + 7) / 1000;
  }
  return undefined;
}
