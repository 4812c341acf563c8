import { createHash } from 'node:crypto';
import type { Clock } from '../../protocols/contract.ts';
import type { Calendar } from '../census/calendar.ts';
import type { CatalogueProtocol } from '../census/catalogue.ts';
import { countProtocols } from '../census/count.ts';
import { RULES_VERSION } from '../census/rules.ts';
import type { HistoryReader } from '../history/reader.ts';
import type { AddressBooks } from '../intake/address-book.ts';
import type { Journal } from '../intake/journal.ts';
import type { SourceTask } from '../intake/source-task.ts';
import type { Tally } from '../intake/tally.ts';
import type { ExpositionFormat } from '../metrics/prometheus.ts';
import type {
  CandidatePage,
  CandidatesQuery,
  CollectorReading,
  Counts,
  DeadLetterReading,
  DeviceDetail,
  DevicePage,
  DevicesQuery,
  History,
  HistoryQuery,
  ProtocolReading,
  Readiness,
  SourceReading,
} from '../reading.ts';
import type { RollCall, RollEntry } from '../roll/roll.ts';
import type { RollCaller } from '../roll/roll-caller.ts';
import type { RegisterStore } from '../store/contract.ts';
import { candidatePage } from './candidates.ts';
import { deviceDetail, deviceReading } from './device-reading.ts';
import { protocolReadings } from './protocol-reading.ts';

/** RFC 6962, 2.1: the root of a tree without leaves is the SHA-256 of nothing. */
const EMPTY_ROOT = createHash('sha256').digest('base64');

/** What people call a source, and where it is. */
export interface SourceLabel {
  readonly id: string;
  readonly name: string;
  readonly protocol: string;
  readonly endpoint: string;
  readonly simulated: boolean;
}

export interface ReadingParts {
  readonly caller: RollCaller;
  readonly register: RegisterStore;
  readonly books: AddressBooks;
  readonly tally: Tally;
  readonly journal: Journal;
  readonly tasks: ReadonlyMap<string, SourceTask>;
  readonly calendar: Calendar;
  readonly clock: Clock;
  /** As configured at the moment. */
  readonly sources: () => readonly SourceLabel[];
  readonly protocols: ReadonlyMap<string, CatalogueProtocol>;
  readonly demo: boolean;
  readonly rulesSha256: () => string;
  readonly readiness: () => Readiness;
  readonly history: () => HistoryReader;
  readonly ledgerOrigin: string;
  readonly prometheus: (format: ExpositionFormat) => Promise<{ readonly contentType: string; readonly body: string }>;
}

/** What the collector lets others read, taken from the running parts. */
export class Readings implements CollectorReading {
  readonly #parts: ReadingParts;

  constructor(parts: ReadingParts) {
    this.#parts = parts;
  }

  async counts(asOfMs?: number): Promise<Counts> {
    const { caller, calendar, demo, rulesSha256, ledgerOrigin } = this.#parts;
    const call = asOfMs === undefined ? await caller.now() : await caller.at(asOfMs);
    const { total, byCategory, byTier, protocols } = call.head;
    return {
      asOf: new Date(call.atMs).toISOString(),
      timeZone: calendar.timeZone,
      demo,
      rules: { version: RULES_VERSION, sha256: rulesSha256() },
      devices: { total, byCategory, byTier },
      protocols: countProtocols(protocols),
      ledger: { origin: ledgerOrigin, size: 0, rootHash: EMPTY_ROOT },
    };
  }

