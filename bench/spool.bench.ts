import { fork } from 'node:child_process';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InfluxDB } from '@influxdata/influxdb-client';
import { systemClock } from '../collector/clock.ts';
import type { InfluxConfig } from '../collector/config/config.ts';
import { LoopWatch } from '../collector/health/loop-watch.ts';
import { InfluxServer } from '../collector/metrics/influx-server.ts';
import { InfluxWriter } from '../collector/metrics/influx-writer.ts';
import { linesOf, pointsOf } from '../collector/metrics/points.ts';
import { SeriesCap } from '../collector/metrics/series-cap.ts';
import type { MetricsSnapshot } from '../collector/metrics/snapshot.ts';
import { folderDisk } from '../collector/metrics/spool/disk.ts';
import { Spool } from '../collector/metrics/spool/spool.ts';
import { temporaryFolder } from '../test/support/folder.ts';
import type { Bench, BenchRow } from './contract.ts';

const DEVICES = 1_000;
const INTERVAL_S = 10;
const START_MS = 1_767_225_600_000;
const LINES = 600_000;
const ROUNDS = 5;
const BATCH_LINES = 10_000;
const CAP_BYTES = 1_073_741_824;
const OUTAGE_HOURS = 72;
const MIN_APPEND_PER_S = 200_000;
const MIN_CATCH_UP = 0.7;

/** How the lines of an outage are kept and sent afterwards. */
export const bench: Bench = {
  name: 'spool',
  about: 'metrics kept on disk while InfluxDB is away, and sent when it is back',
  async run(report) {
    using folder = temporaryFolder();
    await using sink = await startSink();
    const lines = plantLines(LINES);
    const rounds: Round[] = [];
    for (let round = 0; round <= ROUNDS; round += 1) {
      const plain = await plainAppend(`${folder.path}/${round}.txt`, lines);
      const { perSecond, bytesPerLine, spool } = await append(join(folder.path, String(round)), lines);
      const bulk = await bulkWrite(sink, lines);
      const caughtUp = await catchUp(sink, spool);
      // The first round is for the compiler.
      if (round > 0) rounds.push({ plain, append: perSecond, bulk, catchUp: caughtUp, bytesPerLine });
    }
    const mid = (of: (round: Round) => number): number => median(rounds.map(of));
    report({
      name: 'append, one fsync a second',
      measured: mid((round) => round.append),
      baseline: mid((round) => round.plain),
      unit: 'lines/s',
      ratio: mid((round) => round.append / round.plain),
      budget: `≥ ${MIN_APPEND_PER_S.toLocaleString('en')} lines/s`,
      pass: mid((round) => round.append) >= MIN_APPEND_PER_S,
    });
    const ratio = mid((round) => round.catchUp / round.bulk);
    report({
      name: 'catch-up after an outage',
      measured: mid((round) => round.catchUp),
      baseline: mid((round) => round.bulk),
      unit: 'lines/s',
      ratio,
      budget: `≥ ${MIN_CATCH_UP}`,
      pass: ratio >= MIN_CATCH_UP,
    });
    report(roomFor(mid((round) => round.bytesPerLine)));
  },
};

/** Figures of one round, in lines a second; each is taken next to its baseline. */
interface Round {
  readonly plain: number;
  readonly append: number;
  readonly bulk: number;
  readonly catchUp: number;
  readonly bytesPerLine: number;
}

/** What 1,000 devices make in some hours, each with a series of its own. */
function plantLines(count: number): string[] {
  const lines: string[] = [];
  for (let round = 0; lines.length < count; round += 1) {
    for (const line of linesOf(pointsOf(plantAt(round), { site: 'bench' }))) lines.push(line);
  }
  // Flat, as they are when they were read; a string in pieces is put together at every use.
  return Buffer.from(lines.slice(0, count).join('\n')).toString().split('\n');
}

function plantAt(round: number): MetricsSnapshot {
  const [categories, protocols] = [
    ['running', 'processing', 'moving', 'other'],
    ['mqtt', 'modbus', 'opcua'],
  ] as const;
  const varying = (of: number, i: number): number => (Math.imul(round + 1, 2_654_435_761 + i) >>> 8) % of;
  const count = (i: number) => ({ registered: 90, online: 80 + varying(10, i), verified: 70 });
  return {
    atMs: START_MS + round * INTERVAL_S * 1_000,
    connections: categories.flatMap((category, i) =>
      protocols.map((protocol) => ({ category, protocol, enterprise: 'jinhua-textile', liveToday: 85, ...count(i) })),
    ),
    totals: {},
    protocols: protocols.map((family) => ({ family, devices: 300, verified: 280 })),
    sources: Array.from({ length: 20 }, (_, i) => ({
      source: `line-${i}`,
      protocol: protocols[i % 3] ?? 'mqtt',
      isUp: true,
      observations: round * 500 + i,
      bad: varying(50, i),
      reconnects: 2,
      errors: 3,
      dropped: 0,
      lastCycleAgeMs: varying(10_000, i),
      queueDelayMs: 1,
    })),
    activity: Array.from({ length: DEVICES }, (_, i) => ({
      device: `jinhua-machine-${i}`,
      category: categories[i % 4] ?? 'other',
      protocol: protocols[i % 3] ?? 'mqtt',
      observations: round * 10 + varying(10, i),
      bad: varying(3, i),
      rttMs: i % 3 === 0 ? undefined : 2 ** (varying(8, i) + 7) / 1_000,
    })),
    collector: {
      influx: undefined,
      health: { isReady: true, warnings: 0, loops: [], diskFreeBytes: 0, memoryLimitBytes: 0 },
      version: '',
      observations: 0,
      addresses: 0,
      tallyDirty: 12,
      loopLagMs: varying(100, 1) / 10,
      rssBytes: 120_000_000 + varying(9e6, 2),
      storeBytes: 0,
      flushAgeMs: 900,
      flushFailures: 0,
      gaps: 0,
      ledgerSize: 0,
    },
  };
}

