import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../collector/clock.ts';
import type { InfluxConfig } from '../../collector/config/config.ts';
import { LoopWatch } from '../../collector/health/loop-watch.ts';
import { influxWriter } from '../../collector/metrics/influx.ts';
import type { InfluxWriter } from '../../collector/metrics/influx-writer.ts';
import { linesOf, pointsOf } from '../../collector/metrics/points.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Influxd } from '../support/influxd.ts';
import { freePort } from '../support/port.ts';
import { Program } from '../support/program.ts';
import { snapshotOf } from '../support/snapshot.ts';
import { until } from '../support/wait.ts';
import { requirePeer } from './peers.ts';

const AT_MS = 1_767_225_600_000;
const WRITER = fileURLToPath(new URL('../support/spool-writer.ts', import.meta.url));
const FULL_DISK = fileURLToPath(new URL('../support/full-disk.ts', import.meta.url));

interface Writing {
  readonly writer: InfluxWriter;
  readonly told: string[];
  readonly folder: string;
  [Symbol.dispose](): void;
}

async function writerTo(config: Partial<InfluxConfig> & { url: string }): Promise<Writing> {
  const folder = temporaryFolder();
  const told: string[] = [];
  const tell = (fields: object, message: string): void => void told.push(`${message} ${JSON.stringify(fields)}`);
  const shared = {
    interval: 10_000,
    tags: {},
    deviceActivity: false,
    history: 'store',
    maxSeries: 100_000,
    spool: { place: 'disk', sync: 'second' },
  };
  const writer = await influxWriter({
    config: { ...shared, dialect: 'v1', database: 'rollcall', ...config } as InfluxConfig,
    folder: folder.path,
    readSecret: (reference) => Promise.resolve(reference.slice('env:'.length)),
    clock: systemClock,
    log: { warn: tell, info: tell },
    random: Math.random,
    watch: new LoopWatch(systemClock),
  });
  return { writer, told, folder: folder.path, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

const settled = (writer: InfluxWriter): Promise<void> =>
  until('every line is settled', () => writer.status.lines === 0, 60_000);

describe('InfluxDB 1', () => {
  beforeAll(() => requirePeer('influxd'));

  test('has what a snapshot says, as integers where integers are promised', async () => {
    using folder = temporaryFolder();
    await using influxd = await Influxd.prepare(folder.path);
    await influxd.start();
    await influxd.query('CREATE DATABASE rollcall');
    using writing = await writerTo({ url: influxd.url });
    const { writer } = writing;
    writer.add(linesOf(pointsOf(snapshotOf(), { city: '苏州 "园区", a=b\\' })), AT_MS);
    writer.start();
    await settled(writer);
    await writer.stop(1_000);
    expect(
      await influxd.query('SELECT registered, online, live_today, verified, city FROM device_connections', 'rollcall'),
    ).toEqual([[AT_MS, 3, 2, 2, 1, '苏州 "园区", a=b/']]);
    expect(await influxd.query('SELECT up, last_cycle_age_ms FROM source_health', 'rollcall')).toEqual([
      [AT_MS, 1, 250],
    ]);
    expect(await influxd.query('SHOW FIELD KEYS FROM device_connections', 'rollcall')).toEqual(
      ['live_today', 'online', 'registered', 'verified'].map((field) => [field, 'integer']),
    );
    expect(await influxd.query('SHOW FIELD KEYS FROM collector', 'rollcall')).toContainEqual(['spool_lag_s', 'float']);
    expect(await influxd.query('SHOW MEASUREMENTS', 'rollcall')).toEqual([
      ['collector'],
      ['device_connections'],
      ['devices'],
      ['protocols'],
      ['source_health'],
    ]);
  });

  test('killed in the middle and started again, has every point exactly once', async () => {
    using folder = temporaryFolder();
    await using influxd = await Influxd.prepare(folder.path);
    await influxd.start();
    await influxd.query('CREATE DATABASE rollcall');
    using writing = await writerTo({ url: influxd.url });
    const { writer } = writing;
    writer.start();
    const total = 120_000;
    for (let i = 0; i < total; i += 1_000) {
      writer.add(
        Array.from({ length: 1_000 }, (_, j) => `m,series=s${(i + j) % 100} v=${i + j}i ${AT_MS + i + j}`),
        AT_MS + i,
      );
      if (i === 30_000) await until('some lines are stored', () => writer.status.written > 0);
      if (i === 40_000) await influxd.kill();
      if (i === 80_000) await influxd.start();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await settled(writer);
    await writer.stop(1_000);
    expect(writer.status).toMatchObject({ dropped: 0, rejected: 0, failure: undefined });
    expect(await influxd.query('SELECT COUNT(v), SUM(v) FROM m', 'rollcall')).toEqual([
      [0, total, (total * (total - 1)) / 2],
    ]);
  });

  test('without the database says so, and is given everything once it is created', async () => {
    using folder = temporaryFolder();
    await using influxd = await Influxd.prepare(folder.path);
    await influxd.start();
    using writing = await writerTo({ url: influxd.url });
    const { writer } = writing;
    writer.add([`m v=1i ${AT_MS}`], AT_MS);
    writer.start();
    await until('the failure is told', () => writer.status.failure !== undefined);
    expect(writer.status.failure).toEqual({
      message: `writing metrics to ${influxd.url}: 404 database not found: "rollcall"`,
      hint: 'create database rollcall, or name another',
    });
    await influxd.query('CREATE DATABASE rollcall');
    await writer.stop(5_000);
    expect(await influxd.query('SELECT v FROM m', 'rollcall')).toEqual([[AT_MS, 1]]);
  });

  test('with a retention policy and a user takes them, and names what is wrong with either', async () => {
    using folder = temporaryFolder();
    await using influxd = await Influxd.prepare(folder.path, { auth: { user: 'root', password: 'r00t-pass' } });
    await influxd.start();
    await influxd.query("CREATE USER root WITH PASSWORD 'r00t-pass' WITH ALL PRIVILEGES");
    await influxd.query('CREATE DATABASE rollcall');
    await influxd.query('CREATE RETENTION POLICY long ON rollcall DURATION INF REPLICATION 1');
    await influxd.query("CREATE USER meter WITH PASSWORD 'meter-pass'");
    const failureOf = async (config: object): Promise<unknown> => {
      using writing = await writerTo({ url: influxd.url, username: 'meter', password: 'env:meter-pass', ...config });
      const { writer } = writing;
      writer.add([`m v=1i ${AT_MS}`], AT_MS);
      writer.start();
      await until('an answer', () => writer.status.failure !== undefined || writer.status.written > 0);
      const { failure } = writer.status;
      await writer.stop(1_000);
      return failure;
    };
    expect(await failureOf({ password: 'env:wrong' })).toMatchObject({
      hint: 'check the token, or user and password, in the configuration',
    });
    expect(await failureOf({})).toMatchObject({ hint: 'allow writing to database rollcall' });
    await influxd.query('GRANT WRITE ON rollcall TO meter');
    expect(await failureOf({ retentionPolicy: 'nowhere' })).toMatchObject({
      hint: 'create the retention policy in database rollcall, or name another',
    });
    expect(await failureOf({ retentionPolicy: 'long' })).toBeUndefined();
    expect(await influxd.query('SELECT v FROM rollcall.long.m', 'rollcall')).toEqual([[AT_MS, 1]]);
  });

  test('that refuses some lines has all the others, and the refused ones are told with its words', async () => {
    using folder = temporaryFolder();
    await using influxd = await Influxd.prepare(folder.path);
    await influxd.start();
    await influxd.query('CREATE DATABASE rollcall');
    using writing = await writerTo({ url: influxd.url });
    const { writer, told, folder: own } = writing;
    const lines = Array.from({ length: 10_000 }, (_, i) => `m,series=s${i % 10} v=${i}i ${AT_MS + i}`);
    writer.add(lines.with(1_234, `m,series=s4 v=0.5 ${AT_MS + 1_234}`).with(7_777, 'nonsense'), AT_MS);
    writer.start();
    await settled(writer);
    await writer.stop(1_000);
    expect(writer.status).toMatchObject({ rejected: 2, dropped: 0 });
    expect(await influxd.query('SELECT COUNT(v) FROM m', 'rollcall')).toEqual([[0, 9_998]]);
    expect(told.join('\n')).toMatch(/field type conflict/);
    expect(told.join('\n')).toMatch(/unable to parse/);
    const refused = readFileSync(join(own, 'refused.lines'), 'utf8');
    expect(refused).toContain(`m,series=s4 v=0.5 ${AT_MS + 1_234}`);
    expect(refused).toMatch(/# .* 1 lines: 400 .*unable to parse 'nonsense'.*\nnonsense\n/);
  });
});

/** Half an hour at 5,000 points a second. */
const OUTAGE_POINTS = 9_000_000;

describe('the spool', () => {
  beforeAll(() => requirePeer('influxd'));

  test('has every point exactly once after half an hour without InfluxDB, with both ends killed in between', async () => {
    using folder = temporaryFolder();
    using data = temporaryFolder();
    await using influxd = await Influxd.prepare(data.path);
    /** Adds points from where the last one was sure to be on disk, until it is killed or all are written. */
    const writing = (first: number): Program =>
      new Program(process.execPath, [WRITER, folder.path, influxd.url, String(first), String(OUTAGE_POINTS)]);
    const kept = (program: Program): number => Number([...program.output.matchAll(/has (\d+);/g)].at(-1)?.[1] ?? 0);
    const killedAt = async (first: number, share: number): Promise<number> => {
      await using program = writing(first);
      await until(
        `${share} of the points on disk`,
        () => kept(program) >= OUTAGE_POINTS * share || program.hasExited,
        240_000,
      );
      program.kill('SIGKILL');
      await program.exited();
      return kept(program);
    };
    let first = 0;
    for (const share of [0.1, 0.35, 0.6]) first = await killedAt(first, share);

    await influxd.start();
    await influxd.query('CREATE DATABASE rollcall');
    first = await killedAt(first, 0.8);
    await using last = writing(first);
    await last.says(/added all/, 240_000);
    await influxd.kill();
    await last.says(/ECONNREFUSED|socket hang up|ECONNRESET/, 60_000);
    await influxd.start();
    const [, written] = await last.says(/done: written (\d+), rejected 0, dropped 0/, 400_000);
    expect(await last.exited()).toBe(0);
    expect(Number(written)).toBeGreaterThan(0);
    const sum = (OUTAGE_POINTS * (OUTAGE_POINTS - 1)) / 2;
    expect(await influxd.query('SELECT COUNT(v), SUM(v) FROM m', 'rollcall')).toEqual([[0, OUTAGE_POINTS, sum]]);
  }, 900_000);

  test('on a disk of 8 MB survives that it is full, and leaves the evidence what it needs', async () => {
    using folder = temporaryFolder();
    const onSmallDisk = async (evidenceBytes: number, reserveBytes: number): Promise<Record<string, unknown>> => {
      const mounted = 'mount -t tmpfs -o size=8m tmpfs "$1" && exec "$2" "$3" "$1" "$4" "$5"';
      const shell = [
        '-rm',
        'sh',
        '-c',
        mounted,
        'sh',
        folder.path,
        process.execPath,
        FULL_DISK,
        String(evidenceBytes),
        String(reserveBytes),
      ];
      await using program = new Program('unshare', shell);
      const [, found = ''] = await program.says(/^(\{.*\})$/m, 120_000);
      return JSON.parse(found) as Record<string, unknown>;
    };
    const alone = await onSmallDisk(0, 0);
    expect(alone).toMatchObject({ added: 400_000, newest: 399_999 });
    expect(Number(alone['dropped'])).toBeGreaterThan(0);
    expect(Number(alone['kept']) + Number(alone['dropped'])).toBeGreaterThanOrEqual(400_000);

    const beside = await onSmallDisk(4_000_000, 268_435_456);
    expect(beside).toMatchObject({ newest: 399_999, evidenceWritten: 4_000_000, told: [] });
    expect(Number(beside['kept'])).toBeLessThan(Number(alone['kept']));

    const crowded = await onSmallDisk(7_900_000, 268_435_456);
    expect(crowded).toMatchObject({ evidenceWritten: 7_900_000 });
  });
});

describe('VictoriaMetrics', () => {
  beforeAll(() => requirePeer('victoria-metrics'));

  test.each([
    ['v1', { dialect: 'v1', database: 'rollcall' }],
    ['v2', { dialect: 'v2', org: 'plant', bucket: 'rollcall', token: 'env:any' }],
  ] as const)(
    'takes dialect %s, and has every point exactly once after it was stopped and started again',
    async (_, dialect) => {
      using folder = temporaryFolder();
      const port = await freePort();
      const url = `http://127.0.0.1:${port}`;
      const start = async (): Promise<Program> => {
        const program = new Program('victoria-metrics', [
          `-storageDataPath=${folder.path}`,
          `-httpListenAddr=127.0.0.1:${port}`,
          '-retentionPeriod=100y',
        ]);
        await until(
          'victoria-metrics to answer',
          async () => (await fetch(`${url}/health`).catch(() => undefined))?.status === 200,
          30_000,
        );
        return program;
      };
      using writing = await writerTo({ url, ...dialect });
      const { writer } = writing;
      const total = 20_000;
      writer.add(
        Array.from({ length: total / 2 }, (_, i) => `m,series=s${i % 10} v=${i}i ${AT_MS + i}`),
        AT_MS,
      );
      const first = await start();
      writer.start();
      await settled(writer);
      // It is ended in order: it answers before it has written to disk, and a kill takes the last seconds with it.
      await first[Symbol.asyncDispose]();
      writer.add(
        Array.from({ length: total / 2 }, (_, j) => total / 2 + j).map(
          (i) => `m,series=s${i % 10} v=${i}i ${AT_MS + i}`,
        ),
        AT_MS,
      );
      await until('the server is missed', () => writer.status.failure !== undefined);
      await using _second = await start();
      await settled(writer);
      await writer.stop(1_000);
      await fetch(`${url}/internal/force_flush`);
      const exported = await (await fetch(`${url}/api/v1/export?match[]=m_v&start=0`)).text();
      const rows = exported
        .trim()
        .split('\n')
        .map((row) => JSON.parse(row) as { values: number[]; timestamps: number[] });
      const points = rows.flatMap(({ values, timestamps }) => values.map((value, i) => `${value}@${timestamps[i]}`));
      expect(rows).toHaveLength(10);
      expect(points).toHaveLength(total);
      expect(new Set(points)).toEqual(new Set(Array.from({ length: total }, (_, i) => `${i}@${AT_MS + i}`)));
    },
  );
});
