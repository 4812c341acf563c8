import { get } from 'sparkplug-payload';
import { describe, expect, test } from 'vitest';
import { BoundedQueue } from '../../../../../protocols/bounded-queue.ts';
import type { SourceEvent } from '../../../../../protocols/contract.ts';
import { DeadLetters } from '../../../../../protocols/mqtt/dead-letters.ts';
import { Intake } from '../../../../../protocols/mqtt/intake.ts';
import { Notices } from '../../../../../protocols/mqtt/notices.ts';
import { PayloadReason } from '../../../../../protocols/mqtt/payload-reason.ts';
import { Probes } from '../../../../../protocols/mqtt/probes.ts';
import { Routes } from '../../../../../protocols/mqtt/routes.ts';
import { SparkplugHost } from '../../../../../protocols/mqtt/sparkplug/host.ts';
import { Quality } from '../../../../../protocols/observation.ts';
import { until } from '../../../../support/wait.ts';
import { testConfig, testContext } from '../support.ts';

const tahu = get('spBv1.0');
if (!tahu) throw new Error('the peer speaks spBv1.0');
type Metrics = NonNullable<Parameters<typeof tahu.encodePayload>[0]['metrics']>;

const NOW_MS = Date.parse('2026-11-24T08:00:00Z');
const LOAD: Metrics = [{ name: 'load', type: 'Double', value: 1 }];

/** A host application over a queue, and an edge node to drive it. */
function hostUnderTest(sparkplug: Record<string, unknown> = {}, options: { maxAddresses?: number } = {}) {
  const clock = { at: NOW_MS, nowMs: () => clock.at, monotonicMs: () => clock.at };
  const context = testContext({ clock, ...options });
  const config = testConfig('mqtt://broker', { topics: [], sparkplug: { reorderTimeout: '50ms', ...sparkplug } });
  const queue = new BoundedQueue(clock, 64);
  const events: SourceEvent[] = [];
  const commands: { topic: string; payload: Uint8Array }[] = [];
  const emit = (event: SourceEvent): void => {
    events.push(event);
  };
  const routes = new Routes(config, context.addresses);
  const probes = new Probes(clock);
  const notices = new Notices(emit, new DeadLetters(clock));
  if (config.sparkplug === undefined) throw new Error('there is Sparkplug');
  const host = new SparkplugHost({
    config: config.sparkplug,
    limits: config.limits,
    queue,
    emit,
    routes,
    probes,
    notices,
    clock,
    publish: (topic, payload) => commands.push({ topic, payload }) > 0,
  });
  const intake = new Intake({
    queue,
    emit,
    routes,
    probes,
    notices,
    clock,
    sparkplug: host,
    onOwnStatus: () => {},
  });
  let seq = 0;
  const send = (path: string, payload: object, packet = { retain: false, dup: false }): void => {
    const bytes = tahu?.encodePayload({ timestamp: clock.at, ...payload }) ?? new Uint8Array();
    intake.received(`spBv1.0/G/${path}`, Buffer.from(bytes), packet);
  };
  const bdSeqMetric = (value: number): Metrics => [{ name: 'bdSeq', type: 'UInt64', value }];
  return {
    clock,
    context,
    events,
    commands,
    host,
    intake,
    probes,
    send,
    /** Sends with the next sequence number. */
    next: (path: string, metrics: Metrics, more: object = {}) => {
      seq = (seq + 1) % 256;
      send(path, { metrics, seq, ...more });
    },
    skip: (count = 1) => {
      seq = (seq + count) % 256;
    },
    nbirth: (bdSeq = 0, metrics: Metrics = LOAD, more: object = {}) => {
      seq = 0;
      send('NBIRTH/E', { seq: 0, metrics: [...bdSeqMetric(bdSeq), ...metrics], ...more });
    },
    ndeath: (bdSeq = 0) => send('NDEATH/E', { metrics: bdSeqMetric(bdSeq) }),
    deaths: () => events.flatMap((event) => (event.kind === 'death' ? [context.bound[event.address]] : [])),
    notice: (code: string) => events.find((event) => event.kind === 'notice' && event.code === code),
    async rows() {
      host.stop();
      const rows: { address: string | undefined; quality: number; reason: number; points: number }[] = [];
      queue.fail(new Error('read out'));
      try {
        for await (const { observations, events: told } of queue.batches(new AbortController().signal)) {
          events.push(...told);
          for (let i = 0; i < observations.length; i++) {
            rows.push({
              address: context.bound[observations.address[i] ?? -1],
              quality: observations.quality[i] ?? -1,
              reason: observations.statusCode[i] ?? -1,
              points: observations.points[i] ?? -1,
            });
          }
        }
      } catch {
        // the end that was asked for above
      }
      return rows;
    },
  };
}