/** The baseline of appending: the same text in a plain file. */
async function plainAppend(file: string, lines: readonly string[]): Promise<number> {
  const from = performance.now();
  for (const call of chunks(lines, DEVICES)) await appendFile(file, `${call.join('\n')}\n`);
  return perSecondSince(from, lines.length);
}

/** Lines as the publisher gives them, one snapshot a call. */
async function append(
  folder: string,
  lines: readonly string[],
): Promise<{ readonly perSecond: number; readonly bytesPerLine: number; readonly spool: Spool }> {
  const spool = await Spool.open({
    disk: await folderDisk(folder),
    bounds: { maxBytes: CAP_BYTES, reserveBytes: 0 },
    sync: 'second',
    gapLine: () => '',
    log: { warn: (_, message) => console.error(message) },
  });
  const from = performance.now();
  for (const [i, call] of chunks(lines, DEVICES).entries()) {
    spool.add(call, START_MS + i);
    if (i % 100 === 99) await spool.kept();
  }
  await spool.kept();
  const perSecond = perSecondSince(from, lines.length);
  const { bytes, lines: kept, dropped } = spool.status;
  if (kept !== lines.length || dropped > 0) throw new Error(`${kept} lines kept, ${dropped} dropped`);
  return { perSecond, bytesPerLine: bytes / kept, spool };
}

/** The baseline of catching up: the client library's own bulk writing of the same lines, from memory. */
async function bulkWrite(sink: Sink, lines: readonly string[]): Promise<number> {
  const options = { batchSize: BATCH_LINES, maxRetries: 0 };
  const api = new InfluxDB({ url: sink.url, token: 'x' }).getWriteApi('org', 'bucket', 'ms', options);
  const from = performance.now();
  const before = sink.requests();
  for (const batch of chunks(lines, BATCH_LINES)) {
    api.writeRecords(batch);
    await api.flush();
  }
  await sink.answered(before + lines.length / BATCH_LINES);
  const perSecond = perSecondSince(from, lines.length);
  await api.close();
  return perSecond;
}

/** From the disk to the server's answer. */
async function catchUp(sink: Sink, spool: Spool): Promise<number> {
  const config: InfluxConfig = {
    dialect: 'v2',
    url: sink.url,
    org: 'org',
    bucket: 'bucket',
    token: 'env:X',
    interval: 10_000,
    tags: {},
    deviceActivity: false,
    history: 'store',
    maxSeries: 100_000,
    spool: { place: 'disk', sync: 'second' },
  };
  const writer = new InfluxWriter({
    server: new InfluxServer(config, () => Promise.resolve('x')),
    queue: spool,
    cap: new SeriesCap(config.maxSeries, () => {}),
    loop: new LoopWatch(systemClock).loop('bench', 1),
    setAside: () => Promise.reject(new Error('nothing is refused here')),
    log: { warn: (_, message) => console.error(message), info: () => {} },
    random: Math.random,
  });
  const { lines } = spool.status;
  const from = performance.now();
  writer.start();
  await writer.stop(120_000);
  if (writer.status.written !== lines) throw new Error(`${writer.status.written} of ${lines} lines written`);
  return perSecondSince(from, lines);
}

function perSecondSince(fromMs: number, lines: number): number {
  return (lines / (performance.now() - fromMs)) * 1_000;
}

function median(figures: readonly number[]): number {
  return figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? Number.NaN;
}

function roomFor(bytesPerLine: number): BenchRow {
  const linesPerRound = linesOf(pointsOf(plantAt(0), {})).length;
  const measured = (bytesPerLine * linesPerRound * OUTAGE_HOURS * 3_600) / INTERVAL_S / 1_048_576;
  const baseline = CAP_BYTES / 1_048_576;
  const name = `${OUTAGE_HOURS} h of 1,000 devices, a series each`;
  return {
    name,
    measured,
    baseline,
    unit: 'MiB',
    ratio: measured / baseline,
    budget: '≤ 1',
    pass: measured <= baseline,
  };
}

interface Sink extends AsyncDisposable {
  readonly url: string;
  requests(): number;
  answered(requests: number): Promise<void>;
}

/** In a process of its own, so that it takes no time from the sender. */
async function startSink(): Promise<Sink> {
  const child = fork(fileURLToPath(new URL('./spool/sink.ts', import.meta.url)), { execArgv: [] });
  let [port, requests] = [0, 0];
  let changed: () => void = () => {};
  child.on('message', (message: { readonly port?: number; readonly requests: number }) => {
    port = message.port ?? port;
    requests = message.requests;
    changed();
  });
  const until = async (isTrue: () => boolean): Promise<void> => {
    while (!isTrue()) await new Promise<void>((resolve) => (changed = resolve));
  };
  await until(() => port > 0);
  return {
    url: `http://127.0.0.1:${port}`,
    requests: () => requests,
    answered: (wanted) => until(() => requests >= wanted),
    [Symbol.asyncDispose]: async () => {
      child.disconnect();
      await new Promise((resolve) => child.once('exit', resolve));
    },
  };
}

function chunks(lines: readonly string[], size: number): string[][] {
  return Array.from({ length: Math.ceil(lines.length / size) }, (_, i) => lines.slice(i * size, (i + 1) * size));
}
