import { Calendar } from '../../collector/census/calendar.ts';
import { systemClock } from '../../collector/clock.ts';
import { AddressBooks } from '../../collector/intake/address-book.ts';
import { Journal } from '../../collector/intake/journal.ts';
import { Supervisor } from '../../collector/intake/supervisor.ts';
import { Tally } from '../../collector/intake/tally.ts';
import { ProtocolError } from '../../protocols/errors.ts';
import { PROTOCOLS } from '../../protocols/registry.ts';

/** One source under the real supervisor, folding into a real tally, without store and API. */
export class SourceUnderTest {
  readonly books = new AddressBooks(() => Date.now());
  readonly tally = new Tally(new Calendar('Asia/Shanghai'), Date.now());
  readonly journal = new Journal();
  readonly #supervisor: Supervisor;

  /** `config` as it would stand in `rollcall.yaml`; `secrets` by reference. */
  constructor(config: Record<string, unknown>, stateFolder: string, secrets: Readonly<Record<string, string>> = {}) {
    const definition = PROTOCOLS.find(({ protocol }) => protocol === config['protocol']);
    if (definition === undefined) throw new Error(`no protocol ${String(config['protocol'])}`);
    const source = {
      config: definition.configSchema.parse(config),
      definition,
      addressesPerSource: 10_000,
      queueBatches: 64,
    };
    this.#supervisor = new Supervisor([source], {
      books: this.books,
      tally: this.tally,
      journal: this.journal,
      clock: systemClock,
      random: () => 0.1,
      log: {
        debug: () => {},
        info: () => {},
        warn: () => {},
      },
      readSecret: (reference) => Promise.resolve(secrets[reference] ?? ''),
      readFile: async (path) => {
        const { readFile } = await import('node:fs/promises');
        return readFile(path).catch((error: unknown) => {
          throw new ProtocolError('refused', `reading ${path}`, { cause: error });
        });
      },
      stateFolderOf: () => stateFolder,
    });
    this.#supervisor.start();
  }

  get task() {
    const [task] = this.#supervisor.tasks.values();
    if (task === undefined) throw new Error('there is no task');
    return task;
  }

  /** Today's counters of an address; undefined before it was heard. */
  row(address: string) {
    const entry = this.books.find(this.task.sourceId, address);
    return entry === undefined
      ? undefined
      : this.tally.row(entry.index, new Calendar('Asia/Shanghai').dayAt(Date.now()));
  }

  claims(address: string) {
    const entry = this.books.find(this.task.sourceId, address);
    return entry === undefined ? undefined : this.journal.identityOf(entry.index);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#supervisor.stop();
  }
}