describe('births and data', () => {
  test('are good observations of the node and of each device, under GROUP/NODE/DEVICE', async () => {
    const t = hostUnderTest();
    t.nbirth(0);
    t.next('DBIRTH/E/D1', [{ name: 'speed', alias: 1, type: 'Double', value: 1 }]);
    t.next('DDATA/E/D1', [{ alias: 1, type: 'Double', value: 2 }]);
    t.next('NDATA/E', LOAD);
    expect(await t.rows()).toEqual([
      { address: 'G/E', quality: Quality.good, reason: 0, points: 1 },
      { address: 'G/E/D1', quality: Quality.good, reason: 0, points: 1 },
      { address: 'G/E/D1', quality: Quality.good, reason: 0, points: 1 },
      { address: 'G/E', quality: Quality.good, reason: 0, points: 1 },
    ]);
    expect(t.context.lines).toEqual(['sparkplug 3.0 direct', 'sparkplug 3.0 direct']);
  });

  test('of devices behind another protocol are relayed', () => {
    const t = hostUnderTest({ relayed: { family: 'modbus', variant: 'tcp' }, prefix: 'sp' });
    t.nbirth(0);
    t.next('DBIRTH/E/D1', LOAD);
    expect(t.context.bound).toEqual(['sp/G/E', 'sp/G/E/D1']);
    expect(t.context.lines).toEqual(['sparkplug 3.0 direct', 'modbus tcp relayed']);
  });

  test('with bdSeq and controls only are a status, not values', async () => {
    const t = hostUnderTest();
    t.nbirth(0, [{ name: 'Node Control/Rebirth', type: 'Boolean', value: false }]);
    expect(await t.rows()).toMatchObject([{ quality: Quality.weightless, reason: PayloadReason.statusOnly }]);
  });

  test('retained or delivered again weigh nothing and change nothing', async () => {
    const t = hostUnderTest();
    t.send('NBIRTH/E', { seq: 0, metrics: LOAD }, { retain: true, dup: false });
    t.send('NDEATH/E', { metrics: [{ name: 'bdSeq', type: 'UInt64', value: 0 }] }, { retain: true, dup: false });
    t.send('DDATA/E/D1', { seq: 1, metrics: LOAD }, { retain: false, dup: true });
    expect((await t.rows()).map(({ quality }) => quality)).toEqual([3, 3, 3]);
    expect(t.deaths()).toEqual([]);
  });

  test('of an earlier time weigh nothing; of bad quality they are bad', async () => {
    const t = hostUnderTest();
    t.nbirth(0);
    t.next('NDATA/E', [{ name: 'load', type: 'Double', value: 1, isHistorical: true }]);
    t.next('NDATA/E', [
      { name: 'load', type: 'Double', value: 1, properties: { Quality: { type: 'Int32', value: 500 } } },
    ]);
    expect((await t.rows()).slice(1)).toMatchObject([
      { quality: Quality.weightless, reason: PayloadReason.historical },
      { quality: Quality.bad, reason: PayloadReason.saidSo },
    ]);
  });

  test('alias without birth: uncertain, because nobody can tell which value it is', async () => {
    const t = hostUnderTest();
    t.next('DDATA/E/D1', [{ alias: 9, type: 'Double', value: 1 }]);
    t.next('DDATA/E/D1', [{ name: 'speed', type: 'Double', value: 1 }]);
    expect(await t.rows()).toMatchObject([
      { quality: Quality.uncertain, reason: PayloadReason.unknownAlias },
      { quality: Quality.good },
    ]);
    expect(t.notice('birth-missed')).toMatchObject({ hint: expect.stringContaining('rebirth: allowed') });
    expect(t.commands).toEqual([]);
  });

  test('that are no payload are bad observations of whom the topic names', async () => {
    const t = hostUnderTest();
    t.intake.received('spBv1.0/G/DDATA/E/D1', Buffer.from([0xff]), { retain: false, dup: false });
    expect(await t.rows()).toMatchObject([
      { address: 'G/E/D1', quality: Quality.bad, reason: PayloadReason.unreadable },
    ]);
  });

  test.each([
    'spBv1.0/G/NBIRTH',
    'spBv1.0/G/NBIRTH/E/D',
    'spBv1.0/G/DDATA/E',
    'spBv1.0/G/DDATA/E/D/more',
    'spBv1.0/G/XDATA/E',
    'spBv1.0/STATE/host',
    'spBv1.0//NDATA/E',
    'spBv1.0/G/NCMD/E',
  ])('on %s are nobody’s', async (topic) => {
    const t = hostUnderTest();
    t.intake.received(topic, Buffer.alloc(0), { retain: false, dup: false });
    expect(await t.rows()).toEqual([]);
    expect(t.context.bound).toEqual([]);
  });

  test('in a flood of invented nodes take no more addresses than the source may have', async () => {
    const t = hostUnderTest({}, { maxAddresses: 5 });
    for (let i = 0; i < 100; i++) t.send(`NDATA/E${i}`, { seq: 0, metrics: LOAD });
    expect(await t.rows()).toHaveLength(5);
    expect(t.events.find(({ kind }) => kind === 'gap')).toMatchObject({ dropped: 95 });
  });
});

