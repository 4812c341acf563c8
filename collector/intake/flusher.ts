import type { AdapterLog, Clock } from '../../protocols/contract.ts';
import { StepWatch } from '../clock.ts';
import type { Loop } from '../health/loop-watch.ts';
import type { EvidenceStore, IdentityRow, PathInterval } from '../store/contract.ts';
import type { AddressBooks } from './address-book.ts';
import { claimsText, type Journal } from './journal.ts';
import type { SourceTask } from './source-task.ts';
import type { Tally } from './tally.ts';

/** Between two flushes: with the time a flush takes, dirty rows reach the store at least once a second. */
const FLUSH_INTERVAL_MS = 900;
/** A turn later than this means that the process did not run (suspended, stopped, starved): nobody looked (R14). */
const STALL_MS = 5_000;

export interface FlusherParts {
  readonly collectorId: string;
  readonly store: EvidenceStore;
  readonly books: AddressBooks;
  readonly tally: Tally;
  readonly journal: Journal;
  /** The tasks there are; may change. */
  readonly tasks: ReadonlyMap<string, SourceTask>;
  readonly clock: Clock;
  readonly log: AdapterLog;
  readonly loop: Loop;
}

/** Brings what the intake holds in memory to the store once a second, and declares the moments when nobody looked. */
export class Flusher {
  readonly #parts: FlusherParts;
  /** Tasks that ended, until their last intervals are stored. */
  #left: readonly SourceTask[] = [];
  readonly #steps: StepWatch;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> = Promise.resolve();
  #lastTurnMs: number;
  /** The last flush that the store acknowledged; undefined before the first. */
  lastFlushAtMs: number | undefined;
  /** Why flushing fails at the moment; undefined while it works. */
  failure: string | undefined;
  /** Flushes that failed since start. */
  failures = 0;

  constructor(parts: FlusherParts) {
    this.#parts = parts;
    this.#steps = new StepWatch(parts.clock);
    this.#lastTurnMs = parts.clock.monotonicMs();
  }

  start(): void {
    const turn = (): void => {
      this.watchTime();
      this.#parts.loop.turned();
      this.#flushing = this.flush().finally(() => {
        if (this.#timer !== undefined) this.#timer = setTimeout(turn, FLUSH_INTERVAL_MS);
      });
    };
    this.#timer = setTimeout(turn, FLUSH_INTERVAL_MS);
  }

  /** Stops the turns and flushes what is left. Throws when the store does not take it. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#flushing;
    await this.flush();
    this.#parts.loop.ended();
    if (this.failure !== undefined) throw new Error(this.failure);
  }

  /** Stores the last intervals of a task that ended, with the next flush that succeeds. */
  leave(task: SourceTask): void {
    this.#left = [...this.#left, task];
  }

  /** Declares a gap, and interrupts every path, where the clock stepped or the process did not run. */
  watchTime(): void {
    const { clock, journal, log } = this.#parts;
    const nowMs = clock.nowMs();
    const elapsedMs = clock.monotonicMs() - this.#lastTurnMs;
    this.#lastTurnMs = clock.monotonicMs();
    const step = this.#steps.check();
    if (step === undefined && elapsedMs < STALL_MS) return;
    const reason = step === undefined ? 'stalled' : 'clock-step';
    const fromMs = step === undefined ? nowMs - elapsedMs : Math.min(step.expectedAtMs, step.foundAtMs);
    const toMs = step === undefined ? nowMs : Math.max(step.expectedAtMs, step.foundAtMs);
    journal.gap({ sourceId: undefined, fromMs, toMs, reason, dropped: 0 });
    for (const task of this.#parts.tasks.values()) task.path.interrupt(fromMs, nowMs);
    log.warn({ fromMs, toMs, reason }, 'nobody looked for a while: declared as a gap');
  }

  /** One flush. Never rejects: a store that fails is told in `failure`, and everything stays in memory for the next turn. */
  async flush(): Promise<void> {
    const { store, collectorId, clock, journal, tally, log } = this.#parts;
    const aliveAtMs = clock.nowMs();
    const gaps = journal.takeGaps();
    const identities = journal.takeIdentities();
    const left = this.#left;
    const paths = [...this.#parts.tasks.values(), ...left].map((task) => ({
      task,
      intervals: task.path.take(aliveAtMs),
    }));
    let putBackTallies = (): void => {};
    try {
      await this.#saveAddresses();
      const drained = tally.drain((index) => this.#parts.books.entries[index]?.rowId);
      putBackTallies = () => drained.putBack();
      const identityRows = [...identities].flatMap(([index, identification]): IdentityRow[] => {
        const addressId = this.#parts.books.entries[index]?.rowId;
        if (addressId === undefined) return [];
        const { receivedAtMs, method, claims, raw } = identification;
        return [{ addressId, atMs: receivedAtMs, method, claims: claimsText(claims), raw }];
      });
      const intervals: PathInterval[] = paths.flatMap((path) => path.intervals);
      await store.save(collectorId, {
        aliveAtMs,
        tallies: drained.rows,
        paths: intervals,
        gaps,
        identities: identityRows,
      });
      this.lastFlushAtMs = aliveAtMs;
      this.failure = undefined;
      this.#left = this.#left.filter((task) => !left.includes(task));
    } catch (error) {
      putBackTallies();
      journal.putBack(gaps, identities);
      for (const { task, intervals } of paths) task.path.putBack(intervals);
      const message = error instanceof Error ? error.message : String(error);
      if (this.failure === undefined)
        log.warn({ error }, 'evidence could not be stored; it is kept in memory and tried again');
      this.failure = message;
      this.failures += 1;
    }
  }

  async #saveAddresses(): Promise<void> {
    const { books, store } = this.#parts;
    const unsaved = books.takeUnsaved();
    if (unsaved.length === 0) return;
    try {
      const rows = unsaved.map(({ sourceId, address, protocol, firstSeenAtMs }) => ({
        sourceId,
        address,
        ...protocol,
        firstSeenAtMs,
      }));
      const ids = await store.saveAddresses(rows);
      unsaved.forEach((entry, position) => {
        entry.rowId = ids[position];
      });
    } catch (error) {
      books.putBack(unsaved);
      throw error;
    }
  }
}
