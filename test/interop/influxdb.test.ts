import { beforeAll, describe, expect, test } from 'vitest';
import type { InfluxConfig } from '../../collector/config/config.ts';
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

const SHARED = { interval: 10_000, tags: {}, deviceActivity: false, bufferLines: 1_000_000 } as const;
const AT_MS = 1_767_225_600_000;

function writerTo(config: Partial<InfluxConfig> & { url: string }): { writer: InfluxWriter; told: string[] } {
  const told: string[] = [];
  const tell = (fields: object, message: string): void => void told.push(`${message} ${JSON.stringify(fields)}`);
  const writer = influxWriter({
    config: { ...SHARED, dialect: 'v1', database: 'rollcall', ...config } as InfluxConfig,
    readSecret: (reference) => Promise.resolve(reference.slice('env:'.length)),
    log: { warn: tell, info: tell },
    random: Math.random,
  });
  return { writer, told };
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
    const { writer } = writerTo({ url: influxd.url });
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
      ['protocols'],
      ['source_health'],
    ]);
  });

  test('killed in the middle and started again, has every point exactly once', async () => {
    using folder = temporaryFolder();
    await using influxd = await Influxd.prepare(folder.path);
    await influxd.start();
    await influxd.query('CREATE DATABASE rollcall');
    const { writer } = writerTo({ url: influxd.url });
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
    const { writer } = writerTo({ url: influxd.url });
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
      const { writer } = writerTo({ url: influxd.url, username: 'meter', password: 'env:meter-pass', ...config });
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
    const { writer, told } = writerTo({ url: influxd.url });
    const lines = Array.from({ length: 10_000 }, (_, i) => `m,series=s${i % 10} v=${i}i ${AT_MS + i}`);
    writer.add(lines.with(1_234, `m,series=s4 v=0.5 ${AT_MS + 1_234}`).with(7_777, 'nonsense'), AT_MS);
    writer.start();
    await settled(writer);
    await writer.stop(1_000);
    expect(writer.status).toMatchObject({ rejected: 2, dropped: 0 });
    expect(await influxd.query('SELECT COUNT(v) FROM m', 'rollcall')).toEqual([[0, 9_998]]);
    expect(told.join('\n')).toMatch(/field type conflict/);
    expect(told.join('\n')).toMatch(/unable to parse/);
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
      const { writer } = writerTo({ url, ...dialect });
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