  async devices(query: DevicesQuery): Promise<DevicePage> {
    const call = await this.#parts.caller.now();
    const matches = matcherOf(query);
    const items = [];
    for (let at = firstAfter(call, query.afterId); at < call.entries.length; at++) {
      const entry = call.entries[at] as RollEntry;
      if (!matches(entry)) continue;
      if (items.length === query.limit) return { items, nextAfterId: items[items.length - 1]?.id };
      items.push(deviceReading(entry, this.#parts.caller.roll));
    }
    return { items, nextAfterId: undefined };
  }

  async device(id: string): Promise<DeviceDetail | undefined> {
    const { caller, register, books, tally, journal, calendar } = this.#parts;
    const call = await caller.now();
    const entry = call.entries[firstAfter(call, id) - 1];
    if (entry?.evidence.device.id !== id) return undefined;
    const changes = await register.changes(id, 20);
    return deviceDetail(entry, caller.roll, changes, (sourceId, address) => {
      const bound = books.find(sourceId, address);
      if (bound === undefined) return { row: undefined, identity: undefined };
      return { row: tally.row(bound.index, calendar.dayAt(call.atMs)), identity: journal.identityOf(bound.index) };
    });
  }

  async protocols(): Promise<readonly ProtocolReading[]> {
    return protocolReadings(await this.#parts.caller.now(), this.#parts.protocols);
  }

  sources(): Promise<readonly SourceReading[]> {
    return Promise.resolve(this.#parts.sources().map((label) => this.#source(label)));
  }

  candidates(sourceId: string, query: CandidatesQuery): Promise<CandidatePage | undefined> {
    const { tasks, caller, clock } = this.#parts;
    if (!tasks.has(sourceId)) return Promise.resolve(undefined);
    const isRegistered = (address: string): boolean => caller.roll.deviceAt(sourceId, address) !== undefined;
    return Promise.resolve(candidatePage(this.#parts, sourceId, query, isRegistered, clock.nowMs()));
  }

  deadLetters(sourceId: string): Promise<readonly DeadLetterReading[] | undefined> {
    return Promise.resolve(this.#parts.tasks.get(sourceId)?.deadLetters);
  }

  readiness(): Promise<Readiness> {
    return Promise.resolve(this.#parts.readiness());
  }

  history(query: HistoryQuery): Promise<History> {
    return this.#parts.history().read(query);
  }

  metrics(format: ExpositionFormat = 'prometheus'): Promise<{ readonly contentType: string; readonly body: string }> {
    return this.#parts.prometheus(format);
  }

  #source(label: SourceLabel): SourceReading {
    const task = this.#parts.tasks.get(label.id);
    if (task === undefined) throw new Error(`no task serves source ${label.id}`);
    return {
      ...label,
      state: task.state,
      sinceMs: task.stateSinceMs,
      addresses: this.#parts.books.sizeOf(label.id),
      observations: task.observations,
      bad: task.bad,
      dropped: task.dropped,
      reconnects: task.reconnects,
      lastObservationAtMs: task.lastObservationAtMs,
      lastError: task.lastFailure,
      nextAttemptAtMs: task.nextAttemptAtMs,
      line: task.lineUse,
      notices: task.notices,
    };
  }
}

/** Place of the first entry whose id is greater than `id`; entries are in order of id. */
function firstAfter(call: RollCall, id: string | undefined): number {
  if (id === undefined) return 0;
  let low = 0;
  let high = call.entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((call.entries[middle] as RollEntry).evidence.device.id <= id) low = middle + 1;
    else high = middle;
  }
  return low;
}

function matcherOf(query: DevicesQuery): (entry: RollEntry) => boolean {
  const text = query.text?.toLowerCase();
  return ({ evidence, assessment }) => {
    const { device, addresses } = evidence;
    if (query.category !== undefined && assessment.category.category !== query.category) return false;
    if (query.status !== undefined && assessment.status !== query.status) return false;
    if (query.enterprise !== undefined && device.enterpriseId !== query.enterprise) return false;
    if (query.site !== undefined && device.siteId !== query.site) return false;
    if (query.protocol !== undefined && !addresses.some(({ protocol }) => protocol.family === query.protocol))
      return false;
    if (text === undefined) return true;
    const { id, name, manufacturer, model, serialNumber, assetNumber } = device;
    return [id, name, manufacturer, model, serialNumber, assetNumber].some((field) =>
      field?.toLowerCase().includes(text),
    );
  };
}
