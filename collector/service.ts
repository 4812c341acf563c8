import { readFile as readText } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { createApi } from '../api/app.ts';
import { DEFAULT_LIMITS } from '../api/limits.ts';
import { ensureOperatorToken, issueToken } from '../api/token.ts';
import { ProtocolError } from '../protocols/errors.ts';
import { startEmbeddedBroker } from '../protocols/registry.ts';
import type { Catalogues } from './catalogues.ts';
import { Calendar, dayText } from './census/calendar.ts';
import { systemClock } from './clock.ts';
import type { CollectorConfig, DecidedSource, InfluxConfig } from './config/config.ts';
import { type ConfigReaders, configReaders } from './config/readers.ts';
import { CollectorError } from './errors.ts';
import { ResourceGuard } from './health/guard.ts';
import { LoopWatch } from './health/loop-watch.ts';
import { resourcesOf } from './health/resources.ts';
import { type HistoryReader, storedHistory } from './history/reader.ts';
import { HistoryRecorder } from './history/recorder.ts';
import { AddressBooks } from './intake/address-book.ts';
import { Flusher } from './intake/flusher.ts';
import { Journal } from './intake/journal.ts';
import type { SourceTask } from './intake/source-task.ts';
import { Supervisor } from './intake/supervisor.ts';
import { Tally } from './intake/tally.ts';
import type { InfluxOutput } from './metrics/influx-output.ts';
import { PrometheusExposition } from './metrics/prometheus.ts';
import { SnapshotTaker } from './metrics/take-snapshot.ts';
import { loopStates, readinessOf } from './readiness.ts';
import { Readings, type SourceLabel } from './readings/readings.ts';
import { Reloader } from './reloader.ts';
import { declareStop, restoreEvidence, restorePaths } from './restore.ts';
import { type AddressFacts, Roll } from './roll/roll.ts';
import { RollCaller } from './roll/roll-caller.ts';
import { rulesSha256 } from './rules-hash.ts';
import type { Store } from './store/contract.ts';
import { openSqliteStore } from './store/sqlite.ts';

