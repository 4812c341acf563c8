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

/** A task that runs, and how it is ended. */
interface Running {
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

/** One task for each source. Started together and stopped together; one by one when the configuration changes. */
export class Supervisor {
  readonly #parts: SupervisorParts;
  readonly #tasks: Map<string, SourceTask>;
  readonly #running = new Map<SourceTask, Running>();

  constructor(sources: readonly ConfiguredSource[], parts: SupervisorParts) {
    this.#parts = parts;
    this.#tasks = new Map(sources.map((source) => [source.config.id, taskOf(source, parts)]));
  }

  /** By id of the source. The map lives: it changes with the configuration. */
  get tasks(): ReadonlyMap<string, SourceTask> {
    return this.#tasks;
  }

  start(): void {
    for (const task of this.#tasks.values()) this.#run(task);
  }

  /** Aborts all connections; resolves when the last observation they yielded is folded. */
  async stop(): Promise<void> {
    await Promise.all([...this.#tasks.keys()].map((id) => this.#end(id)));
  }

  /** Ends a source and forgets it. Resolves with its task, whose last intervals are not stored yet. */
  async remove(id: string): Promise<SourceTask | undefined> {
    const task = await this.#end(id);
    this.#tasks.delete(id);
    return task;
  }

  /** Starts a source that was not there; `before` is the task that served it until now. */
  add(source: ConfiguredSource, before?: SourceTask): void {
    const task = taskOf(source, this.#parts);
    for (const interval of before?.path.decisive ?? []) task.path.restore(interval);
    this.#tasks.set(source.config.id, task);
    this.#run(task);
  }

  #run(task: SourceTask): void {
    const stop = new AbortController();
    this.#running.set(task, { stop, ended: task.run(stop.signal) });
  }

  async #end(id: string): Promise<SourceTask | undefined> {
    const task = this.#tasks.get(id);
    if (task === undefined) return undefined;
    const running = this.#running.get(task);
    running?.stop.abort();
    await running?.ended;
    this.#running.delete(task);
    return task;
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
