import { readFile as readText } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Logger } from 'pino';
import { createApi } from '../api/app.ts';
import { DEFAULT_LIMITS } from '../api/limits.ts';
import { ensureOperatorToken, issueToken } from '../api/token.ts';
import { ProtocolError } from '../protocols/errors.ts';
import { startEmbeddedBroker } from '../protocols/registry.ts';
import type { Catalogues } from './catalogues.ts';
import { Calendar, dayText } from './census/calendar.ts';
import { systemClock } from './clock.ts';
import type { CollectorConfig, DecidedSource } from './config/config.ts';
import { secretReader } from './config/secrets.ts';
import { CollectorError } from './errors.ts';
import { AddressBooks } from './intake/address-book.ts';
import { Flusher } from './intake/flusher.ts';
import { Journal } from './intake/journal.ts';
import { Supervisor } from './intake/supervisor.ts';
import { Tally } from './intake/tally.ts';
import type { InfluxWriter } from './metrics/influx-writer.ts';
import { PrometheusExposition } from './metrics/prometheus.ts';
import { SnapshotTaker } from './metrics/take-snapshot.ts';
import { Readings, type SourceLabel } from './readings/readings.ts';
import { declareStop, restoreEvidence, restorePaths } from './restore.ts';
import { type AddressFacts, Roll } from './roll/roll.ts';
import { RollCaller } from './roll/roll-caller.ts';
import { rulesSha256 } from './rules-hash.ts';
import type { Store } from './store/contract.ts';
import { openSqliteStore } from './store/sqlite.ts';

