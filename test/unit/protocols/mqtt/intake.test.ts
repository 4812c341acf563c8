import { describe, expect, test } from 'vitest';
import { BoundedQueue } from '../../../../protocols/bounded-queue.ts';
import type { SourceEvent } from '../../../../protocols/contract.ts';
import { DeadLetters } from '../../../../protocols/mqtt/dead-letters.ts';
import { Intake } from '../../../../protocols/mqtt/intake.ts';
import { Notices } from '../../../../protocols/mqtt/notices.ts';
import { PayloadReason } from '../../../../protocols/mqtt/payload-reason.ts';
import { Probes } from '../../../../protocols/mqtt/probes.ts';
import { Routes } from '../../../../protocols/mqtt/routes.ts';
import { Quality } from '../../../../protocols/observation.ts';
import { testConfig, testContext } from './support.ts';

const FRESH = { retain: false, dup: false };
const TOPIC = 'plants/north/press-7/telemetry';
const NOW_MS = Date.parse('2026-11-24T08:00:00Z');

interface Row {
  readonly address: string;
  readonly quality: number;
  readonly statusCode: number;
  readonly points: number;
  readonly sourceAtMs: number;
}

/** An intake over a queue that is read out at the end of a test. */
function intakeUnderTest(change: Record<string, unknown> = {}, options: { maxAddresses?: number } = {}) {
  const clock = { at: NOW_MS, nowMs: () => clock.at, monotonicMs: () => clock.at };
  const context = testContext({ clock, ...options });
  const config = testConfig('mqtt://broker', change);
  const queue = new BoundedQueue(clock, 64);
  const events: SourceEvent[] = [];
  const emit = (event: SourceEvent): void => {
    events.push(event);
  };
  const probes = new Probes(clock);
  const deadLetters = new DeadLetters(clock);
  let echoes = 0;
  const intake = new Intake({
    queue,
    emit,
    routes: new Routes(config, context.addresses),
    probes,
    notices: new Notices(emit, deadLetters),
    clock,
    sparkplug: undefined,
    onOwnStatus: () => {
      echoes += 1;
    },
  });
  return {
    intake,
    clock,
    context,
    events,
    probes,
    deadLetters,
    echoes: () => echoes,
    send: (payload: unknown, topic = TOPIC, packet = FRESH) =>
      intake.received(topic, Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)), packet),
    async rows(): Promise<Row[]> {
      const rows: Row[] = [];
      const stop = new AbortController();
      queue.fail(new Error('read out'));
      try {
        for await (const { observations, events: told } of queue.batches(stop.signal)) {
          events.push(...told);
          for (let i = 0; i < observations.length; i++) {
            rows.push({
              address: context.bound[observations.address[i] ?? -1] ?? '?',
              quality: observations.quality[i] ?? -1,
              statusCode: observations.statusCode[i] ?? -1,
              points: observations.points[i] ?? -1,
              sourceAtMs: observations.sourceAtMs[i] ?? -1,
            });
          }
        }
      } catch {
        // the end that was asked for above
      }
      return rows;
    },
    notice: (code: string) => events.find((event) => event.kind === 'notice' && event.code === code),
  };
}

describe('R3: what a message weighs', () => {
  test('a fresh publish on its own topic is good', async () => {
    const t = intakeUnderTest();
    t.send({ ts: NOW_MS, metrics: { load: 1 } });
    expect(await t.rows()).toEqual([
      { address: 'north/press-7', quality: Quality.good, statusCode: 0, points: 1, sourceAtMs: NOW_MS },
    ]);
    expect(t.context.lines).toEqual(['mqtt 3.1.1 direct']);
  });

  test.each([
    ['a retained message', { retain: true, dup: false }, PayloadReason.retained],
    ['a QoS 1 duplicate', { retain: false, dup: true }, PayloadReason.duplicate],
    ['a retained broken message', { retain: true, dup: true }, PayloadReason.retained],
  ])('%s weighs nothing', async (_what, packet, statusCode) => {
    const t = intakeUnderTest();
    t.send({ metrics: { load: 1 } }, TOPIC, packet);
    expect(await t.rows()).toMatchObject([{ quality: Quality.weightless, statusCode }]);
  });

  test('what waited at the broker while we were away weighs nothing', async () => {
    const t = intakeUnderTest();
    t.intake.backlog = true;
    t.send({ metrics: { load: 1 } });
    t.intake.backlog = false;
    t.send({ metrics: { load: 2 } });
    expect(await t.rows()).toMatchObject([
      { quality: Quality.weightless, statusCode: PayloadReason.queued },
      { quality: Quality.good },
    ]);
  });

  test('a message of a relayed device with the time of the one before weighs nothing', async () => {
    const topics = [{ template: 'gw/{device}', values: '/v', time: '/t', relayed: { family: 's7' } }];
    const t = intakeUnderTest({ topics });
    for (const time of [1, 1, 2, 1]) t.send({ t: NOW_MS + time, v: 1 }, 'gw/plc');
    t.send({ v: 1 }, 'gw/plc');
    t.send({ v: 1 }, 'gw/plc');
    const codes = (await t.rows()).map(({ statusCode }) => statusCode);
    expect(codes).toEqual([0, PayloadReason.sameTime, 0, 0, 0, 0]);
    expect(t.context.lines).toEqual(['s7  relayed']);
  });

  test('the clock of a device one year ahead changes nothing but a notice', async () => {
    const t = intakeUnderTest();
    t.send({ ts: NOW_MS + 365 * 86_400_000, metrics: { load: 1 } });
    expect(await t.rows()).toMatchObject([{ quality: Quality.good }]);
    expect(t.notice('clock-skew')).toMatchObject({
      level: 'warning',
      message: 'the time in messages of north/press-7 is 525600 min ahead of ours',
    });
  });
});

