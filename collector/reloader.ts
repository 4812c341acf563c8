import type { Clock } from '../protocols/contract.ts';
import { type Calendar, dayText } from './census/calendar.ts';
import type { CollectorConfig } from './config/config.ts';
import type { Flusher } from './intake/flusher.ts';
import type { Supervisor } from './intake/supervisor.ts';
import type { InfluxOutput } from './metrics/influx-output.ts';
import { type ConfigChanges, changesText, configChanges } from './reload.ts';
import type { Roll } from './roll/roll.ts';
import type { RollCaller } from './roll/roll-caller.ts';
import type { RegisterStore } from './store/contract.ts';

export interface ReloaderParts {
  readonly supervisor: Supervisor;
  readonly flusher: Flusher;
  readonly caller: RollCaller;
  readonly register: RegisterStore;
  readonly calendar: Calendar;
  readonly clock: Clock;
  /** Register and rules of a configuration, with the register as the store has it. */
  readonly rollOf: (config: CollectorConfig) => Promise<Roll>;
  /** Undefined until InfluxDB is wanted for the first time; made then. */
  readonly influx: (isWanted: boolean) => Promise<InfluxOutput | undefined>;
  /** Reads the certificate again, for one that was renewed under its name. */
  readonly renewCertificate: () => Promise<void>;
}

/** Brings a changed configuration into a running collector, and touches only what changed. One at a time. */
export class Reloader {
  readonly #parts: ReloaderParts;
  #config: CollectorConfig;
  #applying: Promise<unknown> = Promise.resolve();

  constructor(config: CollectorConfig, parts: ReloaderParts) {
    this.#config = config;
    this.#parts = parts;
  }

  /** What is in force, except for what waits for the next start. */
  get config(): CollectorConfig {
    return this.#config;
  }

  /** Resolves with one line that says what was done. Rejects when a part could not be applied; the others are. */
  apply(config: CollectorConfig): Promise<string> {
    const applied = this.#applying.then(() => this.#apply(config));
    this.#applying = applied.catch(() => {});
    return applied;
  }

  async #apply(after: CollectorConfig): Promise<string> {
    const before = this.#config;
    const changes = configChanges(before, after);
    const { collectorId, timeZone, origin, dataFolder, api, broker, limits } = before;
    this.#config = { ...after, collectorId, timeZone, origin, dataFolder, api, broker, limits };
    await this.#parts.renewCertificate();
    await this.#applySources(changes);
    await this.#applyCounting(changes);
    if (changes.influx) await this.#applyInflux();
    return changesText(changes);
  }

  async #applySources({ addedSources, removedSources, changedSources }: ConfigChanges): Promise<void> {
    const { supervisor, flusher } = this.#parts;
    const ended = new Map(
      await Promise.all(
        [...removedSources, ...changedSources].map(async (id) => [id, await supervisor.remove(id)] as const),
      ),
    );
    for (const task of ended.values()) if (task !== undefined) flusher.leave(task);
    for (const source of this.#config.sources) {
      const { id } = source.config;
      if (!addedSources.includes(id) && !changedSources.includes(id)) continue;
      supervisor.add({ ...source, ...this.#config.limits }, ended.get(id));
    }
  }

  async #applyCounting({ register, rules, ...sources }: ConfigChanges): Promise<void> {
    const { caller, calendar, clock, rollOf } = this.#parts;
    const nowMs = clock.nowMs();
    if (register) {
      const retireOn = dayText(calendar.dayAt(nowMs));
      const by = { who: 'configuration', why: 'read again while running', atMs: nowMs, retireOn };
      await this.#parts.register.apply(this.#config.register, by);
    }
    const isOther = sources.addedSources.length + sources.removedSources.length + sources.changedSources.length > 0;
    if (register || rules || isOther) caller.use(await rollOf(this.#config), this.#config.rules.minSlotsPerDay);
  }

  async #applyInflux(): Promise<void> {
    const { influx } = this.#config;
    const output = await this.#parts.influx(influx !== undefined);
    if (influx === undefined) await output?.stop();
    else await output?.use(influx);
  }
}
