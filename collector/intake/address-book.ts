import { type AddressBook, type ProtocolLine, UNBOUND } from '../../protocols/contract.ts';

/** One address that something was, or will be, observed at. Its place in `AddressBooks.entries` is the integer that observations carry. */
export interface AddressEntry {
  readonly index: number;
  readonly sourceId: string;
  readonly address: string;
  readonly protocol: ProtocolLine;
  readonly firstSeenAtMs: number;
  /** Row in the store; undefined until the first flush after it was bound. */
  rowId: number | undefined;
}

/**
 * The address books of all sources, over one sequence of integers, so that the tally is one set of columns. An index
 * never changes its meaning while the process lives.
 */
export class AddressBooks {
  readonly entries: AddressEntry[] = [];
  readonly #bySource = new Map<string, Map<string, AddressEntry>>();
  #unsaved: AddressEntry[] = [];
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Takes over what the store knows, before any source starts. */
  restore(entry: Omit<AddressEntry, 'index'>): AddressEntry {
    return this.#add(entry);
  }

  find(sourceId: string, address: string): AddressEntry | undefined {
    return this.#bySource.get(sourceId)?.get(address);
  }

  /** The entry of an address, made when it is new; `undefined` when the source may not have more than `limit`. */
  entry(sourceId: string, address: string, protocol: ProtocolLine, limit = Infinity): AddressEntry | undefined {
    const known = this.find(sourceId, address);
    if (known !== undefined) return known;
    if (this.sizeOf(sourceId) >= limit) return undefined;
    const entry = this.#add({ sourceId, address, protocol, firstSeenAtMs: this.#nowMs(), rowId: undefined });
    this.#unsaved.push(entry);
    return entry;
  }

  /** The book of one source, for its adapter. */
  bookOf(sourceId: string, limit: number, onBound: (entry: AddressEntry) => void): AddressBook {
    return {
      bind: (address, protocol) => {
        const entry = this.entry(sourceId, address, protocol, limit);
        if (entry === undefined) return UNBOUND;
        onBound(entry);
        return entry.index;
      },
    };
  }

  sizeOf(sourceId: string): number {
    return this.#bySource.get(sourceId)?.size ?? 0;
  }

  /** Entries the store does not have yet; the caller sets their `rowId`, or hands them back with `putBack`. */
  takeUnsaved(): AddressEntry[] {
    const unsaved = this.#unsaved;
    this.#unsaved = [];
    return unsaved;
  }

  putBack(entries: readonly AddressEntry[]): void {
    this.#unsaved = [...entries, ...this.#unsaved];
  }

  #add(fields: Omit<AddressEntry, 'index'>): AddressEntry {
    const entry: AddressEntry = { ...fields, index: this.entries.length };
    this.entries.push(entry);
    let book = this.#bySource.get(entry.sourceId);
    if (book === undefined) {
      book = new Map();
      this.#bySource.set(entry.sourceId, book);
    }
    book.set(entry.address, entry);
    return entry;
  }
}
