import type { AdapterLog, Clock, SourceAdapter } from '../../protocols/contract.ts';
import { ProtocolError } from '../../protocols/errors.ts';
import type { AddressEntry } from './address-book.ts';
import type { Journal } from './journal.ts';
import { pause } from './pause.ts';

/** Asked again after this long; a nameplate rarely changes. */
const ASK_AGAIN_MS = 86_400_000;
/** After a device that did not answer: many never do, and on a serial line each wait holds up the others. */
const RETRY_MS = 3_600_000;
/** One question may take this long. */
const DEADLINE_MS = 30_000;
/** Between two questions, so that identification never crowds out observation. */
const SPACING_MS = 50;
const IDLE_MS = 1_000;

export interface IdentifierParts {
  readonly sourceId: string;
  readonly adapter: SourceAdapter;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: AdapterLog;
}

/** Asks the devices of one source who they are: when first met, and daily; one at a time. */
export class Identifier {
  readonly #parts: IdentifierParts;
  readonly #dueAtMs = new Map<AddressEntry, number>();

  constructor(parts: IdentifierParts) {
    this.#parts = parts;
  }

  /** Puts an address on the list. `lastAskedAtMs`: when it last said who it is, from the store. */
  add(entry: AddressEntry, lastAskedAtMs?: number): void {
    if (!this.#dueAtMs.has(entry))
      this.#dueAtMs.set(entry, lastAskedAtMs === undefined ? 0 : lastAskedAtMs + ASK_AGAIN_MS);
  }

  /** Runs while the connection lasts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const [entry, dueAtMs] of this.#dueAtMs) {
        if (signal.aborted) return;
        if (dueAtMs > this.#parts.clock.nowMs()) continue;
        this.#dueAtMs.set(entry, this.#parts.clock.nowMs() + (await this.#ask(entry, signal)));
        await pause(SPACING_MS, signal);
      }
      await pause(IDLE_MS, signal);
    }
  }

  /** Asks once; resolves with the wait until it is asked again. */
  async #ask(entry: AddressEntry, signal: AbortSignal): Promise<number> {
    const { adapter, journal, log, sourceId } = this.#parts;
    try {
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]);
      journal.identity(entry.index, await adapter.identify(entry.address, deadline));
      return ASK_AGAIN_MS;
    } catch (error) {
      if (error instanceof ProtocolError && (error.code === 'unsupported' || error.code === 'exception'))
        return ASK_AGAIN_MS;
      log.debug({ source: sourceId, address: entry.address, error }, 'the device did not say who it is');
      return RETRY_MS;
    }
  }
}
