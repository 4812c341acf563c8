import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { type Api, createApi } from '../api/app.ts';
import { DEFAULT_LIMITS } from '../api/limits.ts';
import { ensureOperatorToken } from '../api/token.ts';
import { startEmbeddedBroker } from '../protocols/registry.ts';
import type { Catalogues } from './catalogues.ts';
import { Calendar } from './census/calendar.ts';
import { systemClock } from './clock.ts';
import type { CollectorConfig } from './config/config.ts';
import { secretReader } from './config/secrets.ts';
import { CollectorError } from './errors.ts';
import { AddressBooks } from './intake/address-book.ts';
import { Flusher } from './intake/flusher.ts';
import { Journal } from './intake/journal.ts';
import { Supervisor } from './intake/supervisor.ts';
import { Tally } from './intake/tally.ts';
import { MetricsPublisher } from './metrics/publisher.ts';
import { Readings, type SourceLabel } from './readings/readings.ts';
import { declareStop, restoreEvidence, restorePaths } from './restore.ts';
import { Roll } from './roll/roll.ts';
import { RollCaller } from './roll/roll-caller.ts';
import { rulesSha256 } from './rules-hash.ts';
import type { Store } from './store/contract.ts';
import { openSqliteStore } from './store/sqlite.ts';

export interface ServiceOptions {
  readonly config: CollectorConfig;
  readonly catalogues: Catalogues;
  /** Created when missing; one collector at a time may use it. */
  readonly dataFolder: string;
  readonly host: string;
  readonly port: number;
  readonly version: string;
  readonly demo: boolean;
  readonly pageFolder: string;
  readonly log: Logger;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A running collector with its API. */
export interface Service {
  /** Where the page is, for example `http://127.0.0.1:8080`. */
  readonly url: string;
  /** The operator token, when it was made at this start: it is shown once and only its hash is kept. */
  readonly madeToken: string | undefined;
  readonly store: Store;
  /** Ends sources, API and metrics, stores what is in memory, closes the store. Rejects when the last evidence could not be stored. */
  stop(): Promise<void>;
}

/**
 * The one composition root: configuration in, running objects out, started and stopped in order. What was started
 * before a failure is stopped again.
 */
export async function startService(options: ServiceOptions): Promise<Service> {
  const started: { name: string; stop: () => Promise<void> }[] = [];
  const stopAll = async (): Promise<void> => {
    const failures: unknown[] = [];
    for (const part of started.reverse()) {
      await part.stop().catch((error: unknown) => {
        options.log.error({ err: error, part: part.name }, 'a part did not stop in order');
        failures.push(error);
      });
    }
    if (failures.length > 0) throw failures[0];
  };
  try {
    return await compose(options, (name, stop) => started.push({ name, stop }), stopAll);
  } catch (error) {
    await stopAll().catch(() => {});
    throw error;
  }
}

async function compose(
  options: ServiceOptions,
  started: (name: string, stop: () => Promise<void>) => void,
  stopAll: () => Promise<void>,
): Promise<Service> {
  const { config, catalogues, dataFolder, log, env, demo } = options;
  const clock = systemClock;
  const startedAtMs = clock.nowMs();
  const { collectorId } = config;
  const calendar = new Calendar(config.timeZone);
  const readSecret = secretReader({ env, readFile: (path) => readFile(path, 'utf8'), baseFolder: config.baseFolder });

  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  const store = await openSqliteStore({ folder: dataFolder, mode: 'write' });
  started('store', () => store.close());
  const previous = await store.evidence.beginRun(collectorId, startedAtMs);
  const who = demo ? 'demo' : 'rollcall.yaml';
  await store.register.apply(config.register, {
    who,
    why: 'configuration read at start',
    atMs: startedAtMs,
    retireOn: dateOf(calendar, startedAtMs),
  });
  const token = await ensureOperatorToken(store.tokens, env['ROLLCALL_OPERATOR_TOKEN'], startedAtMs).catch(
    (error: unknown) => {
      if (error instanceof RangeError) throw new CollectorError('startup', error.message, { cause: error });
      throw error;
    },
  );

  const books = new AddressBooks(() => clock.nowMs());
  const tally = new Tally(calendar, startedAtMs);
  const journal = new Journal();
  await restoreEvidence({ store: store.evidence, collectorId, calendar, nowMs: startedAtMs, books, tally, journal });
  declareStop(journal, previous, startedAtMs);

  if (config.broker !== undefined) {
    const broker = await startEmbeddedBroker(config.broker, { readSecret, log });
    started('broker', () => broker.close());
  }
  const supervisor = new Supervisor(
    config.sources.map((source) => ({ ...source, ...config.limits })),
    {
      books,
      tally,
      journal,
      clock,
      random: Math.random,
      log,
      readSecret,
      stateFolderOf: (protocol) => join(dataFolder, protocol),
    },
  );
  await restorePaths(store.evidence, supervisor.tasks, startedAtMs);
  const flusher = new Flusher({
    collectorId,
    store: store.evidence,
    books,
    tally,
    journal,
    tasks: supervisor.tasks.values(),
    clock,
    log,
  });
  started('last flush', async () => {
    await flusher.stop();
    await store.evidence.endRun(collectorId, clock.nowMs());
  });
  supervisor.start();
  flusher.start();
  started('sources', () => supervisor.stop());

  const sources = config.sources.map(labelOf);
  const roll = new Roll({
    register: await store.register.read(),
    calendar,
    types: catalogues.equipmentTypes,
    parameters: config.rules,
    demo,
    sources: new Map(sources.map(({ id, protocol, simulated }) => [id, { family: protocol, simulated }])),
    factsOf: (sourceId, address) => {
      const entry = books.find(sourceId, address);
      if (entry === undefined) return undefined;
      const identity = journal.identityOf(entry.index);
      return { protocol: entry.protocol, claims: identity?.claims, claimsBy: identity?.method };
    },
  });
  const caller = new RollCaller({
    roll,
    store: store.evidence,
    calendar,
    clock,
    books,
    tally,
    tasks: supervisor.tasks,
    minSlotsPerDay: config.rules.minSlotsPerDay,
  });
  return finish();

  async function finish(): Promise<Service> {
    const api = await apiOf();
    const url = await api.listen({ host: options.host, port: options.port });
    started('API', () => api.close());
    return { url, madeToken: token.kind === 'made' ? token.token : undefined, store, stop: stopAll };
  }

  async function apiOf(): Promise<Api> {
    throw new Error('not yet');
  }
}