const DEMO_TOKEN = 'demo operator';

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
    for (const part of started.toReversed()) {
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

type Started = (name: string, stop: () => Promise<void>) => void;

async function compose(options: ServiceOptions, started: Started, stopAll: () => Promise<void>): Promise<Service> {
  const { config, catalogues, dataFolder, log, env, demo } = options;
  const clock = systemClock;
  const nowMs = clock.nowMs();
  const { collectorId } = config;
  const calendar = new Calendar(config.timeZone);
  const { readSecret, readFile } = configuredReaders(config.baseFolder, env);

  // The store comes first and goes last: everything below rests on it.
  const store = await openSqliteStore({ folder: dataFolder, mode: 'write' });
  started('store', () => store.close());
  const previous = await store.evidence.beginRun(collectorId, nowMs);
  const token = await firstToken(options, store, nowMs);
  await store.register.apply(config.register, {
    who: demo ? 'demo' : 'configuration',
    why: 'read at start',
    atMs: nowMs,
    retireOn: dayText(calendar.dayAt(nowMs)),
  });

  // Intake: what earlier runs saw, then the sources, then the flush that carries what they bring to the store.
  const books = new AddressBooks(() => clock.nowMs());
  const tally = new Tally(calendar, nowMs);
  const journal = new Journal();
  await restoreEvidence({ store: store.evidence, collectorId, calendar, nowMs, books, tally, journal });
  declareStop(journal, previous, nowMs);
  if (config.broker !== undefined) {
    const broker = await startEmbeddedBroker(config.broker, { readFile, log }).catch(asStartupFailure);
    started('broker', () => broker.close());
  }
  const stateFolderOf = (protocol: string): string => join(dataFolder, protocol);
  const supervisor = new Supervisor(
    config.sources.map((source) => ({ ...source, ...config.limits })),
    { books, tally, journal, clock, random: Math.random, log, readSecret, readFile, stateFolderOf },
  );
  const { tasks } = supervisor;
  await restorePaths(store.evidence, tasks, nowMs);
  const flusher = new Flusher({
    collectorId,
    store: store.evidence,
    books,
    tally,
    journal,
    tasks: tasks.values(),
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

  // Counting: register and evidence under the rules.
  const sources = config.sources.map(labelOf);
  const roll = new Roll({
    register: await store.register.read(),
    calendar,
    types: catalogues.equipmentTypes,
    parameters: config.rules,
    demo,
    sources: new Map(sources.map(({ id, protocol, simulated }) => [id, { family: protocol, simulated }])),
    factsOf: factsFrom(books, journal),
  });
  const { minSlotsPerDay } = config.rules;
  const caller = new RollCaller({ roll, store: store.evidence, calendar, clock, books, tally, tasks, minSlotsPerDay });

  // Everybody who reads: InfluxDB, Prometheus, the API.
  let influx: InfluxWriter | undefined;
  const protocolOf = (sourceId: string): string => sources.find(({ id }) => id === sourceId)?.protocol ?? 'unknown';
  const taker = new SnapshotTaker({
    caller,
    calendar,
    books,
    tally,
    tasks,
    protocolOf,
    store,
    influx: () => influx?.status,
  });
  started('snapshots', () => Promise.resolve(taker.stop()));
  if (config.influx !== undefined) {
    const { interval, deviceActivity, tags } = config.influx;
    // Loaded only where it is wanted, like a protocol: the client costs memory.
    const [{ influxWriter }, { MetricsPublisher }] = await Promise.all([
      import('./metrics/influx.ts'),
      import('./metrics/publisher.ts'),
    ]);
    influx = await influxWriter({
      config: config.influx,
      folder: join(dataFolder, 'influx'),
      readSecret,
      clock,
      log,
      random: Math.random,
    });
    const publisher = new MetricsPublisher({
      taker,
      writer: influx,
      intervalMs: interval,
      deviceActivity,
      tags,
      clock,
      log,
    });
    publisher.start();
    started('metrics', () => publisher.stop());
  }
  const exposition = new PrometheusExposition();
  const reading = new Readings({
    caller,
    roll,
    books,
    tally,
    journal,
    tasks,
    flusher,
    calendar,
    clock,
    sources,
    demo,
    register: store.register,
    protocols: catalogues.protocols,
    rulesSha256: rulesSha256(config.rules, catalogues.sha256),
    ledgerOrigin: ledgerOrigin(config, demo),
    prometheus: async () => exposition.text(await taker.take(clock.nowMs(), false)),
  });
  const url = await serve(options, reading, store, started);
  return { url, madeToken: token, store, stop: stopAll };
}

/** Secrets and files that the configuration names, relative to it. */
function configuredReaders(baseFolder: string, env: ServiceOptions['env']) {
  const readSecret = secretReader({ env, readFile: (path) => readText(path, 'utf8'), baseFolder });
  const readFile = async (path: string): Promise<Uint8Array> => {
    try {
      return await readText(resolve(baseFolder, path));
    } catch (error) {
      throw new ProtocolError('refused', `reading ${path}: ${messageOf(error)}`, {
        cause: error,
        hint: 'the configuration names this file, relative to itself; it is read again at the next attempt',
      });
    }
  };
  return { readSecret, readFile };
}

/** The token to print, if one was made. The demo makes a new one at each start, and ends the one before. */
async function firstToken({ env, demo }: ServiceOptions, store: Store, nowMs: number): Promise<string | undefined> {
  const given = env['ROLLCALL_OPERATOR_TOKEN'];
  try {
    if (demo && given === undefined) {
      for (const { id, name, revokedAtMs } of await store.tokens.list()) {
        if (name === DEMO_TOKEN && revokedAtMs === undefined) await store.tokens.revoke(id, nowMs);
      }
      return (await issueToken(store.tokens, { name: DEMO_TOKEN, role: 'operator', lifetimeMs: undefined }, nowMs))
        .token;
    }
    const ensured = await ensureOperatorToken(store.tokens, given, nowMs);
    return ensured.kind === 'made' ? ensured.token : undefined;
  } catch (error) {
    if (error instanceof RangeError) throw new CollectorError('startup', error.message, { cause: error });
    throw error;
  }
}

function factsFrom(
  books: AddressBooks,
  journal: Journal,
): (sourceId: string, address: string) => AddressFacts | undefined {
  return (sourceId, address) => {
    const entry = books.find(sourceId, address);
    if (entry === undefined) return undefined;
    const identity = journal.identityOf(entry.index);
    return { protocol: entry.protocol, claims: identity?.claims, claimsBy: identity?.method };
  };
}

function labelOf({ config, definition }: DecidedSource): SourceLabel {
  const { id, name, protocol, simulated } = config;
  return { id, name: name ?? id, protocol, endpoint: definition.endpointOf(config), simulated };
}

/** R15: what the demo issues can never be taken for anything else. */
function ledgerOrigin({ origin, collectorId }: CollectorConfig, demo: boolean): string {
  const own = origin ?? `rollcall.invalid/${collectorId}`;
  return demo && !own.startsWith('demo.') ? `demo.${own}` : own;
}

async function serve(options: ServiceOptions, reading: Readings, store: Store, started: Started): Promise<string> {
  const { config, host, port, version, demo, pageFolder, log } = options;
  const { tls, trustedProxies } = config.api;
  const pem = async (file: string): Promise<string> => readText(file, 'utf8').catch(asStartupFailure);
  const certificate =
    tls === undefined ? undefined : { key: await pem(tls.key), certificate: await pem(tls.certificate) };
  const { tokens } = store;
  const api = await createApi({
    reading,
    tokens,
    clock: systemClock,
    log,
    version,
    demo,
    pageFolder,
    certificate,
    trustedProxies,
    limits: DEFAULT_LIMITS,
  });
  try {
    const url = await api.listen({ host, port });
    started('API', () => api.close());
    return url;
  } catch (error) {
    await api.close();
    throw new CollectorError('startup', `listening on ${host}:${port}: ${messageOf(error)}`, {
      cause: error,
      hint: 'end the program that has the port, or choose another with --port',
    });
  }
}

function asStartupFailure(error: unknown): never {
  const hint = error instanceof ProtocolError ? error.hint : undefined;
  throw new CollectorError('startup', messageOf(error), { cause: error, ...(hint === undefined ? {} : { hint }) });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