describe('a bad payload', () => {
  test('is a bad observation, and is told once a minute with how often it happened', async () => {
    const t = intakeUnderTest();
    for (let i = 0; i < 1_000; i++) t.send('{"metrics":{"load":');
    t.clock.at += 60_000;
    t.send('{');
    const rows = await t.rows();
    expect(rows).toHaveLength(1_001);
    expect(
      rows.every(({ quality, statusCode }) => quality === Quality.bad && statusCode === PayloadReason.unreadable),
    ).toBe(true);
    const told = t.events.filter((event) => event.kind === 'notice');
    expect(told).toHaveLength(2);
    expect(told[1]).toMatchObject({ code: 'bad-payload', message: expect.stringContaining('1001 such messages') });
  });
});

describe('dead letters', () => {
  test('hold the beginning of a bad payload with its topic, reason and size', () => {
    const t = intakeUnderTest();
    t.send(`{"metrics":"${'x'.repeat(5_000)}`);
    expect(t.deadLetters.all()).toEqual([
      {
        from: TOPIC,
        reason: 'the payload is not in the configured format',
        firstAtMs: NOW_MS,
        lastAtMs: NOW_MS,
        samples: 1,
        bytes: 5_012,
        beginning: expect.objectContaining({ length: 1_024 }),
      },
    ]);
    expect(Buffer.from(t.deadLetters.all()[0]?.beginning ?? []).toString()).toMatch(/^\{"metrics":"xxx/);
  });

  test('are one for each topic and reason, the newest first', () => {
    const t = intakeUnderTest();
    t.send('{');
    t.send('{"metrics":{}}');
    t.clock.at += 1_000;
    t.send('}');
    const letters = t.deadLetters.all();
    expect(letters.map(({ reason, samples }) => [reason, samples])).toEqual([
      ['the payload is not in the configured format', 2],
      ['there is no value where values should be', 1],
    ]);
    expect(letters[0]).toMatchObject({ firstAtMs: NOW_MS, lastAtMs: NOW_MS + 1_000, beginning: Uint8Array.of(0x7d) });
  });

  test('of a flood are ten a second and a hundred in all', () => {
    const t = intakeUnderTest();
    for (let second = 0; second < 20; second++) {
      for (let i = 0; i < 1_000; i++) t.send('{', `plants/north/${second}-${i}/telemetry`);
      t.clock.at += 1_000;
    }
    const letters = t.deadLetters.all();
    expect(letters).toHaveLength(100);
    expect(letters[0]?.from).toBe('plants/north/19-9/telemetry');
    expect(letters.at(-1)?.from).toBe('plants/north/10-0/telemetry');
  });

  test('tell of one device of many in a payload, and not of what the device itself calls bad', () => {
    const quality = { at: '/q', good: ['GOOD'] };
    const topics = [{ template: 'gw/{line}', devices: { at: '', key: '/id' }, values: '/v', quality }];
    const t = intakeUnderTest({ topics });
    t.send(
      [
        { id: 'a', v: 1, q: 'GOOD' },
        { id: 'b', v: 1, q: 'BAD' },
        { id: 'c', v: {}, q: 'GOOD' },
      ],
      'gw/north',
    );
    expect(t.deadLetters.all().map(({ reason }) => reason)).toEqual(['there is no value where values should be']);
  });
});

describe('topics', () => {
  test('of no template and of the ignore list are passed over', async () => {
    const t = intakeUnderTest({ ignore: ['plants/+/gateway/#'] });
    t.send({ metrics: { load: 1 } }, 'plants/north/gateway/telemetry');
    t.send({ metrics: { load: 1 } }, 'other/topic');
    expect(await t.rows()).toEqual([]);
    expect(t.context.bound).toEqual([]);
  });

  test('that are not UTF-8 name nobody: dropped, counted and told', async () => {
    const t = intakeUnderTest();
    t.send(
      { metrics: { load: 1 } },
      Buffer.from([...Buffer.from('plants/n/'), 0xff, ...Buffer.from('/telemetry')]).toString(),
    );
    expect(await t.rows()).toEqual([]);
    expect(t.events.find((event) => event.kind === 'gap')).toMatchObject({ reason: 'overflow', dropped: 1 });
    expect(t.notice('malformed-topic')).toBeDefined();
  });

  test('invented in a flood take no more addresses than the source may have, and cost no memory', async () => {
    const t = intakeUnderTest({ limits: { topics: 100 } }, { maxAddresses: 10 });
    for (let i = 0; i < 5_000; i++) t.send({ metrics: { load: 1 } }, `plants/north/invented-${i}/telemetry`);
    t.send({ metrics: { load: 1 } }, 'plants/north/invented-3/telemetry');
    expect(t.context.bound).toHaveLength(10);
    expect(await t.rows()).toHaveLength(11);
    expect(t.events.find((event) => event.kind === 'gap')).toMatchObject({ dropped: 4_990 });
    expect(t.notice('too-many-addresses')).toMatchObject({ level: 'error' });
  });

  test('beyond those remembered are still counted', async () => {
    const t = intakeUnderTest({ limits: { topics: 1 } });
    for (const device of ['a', 'b', 'b']) t.send({ metrics: { load: 1 } }, `plants/north/${device}/telemetry`);
    expect((await t.rows()).map(({ address }) => address)).toEqual(['north/a', 'north/b', 'north/b']);
  });

  test('of our own status are an echo, not a device', async () => {
    const t = intakeUnderTest({ ownStatus: 'plants/north/rollcall/telemetry' });
    t.send('online', 'plants/north/rollcall/telemetry');
    t.send('online', 'plants/north/rollcall/telemetry', { retain: true, dup: false });
    expect(t.echoes()).toBe(1);
    expect(t.context.bound).toEqual([]);
  });
});

describe('identity claims', () => {
  const claimsTold = (events: SourceEvent[]) =>
    events.flatMap((event) => (event.kind === 'identity' ? [event.identification.claims] : []));

  test('are told when they appear and when they change, not when they are repeated or left out', () => {
    const t = intakeUnderTest();
    t.send({ serialNumber: 'S1', simulated: true, metrics: { load: 1 } });
    t.send({ simulated: true, metrics: { load: 2 } });
    t.send({ serialNumber: 'S1', simulated: true, metrics: { load: 3 } });
    t.clock.at += 60_000;
    t.send({ serialNumber: 'S2', simulated: true, metrics: { load: 4 } });
    expect(claimsTold(t.events)).toEqual([
      { serialNumber: 'S1', simulated: true },
      { serialNumber: 'S2', simulated: true },
    ]);
    const [event] = t.events;
    if (event?.kind !== 'identity') throw new Error('the first event is the identity');
    expect(event.identification).toMatchObject({ method: 'payload', receivedAtMs: NOW_MS });
    expect(JSON.parse(Buffer.from(event.identification.raw).toString())).toMatchObject({ serialNumber: 'S1' });
  });

  test('of two devices that share a topic are not told with every message', () => {
    const t = intakeUnderTest();
    for (let i = 0; i < 1_000; i++) t.send({ serialNumber: `S${i % 2}`, metrics: { load: 1 } });
    expect(claimsTold(t.events)).toHaveLength(1);
    t.clock.at += 10_000;
    t.send({ serialNumber: 'S1', metrics: { load: 1 } });
    expect(claimsTold(t.events)).toHaveLength(2);
  });

  test('of one device are one, whatever of its topics they come on', () => {
    const t = intakeUnderTest({ topics: [{ template: 'p/{d}/t' }, { template: 'p/{d}/alarms' }] });
    t.send({ serialNumber: 'S1', v: 1 }, 'p/7/t');
    t.send({ serialNumber: 'S1', v: 1 }, 'p/7/alarms');
    expect(claimsTold(t.events)).toHaveLength(1);
  });
});

describe('a payload that names its devices', () => {
  const topics = [
    { template: 'gw/{line}', devices: { at: '', key: '/id' }, values: '/v', relayed: { family: 'modbus' } },
  ];

  test('is an observation of each, under the topic and its name', async () => {
    const t = intakeUnderTest({ topics });
    t.send(
      [
        { id: 'a', v: 1 },
        { id: 'b', v: 1, serialNumber: 'S1' },
      ],
      'gw/north',
    );
    t.send([{ id: 'a', v: 2 }], 'gw/north');
    expect((await t.rows()).map(({ address, quality }) => [address, quality])).toEqual([
      ['north/a', Quality.good],
      ['north/b', Quality.good],
      ['north/a', Quality.good],
    ]);
    expect(t.events).toMatchObject([{ kind: 'identity', address: 1 }]);
    expect(t.context.lines).toEqual(['modbus  relayed', 'modbus  relayed']);
  });

  test('that names nobody is nobody’s: counted as lost, and told', async () => {
    const t = intakeUnderTest({ topics });
    t.send('no JSON', 'gw/north');
    t.send([{ id: 'a', v: 1 }, { v: 1 }], 'gw/north');
    expect(await t.rows()).toMatchObject([{ address: 'north/a' }]);
    expect(t.events.find((event) => event.kind === 'gap')).toMatchObject({ dropped: 2 });
    expect(t.notice('bad-payload')).toBeDefined();
  });

  test('in a flood of invented names takes no more addresses than the source may have', async () => {
    const t = intakeUnderTest({ topics }, { maxAddresses: 3 });
    t.send(
      Array.from({ length: 100 }, (_, i) => ({ id: i, v: 1 })),
      'gw/north',
    );
    expect(await t.rows()).toHaveLength(3);
    expect(t.events.find((event) => event.kind === 'gap')).toMatchObject({ dropped: 97 });
  });

  test('answers a roll call with the part of the device alone', async () => {
    const t = intakeUnderTest({ topics });
    const asked = t.probes.next('north/b', AbortSignal.timeout(5_000));
    t.send(
      [
        { id: 'a', v: 1 },
        { id: 'b', v: 2 },
      ],
      'gw/north',
    );
    expect((await asked).values).toEqual({ '/id': 'b', '/v': '2' });
  });
});

describe('a status topic', () => {
  const topics = [
    { template: 'p/{d}/t', status: { template: 'p/{d}/status' } },
    { template: 'q/{e}/t', prefix: 'q', status: { template: 'q/{e}/status', at: '/state', dead: 'gone' } },
  ];

  test.each([
    ['offline', 'p/7/status'],
    [' offline\n', 'p/7/status'],
    ['{"state":"gone"}', 'q/7/status'],
  ])('that says %j is a death', async (payload, topic) => {
    const t = intakeUnderTest({ topics });
    t.send(payload, topic);
    expect(t.events).toMatchObject([{ kind: 'death', address: 0, atMs: NOW_MS }]);
    expect(await t.rows()).toEqual([]);
  });

  test('retained tells of an earlier time: no death', () => {
    const t = intakeUnderTest({ topics });
    t.send('offline', 'p/7/status', { retain: true, dup: false });
    expect(t.events).toEqual([]);
  });

  test.each([
    ['online', 'p/7/status'],
    ['', 'p/7/status'],
    ['{"state":', 'q/7/status'],
    ['{"state":{}}', 'q/7/status'],
  ])('that says %j is seen without weight', async (payload, topic) => {
    const t = intakeUnderTest({ topics });
    t.send(payload, topic);
    expect(t.events).toEqual([]);
    expect(await t.rows()).toMatchObject([{ quality: Quality.weightless, statusCode: PayloadReason.statusOnly }]);
  });
});

describe('a roll call', () => {
  test('is answered by the next fresh good message of the device, with its bytes and values', async () => {
    const t = intakeUnderTest();
    const asked = t.probes.next('north/press-7', AbortSignal.timeout(5_000));
    t.send({ metrics: { load: 1 } }, TOPIC, { retain: true, dup: false });
    t.send('broken');
    t.send({ metrics: { load: 1 } }, 'plants/north/other/telemetry');
    t.clock.at += 250;
    t.send({ serialNumber: 'S1', metrics: { load: 2 } });
    const answer = await asked;
    expect(Buffer.from(answer.response).toString()).toBe('{"serialNumber":"S1","metrics":{"load":2}}');
    expect(answer).toMatchObject({
      requestedAtMs: NOW_MS,
      receivedAtMs: NOW_MS + 250,
      roundTripUs: 250_000,
      values: { '/serialNumber': 'S1', '/metrics/load': '2' },
      claims: { serialNumber: 'S1' },
    });
    expect(t.probes.waiting).toBe(false);
  });

  test('that nobody answers is a timeout, and leaves nothing behind', async () => {
    const t = intakeUnderTest();
    const stop = new AbortController();
    const asked = t.probes.next('nobody', stop.signal);
    stop.abort();
    await expect(asked).rejects.toMatchObject({ code: 'timeout' });
    await expect(t.probes.next('nobody', AbortSignal.abort())).rejects.toMatchObject({ code: 'timeout' });
    expect(t.probes.waiting).toBe(false);
  });
});
