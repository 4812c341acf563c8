import type { AdapterLog, Clock, SecretReference, SourceConfigBase } from '../../protocols/contract.ts';
import type { AnyProtocolDefinition } from '../../protocols/registry.ts';
import type { AddressBooks } from './address-book.ts';
import type { Journal } from './journal.ts';
import { SourceTask } from './source-task.ts';
import type { Tally } from './tally.ts';

/** A source as configured, with the protocol that serves it. */
export interface ConfiguredSource {
  readonly config: SourceConfigBase;
  readonly definition: AnyProtocolDefinition;
  readonly addressesPerSource: number;
  readonly queueBatches: number;
}

export interface SupervisorParts {
  readonly books: AddressBooks;
  readonly tally: Tally;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: AdapterLog;
  readonly readSecret: (reference: SecretReference) => Promise<string>;
  readonly readFile: (path: string) => Promise<Uint8Array>;
  /** The folder of one protocol's lasting state. */
  readonly stateFolderOf: (protocol: string) => string;
}

/** One task for each source, started together and stopped together. */
export class Supervisor {
  readonly tasks: ReadonlyMap<string, SourceTask>;
  readonly #stop = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  constructor(sources: readonly ConfiguredSource[], parts: SupervisorParts) {
    this.tasks = new Map(sources.map((source) => [source.config.id, taskOf(source, parts)]));
  }

  start(): void {
    this.#running = Promise.all([...this.tasks.values()].map((task) => task.run(this.#stop.signal)));
  }

  /** Aborts all connections; resolves when the last observation they yielded is folded. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}

function taskOf(source: ConfiguredSource, parts: SupervisorParts): SourceTask {
  const { config, definition } = source;
  const sourceId = config.id;
  const { books, tally, journal, clock, random, log } = parts;
  const addresses = books.bookOf(sourceId, source.addressesPerSource, (entry) => {
    tally.reserve(entry.index);
    task.identifier.add(entry, journal.identityOf(entry.index)?.atMs);
  });
  const adapter = definition.create(config, {
    sourceId,
    addresses,
    clock,
    random,
    log,
    readSecret: parts.readSecret,
    readFile: parts.readFile,
    stateFolder: parts.stateFolderOf(config.protocol),
    queueBatches: source.queueBatches,
  });
  const task = new SourceTask({ sourceId, adapter, tally, journal, clock, random, log });
  return task;
}