describe('identity', () => {
  test('is said by a birth, from metrics and from their properties', () => {
    const t = hostUnderTest({ claims: { serialNumber: ['Nameplate#serial'], type: ['Kind'] } });
    t.nbirth(0);
    t.next('DBIRTH/E/D1', [
      { name: 'Properties/Hardware Make', type: 'String', value: 'Yunfeng' },
      { name: 'Properties/Hardware Model', type: 'String', value: 'SC-75' },
      { name: 'Kind', type: 'String', value: 'air-compressor' },
      { name: 'Nameplate', type: 'String', value: 'x', properties: { serial: { type: 'String', value: 'SN-1' } } },
      { name: 'Properties/Simulated', type: 'Boolean', value: true },
    ]);
    const said = t.events.flatMap((event) => (event.kind === 'identity' ? [event] : []));
    expect(said).toMatchObject([
      {
        identification: {
          method: 'Sparkplug birth',
          claims: {
            manufacturer: 'Yunfeng',
            model: 'SC-75',
            deviceType: 'air-compressor',
            serialNumber: 'SN-1',
            simulated: true,
          },
        },
      },
    ]);
  });
});

describe('deaths', () => {
  test('node death implies its devices', () => {
    const t = hostUnderTest();
    t.nbirth(3);
    t.next('DBIRTH/E/D1', LOAD);
    t.next('DBIRTH/E/D2', LOAD);
    t.ndeath(3);
    expect(t.deaths()).toEqual(['G/E', 'G/E/D1', 'G/E/D2']);
  });

  test('DDEATH is the death of the device alone', () => {
    const t = hostUnderTest();
    t.nbirth(0);
    t.next('DBIRTH/E/D1', LOAD);
    t.next('DDEATH/E/D1', []);
    expect(t.deaths()).toEqual(['G/E/D1']);
  });

  test('late will overtaking a rebirth: it does not kill the node that is back', async () => {
    const t = hostUnderTest();
    t.nbirth(4);
    t.clock.at += 1_000;
    t.nbirth(5);
    t.ndeath(4);
    t.next('NDATA/E', LOAD);
    expect(t.deaths()).toEqual([]);
    expect((await t.rows()).at(-1)).toMatchObject({ quality: Quality.good });
  });

  test('a late birth does not revive the node: of an older session, or of the one whose death was seen', async () => {
    const t = hostUnderTest();
    const oldMs = t.clock.at - 2_000;
    t.nbirth(5);
    t.ndeath(5);
    t.nbirth(4, LOAD, { timestamp: oldMs });
    t.nbirth(5);
    const rows = await t.rows();
    expect(rows.slice(1)).toMatchObject([
      { quality: Quality.weightless, reason: PayloadReason.lateBirth },
      { quality: Quality.weightless, reason: PayloadReason.lateBirth },
    ]);
    expect(t.deaths()).toEqual(['G/E']);
  });

  test('a node that never counts its sessions can be born again all the same', async () => {
    const t = hostUnderTest();
    t.nbirth(0);
    t.ndeath(0);
    t.clock.at += 10_000;
    t.nbirth(0);
    expect((await t.rows()).at(-1)).toMatchObject({ quality: Quality.good });
  });

  test('a node whose clock was set back by a day can be born', async () => {
    const t = hostUnderTest();
    t.nbirth(0);
    t.nbirth(1, LOAD, { timestamp: NOW_MS - 86_400_000 });
    expect((await t.rows()).at(-1)).toMatchObject({ quality: Quality.good });
  });

  test('what was on the way when the node died does not make it live', async () => {
    const t = hostUnderTest();
    t.nbirth(0);
    t.next('DBIRTH/E/D1', LOAD);
    t.ndeath(0);
    t.next('DDATA/E/D1', LOAD);
    t.clock.at += 10_000;
    t.next('DDATA/E/D1', LOAD);
    expect((await t.rows()).slice(2)).toMatchObject([
      { quality: Quality.weightless, reason: PayloadReason.afterDeath },
      { quality: Quality.good },
    ]);
  });
});

