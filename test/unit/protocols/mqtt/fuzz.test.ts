import { encode } from 'cborg';
import { get } from 'sparkplug-payload';
import { describe, expect, test } from 'vitest';
import { BoundedQueue } from '../../../../protocols/bounded-queue.ts';
import { DeadLetters } from '../../../../protocols/mqtt/dead-letters.ts';
import { Intake } from '../../../../protocols/mqtt/intake.ts';
import { Notices } from '../../../../protocols/mqtt/notices.ts';
import { Probes } from '../../../../protocols/mqtt/probes.ts';
import { Routes } from '../../../../protocols/mqtt/routes.ts';
import { SparkplugHost } from '../../../../protocols/mqtt/sparkplug/host.ts';
import { addressOf, parseTemplate } from '../../../../protocols/mqtt/topic.ts';
import { seeded } from '../../../../simulators/plan.ts';
import { testConfig, testContext } from './support.ts';

/**
 * More than a million inputs in all: real messages with a few bytes changed, cut, doubled or put together, which reach
 * further into a parser than noise. Nothing may throw, and nothing may grow.
 */
const INPUTS = { json: 300_000, cbor: 200_000, scalar: 100_000, devices: 150_000, sparkplug: 250_000, topics: 150_000 };

/** Makes inputs out of samples; the same for the same seed. */
function mutator(samples: readonly Buffer[], seed: number): () => Buffer {
  const random = seeded(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const pick = (): Buffer => samples[below(samples.length)] ?? Buffer.alloc(0);
  return () => {
    let bytes = Buffer.from(pick());
    for (let changes = below(4); changes >= 0; changes--) {
      const at = below(bytes.length + 1);
      switch (below(5)) {
        case 0:
          if (at < bytes.length) bytes[at] = below(256);
          break;
        case 1:
          bytes = bytes.subarray(0, at);
          break;
        case 2:
          bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from([below(256)]), bytes.subarray(at)]);
          break;
        case 3:
          bytes = Buffer.concat([bytes.subarray(0, at), pick().subarray(below(20))]).subarray(0, 4_096);
          break;
        default:
          bytes = Buffer.concat([bytes.subarray(at), bytes.subarray(0, at)]);
      }
    }
    return bytes;
  };
}

/** The whole packet path for one configuration; what it queues is thrown away. */
function intakeFor(change: Record<string, unknown>) {
  const clock = { nowMs: () => 1_790_000_000_000, monotonicMs: () => 0 };
  const context = testContext({ clock, maxAddresses: 1_000 });
  const config = testConfig('mqtt://b', { limits: { topics: 2_000, points: 1_000 }, ...change });
  const queue = new BoundedQueue(clock, 4);
  const routes = new Routes(config, context.addresses);
  const parts = {
    queue,
    emit: () => {},
    routes,
    probes: new Probes(clock),
    notices: new Notices(() => {}, new DeadLetters(clock)),
    clock,
  };
  const sparkplug =
    config.sparkplug === undefined
      ? undefined
      : new SparkplugHost({ ...parts, config: config.sparkplug, limits: config.limits, publish: () => true });
  const intake = new Intake({ ...parts, sparkplug, onOwnStatus: () => {} });
  return { intake, context, stop: () => sparkplug?.stop() };
}

const FRESH = { retain: false, dup: false };

const DOCUMENTS = [
  {
    ts: 1_790_000_000_000,
    serialNumber: 'S1',
    simulated: true,
    metrics: { load: 12.5, on: true, mode: 'auto', n: [1, -2, null] },
  },
  { ts: '2026-09-21T14:13:20Z', metrics: { a: { b: { c: { d: 1e300 } } } }, q: 'GOOD' },
  {
    d: [
      { id: 'a', v: 1 },
      { id: 7, v: [1, 2] },
    ],
    metrics: '端',
  },
  [[[[[[[[[[1]]]]]]]]]],
];

describe('a million inputs', () => {
  test.each([
    [
      'json',
      { payload: 'json', values: '/metrics', time: '/ts' },
      DOCUMENTS.map((d) => Buffer.from(JSON.stringify(d))),
    ],
    ['cbor', { payload: 'cbor', values: '/metrics', time: '/ts' }, DOCUMENTS.map((d) => Buffer.from(encode(d)))],
    ['scalar', { payload: 'scalar' }, ['21.5', 'true', 'RUNNING', '-3e2', ' '].map((text) => Buffer.from(text))],
    [
      'devices',
      { payload: 'json', devices: { at: '/d', key: '/id' }, values: '/v', quality: { at: '/q', good: [1] } },
      DOCUMENTS.map((d) => Buffer.from(JSON.stringify(d))),
    ],
  ] as const)('%s', (format, topic, samples) => {
    const { intake, context } = intakeFor({ topics: [{ template: 'p/{d}', ...topic }] });
    const next = mutator(samples, 7);
    for (let i = 0; i < INPUTS[format]; i++) intake.received('p/x', next(), FRESH);
    expect(context.bound.length).toBeLessThanOrEqual(1_000);
  });

  test('sparkplug', () => {
    const tahu = get('spBv1.0');
    const metric = { name: 'load', alias: 1, type: 'Double' as const, value: 1.5 };
    const bdSeq = { name: 'bdSeq', type: 'UInt64' as const, value: 1 };
    const quality = { ...metric, properties: { Quality: { type: 'Int32' as const, value: 500 } } };
    const samples = [[bdSeq, metric], [metric], [quality], [{ name: 't', type: 'String' as const, value: '端' }]].map(
      (metrics, seq) => Buffer.from(tahu?.encodePayload({ timestamp: 1_790_000_000_000, seq, metrics }) ?? []),
    );
    const { intake, context, stop } = intakeFor({ topics: [], sparkplug: { rebirth: 'allowed' } });
    const next = mutator(samples, 11);
    const verbs = ['NBIRTH/E', 'NDATA/E', 'NDEATH/E', 'DBIRTH/E/D', 'DDATA/E/D', 'DDEATH/E/D', 'NCMD/E', 'DDATA/F/D'];
    const random = seeded(13);
    const limit = Error.stackTraceLimit;
    // traces of errors that are caught at once would be most of the time
    Error.stackTraceLimit = 0;
    for (let i = 0; i < INPUTS.sparkplug; i++) {
      intake.received(`spBv1.0/G/${verbs[Math.floor(random() * verbs.length)]}`, next(), FRESH);
    }
    Error.stackTraceLimit = limit;
    stop();
    expect(context.bound.length).toBeLessThanOrEqual(1_000);
  });

  test('topics', () => {
    const samples = [
      'plants/{a}/+/{b...}',
      'plants/{site}/{device}/telemetry',
      '{d}/#',
      'a//b',
      'plants/n/端/t',
      '$SYS/x',
    ];
    const next = mutator(
      samples.map((text) => Buffer.from(text)),
      17,
    );
    const { intake, context } = intakeFor({
      topics: [
        { template: 'plants/{a}/{b...}', prefix: 'p' },
        { template: 'x/{a}/{b}/c', prefix: 'x' },
      ],
    });
    const payload = Buffer.from('{"v":1}');
    for (let i = 0; i < INPUTS.topics; i++) {
      const [text, topic] = [next().toString(), next().toString()];
      const template = parseTemplate(text);
      if (typeof template !== 'string') addressOf(template, topic);
      intake.received(topic, payload, FRESH);
    }
    expect(context.bound.length).toBeLessThanOrEqual(1_000);
  });
});