const DEMO_TOKEN = 'demo operator';
/** Leaves of the log that counts name: nothing writes one yet. */
const LEDGER_SIZE = 0;
/** Longest time between two turns of a loop. Flushing, sampling and looking are done every 1, 60 and 10 s. */
const LOOP_LIMIT_MS = { flush: 30_000, history: 180_000, guard: 60_000 } as const;
/** Sources that hang are ended and tried again; so often they are looked at. */
const HANGING_EVERY_MS = 30_000;

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
  /** Resolves with why, when the process should end in order and be started again by whoever watches over it. */
  readonly exhausted: Promise<string>;
  /** True while evidence is brought to the store; whoever watches over the process may be told so. */
  isAlive(): boolean;
  /** Takes a changed configuration into use and touches only what changed; resolves with a line that says what was done. */
  reload(config: CollectorConfig): Promise<string>;
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
  const { config, catalogues, dataFolder, log, env, demo, version } = options;
  const clock = systemClock;
  const nowMs = clock.nowMs();
  const { collectorId } = config;
  const calendar = new Calendar(config.timeZone);
  const { readSecret, readFile } = configReaders(config.baseFolder, env);
  const watch = new LoopWatch(clock);

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
    tasks,
    clock,
    log,
    loop: watch.loop('flush', LOOP_LIMIT_MS.flush),
  });
  started('last flush', async () => {
    await flusher.stop();
    await store.evidence.endRun(collectorId, clock.nowMs());
  });
  supervisor.start();
  flusher.start();
  started('sources', () => supervisor.stop());

  // Counting: register and evidence under the rules.
  const rollOf = async (from: CollectorConfig): Promise<Roll> =>
    new Roll({
      register: await store.register.read(),
      calendar,
      types: catalogues.equipmentTypes,
      parameters: from.rules,
      demo,
      sources: new Map(
        from.sources.map(labelOf).map(({ id, protocol, simulated }) => [id, { family: protocol, simulated }]),
      ),
      factsOf: factsFrom(books, journal),
    });
  const roll = await rollOf(config);
  const { minSlotsPerDay } = config.rules;
  const caller = new RollCaller({ roll, store: store.evidence, calendar, clock, books, tally, tasks, minSlotsPerDay });
  const recorder = new HistoryRecorder({
    caller,
    store: store.history,
    calendar,
    clock,
    loop: watch.loop('history', LOOP_LIMIT_MS.history),
    log,
  });
  await recorder.start();
  started('history', () => recorder.stop());

  // Care for ourselves: disk, memory, loops that hang.
  const exhausted = Promise.withResolvers<string>();
  const guard = new ResourceGuard({
    look: () => resourcesOf(dataFolder),
    loop: watch.loop('guard', LOOP_LIMIT_MS.guard),
    log,
    onExhausted: exhausted.resolve,
  });
  await guard.start();
  started('guard', () => guard.stop());
  const hanging = setInterval(() => reconnectHanging(tasks, log), HANGING_EVERY_MS);
  started('watch over sources', () => Promise.resolve(clearInterval(hanging)));

  // Everybody who reads: InfluxDB, Prometheus, the API.
  let output: InfluxOutput | undefined;
  const influxStatus = () => output?.status;
  const readiness = () => readinessOf({ flusher, watch, tasks, guard, influx: influxStatus, clock });
  const labels = (): SourceLabel[] => reloader.config.sources.map(labelOf);
  const taker = new SnapshotTaker({
    caller,
    calendar,
    books,
    tally,
    tasks,
    protocolOf: (sourceId) => labels().find(({ id }) => id === sourceId)?.protocol ?? 'unknown',
    store,
    influx: influxStatus,
    flusher,
    journal,
    ledgerSize: () => LEDGER_SIZE,
    version,
    health: () => {
      const { ready, warnings } = readiness();
      const found = guard.resources;
      return {
        isReady: ready,
        warnings: warnings.length,
        loops: loopStates({ watch, tasks }),
        diskFreeBytes: found?.diskFreeBytes,
        memoryLimitBytes: found?.memoryLimitBytes ?? 0,
      };
    },
  });
  started('snapshots', () => Promise.resolve(taker.stop()));
  const outputOf = async (isWanted: boolean): Promise<InfluxOutput | undefined> => {
    if (!isWanted || output !== undefined) return output;
    // Loaded only where it is wanted, like a protocol: the client costs memory.
    const { InfluxOutput } = await import('./metrics/influx-output.ts');
    const folder = join(dataFolder, 'influx');
    output = new InfluxOutput({ folder, readSecret, clock, log, random: Math.random, watch, taker });
    return output;
  };
  started('metrics', () => output?.stop() ?? Promise.resolve());
  let renewCertificate = (): Promise<void> => Promise.resolve();
  const reloader = new Reloader(config, {
    supervisor,
    flusher,
    caller,
    register: store.register,
    calendar,
    clock,
    rollOf,
    influx: outputOf,
    renewCertificate: () => renewCertificate(),
  });
  if (config.influx !== undefined) await (await outputOf(true))?.use(config.influx);
  const exposition = new PrometheusExposition();
  const reading = new Readings({
    caller,
    books,
    tally,
    journal,
    tasks,
    calendar,
    clock,
    sources: labels,
    demo,
    register: store.register,
    protocols: catalogues.protocols,
    rulesSha256: () => rulesSha256(reloader.config.rules, catalogues.sha256),
    ledgerOrigin: ledgerOrigin(config, demo),
    readiness,
    history: historyOf(() => reloader.config.influx, storedHistory(store.history, calendar), calendar, readSecret),
    prometheus: async (format) => exposition.text(await taker.take(clock.nowMs(), false), format),
  });
  const served = await serve(options, reading, store, started);
  renewCertificate = served.renewCertificate;
  return {
    url: served.url,
    madeToken: token,
    store,
    exhausted: exhausted.promise,
    isAlive: () => watch.isTurning('flush'),
    reload: (next) => reloader.apply(next),
    stop: stopAll,
  };
}

/** Charts of the past from InfluxDB where the configuration in force says so, else from the store. */
function historyOf(
  influx: () => InfluxConfig | undefined,
  stored: HistoryReader,
  calendar: Calendar,
  readSecret: ConfigReaders['readSecret'],
): () => HistoryReader {
  return () => {
    const config = influx();
    if (config === undefined || config.dialect === 'victoria-metrics' || config.history === 'store') return stored;
    return {
      read: async (query) => {
        const { influxHistory } = await import('./metrics/influx-history.ts');
        return influxHistory(config, calendar, readSecret).read(query);
      },
    };
  };
}

/** A source whose attempt outlives every deadline is ended; it is tried again like one that was lost. */
function reconnectHanging(tasks: ReadonlyMap<string, SourceTask>, log: Logger): void {
  for (const [source, task] of tasks) {
    if (task.overdueMs === 0) continue;
    log.error({ source, overdueMs: Math.round(task.overdueMs) }, 'the source hangs and is connected anew');
    task.reconnect();
  }
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

/** Where the API is, and how it takes a renewed certificate into use. */
interface Served {
  readonly url: string;
  readonly renewCertificate: () => Promise<void>;
}

async function serve(options: ServiceOptions, reading: Readings, store: Store, started: Started): Promise<Served> {
  const { config, host, port, version, demo, pageFolder, log } = options;
  const { tls, trustedProxies } = config.api;
  const readCertificate = async () => {
    if (tls === undefined) return undefined;
    return { key: await readText(tls.key, 'utf8'), certificate: await readText(tls.certificate, 'utf8') };
  };
  const certificate = await readCertificate().catch(asStartupFailure);
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
  const renewCertificate = async (): Promise<void> => {
    const renewed = await readCertificate();
    if (renewed !== undefined) api.renewCertificate(renewed);
  };
  try {
    const url = await api.listen({ host, port });
    started('API', () => api.close());
    return { url, renewCertificate };
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