describe('order', () => {
  test('a DDEATH that overtakes data waits for it', async () => {
    const t = hostUnderTest();
    t.nbirth(0);
    t.next('DBIRTH/E/D1', LOAD);
    t.send('DDEATH/E/D1', { seq: 3, metrics: [] });
    expect(t.deaths()).toEqual([]);
    t.send('DDATA/E/D1', { seq: 2, metrics: LOAD });
    expect(t.deaths()).toEqual(['G/E/D1']);
    expect(t.notice('sequence-gap')).toBeUndefined();
  });

  test('seq gap: what came after it is taken when the wait is over, and the gap is told', async () => {
    const t = hostUnderTest({ rebirth: 'allowed' });
    t.nbirth(0);
    t.skip();
    t.next('NDATA/E', LOAD);
    expect(t.notice('sequence-gap')).toBeUndefined();
    await until('the end of the wait', () => t.notice('sequence-gap') !== undefined);
    expect(t.commands.map(({ topic }) => topic)).toEqual(['spBv1.0/G/NCMD/E']);
    expect(await t.rows()).toHaveLength(2);
  });

  test('a node that leaves hundreds of holes holds no more than a window', async () => {
    const t = hostUnderTest();
    t.nbirth(0);
    for (let i = 0; i < 500; i++) {
      t.skip();
      t.next('NDATA/E', LOAD);
    }
    expect((await t.rows()).length).toBeGreaterThan(500 - 65);
  });
});

describe('rebirth requests', () => {
  test('are never sent unless allowed, and slowly then', () => {
    const t = hostUnderTest({ rebirth: 'allowed' });
    for (let i = 0; i < 100; i++) {
      t.clock.at += 1_000;
      t.next('NDATA/E', LOAD);
    }
    // at once, after one minute; the next would be two minutes later
    expect(t.commands).toHaveLength(2);
    expect(tahu.decodePayload(t.commands[0]?.payload ?? new Uint8Array()).metrics).toMatchObject([
      { name: 'Node Control/Rebirth', value: true },
    ]);
    t.nbirth(0);
    t.next('NDATA/E', LOAD);
    expect(t.commands).toHaveLength(2);
  });

  test('go to 30 nodes a minute when a whole plant comes back', () => {
    const t = hostUnderTest({ rebirth: 'allowed' });
    for (let i = 0; i < 200; i++) t.send(`NDATA/E${i}`, { seq: 0, metrics: LOAD });
    expect(t.commands).toHaveLength(30);
  });

  test('are the question of a roll call, which the device answers', async () => {
    const t = hostUnderTest({ rebirth: 'allowed' });
    t.nbirth(0);
    t.next('DBIRTH/E/D1', LOAD);
    const request = t.host.askForBirth('G/E/D1');
    expect(request).toBeInstanceOf(Uint8Array);
    const asked = t.probes.next('G/E/D1', AbortSignal.timeout(5_000), request);
    t.clock.at += 40;
    t.nbirth(0);
    t.next('DBIRTH/E/D1', LOAD);
    const answer = await asked;
    expect(answer).toMatchObject({ roundTripUs: 40_000, values: { '/load': '1' }, request });
    expect(tahu.decodePayload(answer.response).metrics).toMatchObject([{ name: 'load' }]);
  });
});

describe('a new connection', () => {
  test('knows nothing of births before it: aliases are uncertain until the next birth', async () => {
    const first = hostUnderTest();
    first.nbirth(0, [{ name: 'load', alias: 1, type: 'Double', value: 1 }]);
    const second = hostUnderTest();
    second.next('NDATA/E', [{ alias: 1, type: 'Double', value: 1 }]);
    expect(await second.rows()).toMatchObject([{ quality: Quality.uncertain }]);
  });
});
