import { encode } from 'cborg';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PayloadDecoder } from '../../../../protocols/mqtt/payload-decoder.ts';
import { PayloadReason } from '../../../../protocols/mqtt/payload-reason.ts';
import { Quality } from '../../../../protocols/observation.ts';
import { testConfig } from './support.ts';

function decoderFor(topic: Record<string, unknown>, limits: Record<string, unknown> = {}): PayloadDecoder {
  const config = testConfig('mqtt://127.0.0.1', { topics: [{ template: '{line}', ...topic }], limits });
  const [first] = config.topics;
  if (first === undefined) throw new Error('there is one topic');
  return new PayloadDecoder(first, config.limits);
}

interface Part {
  readonly key: string;
  readonly quality: number;
  readonly points: number;
  readonly sourceAtMs: number;
  readonly claims: unknown;
}

/** Every record that a payload names, and why something was passed over. */
function parts(payload: unknown, topic: Record<string, unknown>, limits?: Record<string, unknown>) {
  const decoder = decoderFor(topic, limits);
  const found: Part[] = [];
  const bytes = Buffer.isBuffer(payload) ? payload : Buffer.from(JSON.stringify(payload));
  const reason = decoder.decodeParts(bytes, (key) => {
    const { quality, points, sourceAtMs } = decoder.record;
    found.push({ key, quality, points, sourceAtMs, claims: decoder.claims(undefined) });
  });
  return { found, reason };
}

describe('a payload of many devices', () => {
  test('in an array is a record each', () => {
    const topic = { devices: { at: '/d', key: '/id' }, values: '/v', time: '/t' };
    const payload = {
      d: [
        { id: 'a', t: 1, v: [1, 2], serialNumber: 'S1' },
        { id: 7, t: 2, v: 3 },
      ],
    };
    expect(parts(payload, topic)).toEqual({
      reason: PayloadReason.none,
      found: [
        { key: 'a', quality: Quality.good, points: 2, sourceAtMs: 1, claims: { serialNumber: 'S1' } },
        { key: '7', quality: Quality.good, points: 1, sourceAtMs: 2, claims: undefined },
      ],
    });
  });

  test('under their names is a record each, and one bad record spoils no other', () => {
    const topic = { devices: { at: '' }, values: '/v' };
    const { found } = parts({ a: { v: 1 }, b: { x: 1 }, c: { v: 2 } }, topic);
    expect(found.map(({ key, quality }) => [key, quality])).toEqual([
      ['a', Quality.good],
      ['b', Quality.bad],
      ['c', Quality.good],
    ]);
  });

  test('has names that cannot pass for several levels of an address', () => {
    const { found } = parts([{ id: 'a/b%c', v: 1 }], { devices: { at: '', key: '/id' } });
    expect(found).toMatchObject([{ key: 'a%2Fb%25c', points: 1 }]);
  });

  test.each([
    ['no name', [{ v: 1 }], PayloadReason.noDevice],
    ['an empty name', [{ id: '', v: 1 }], PayloadReason.noDevice],
    ['a name that is an object', [{ id: {}, v: 1 }], PayloadReason.noDevice],
    ['a name too long', [{ id: 'x'.repeat(257), v: 1 }], PayloadReason.noDevice],
    ['no devices', [], PayloadReason.noDevice],
    ['something else', 'text', PayloadReason.noDevice],
    ['too many devices', [1, 2, 3, 4].map((id) => ({ id, v: 1 })), PayloadReason.tooManyDevices],
    ['no JSON', Buffer.from('['), PayloadReason.unreadable],
  ])('with %s says why', (_what, payload, reason) => {
    const topic = { devices: { at: '', key: '/id' } };
    expect(parts(payload, topic, { devicesPerMessage: 3 }).reason).toBe(reason);
  });
});

describe('gateway software', () => {
  const relayed = { family: 's7' };

  test('Neuron, values-format: the node is the device; tags that failed are no values', () => {
    const payload = {
      node: 'press',
      group: 'g',
      timestamp: 1_650_006_388_943,
      values: { t0: 1, t1: 'on' },
      errors: { t2: 2014 },
    };
    expect(parts(payload, { payload: 'neuron', relayed }).found).toMatchObject([
      { key: 'press', quality: Quality.good, points: 2, sourceAtMs: 1_650_006_388_943 },
    ]);
    const failed = { ...payload, values: {} };
    expect(parts(failed, { payload: 'neuron', relayed }).found).toMatchObject([{ quality: Quality.bad }]);
  });

  test('Neuron, tags-format: only what has a value counts', () => {
    const tags = [
      { name: 't0', value: 1 },
      { name: 't1', error: 2014 },
    ];
    const payload = { node: 'press', group: 'g', timestamp: 1_650_006_388_943, tags };
    expect(parts(payload, { payload: 'neuron-tags', relayed }).found).toMatchObject([{ key: 'press', points: 1 }]);
  });

  test('EdgeX: readings of one device, time in nanoseconds', () => {
    const readings = [
      { resourceName: 'Int16', valueType: 'Int16', value: '-1' },
      { resourceName: 'Bool', valueType: 'Bool', value: 'true' },
    ];
    const payload = { apiVersion: 'v3', deviceName: 'pump-1', origin: 1_602_168_089_665_565_200, readings };
    expect(parts(payload, { payload: 'edgex', relayed }).found).toMatchObject([
      { key: 'pump-1', points: 2, sourceAtMs: expect.closeTo(1_602_168_089_665.565, 0) },
    ]);
  });

  test('Telegraf: by the tag that the template names, single and in batches', () => {
    const metric = {
      fields: { speed: 1.5, on: true },
      name: 'modbus',
      tags: { host: 'gw', unit: 'pump-1' },
      timestamp: 1_458_229_140,
    };
    const found = [{ key: 'pump-1', points: 2, sourceAtMs: 1_458_229_140_000 }];
    expect(parts(metric, { payload: 'telegraf', devices: { key: '/tags/unit' }, relayed }).found).toMatchObject(found);
    const batch = { payload: 'telegraf-batch', devices: { at: '/metrics', key: '/tags/unit' }, relayed };
    expect(parts({ metrics: [metric] }, batch).found).toMatchObject(found);
    expect(parts(metric, { payload: 'telegraf', relayed }).found).toMatchObject([{ key: 'gw' }]);
  });

  test('ThingsBoard gateway: an array of records under each device name', () => {
    const payload = {
      'Device A': [
        { ts: 1_483_228_800_000, values: { temperature: 42, humidity: 80 } },
        { ts: 1_483_228_801_000, values: { temperature: 43 } },
      ],
      'Device B': [{ ts: 1_483_228_800_000, values: { temperature: 42 } }],
    };
    const { found } = parts(payload, { payload: 'thingsboard', relayed });
    expect(found.map(({ key, points, sourceAtMs }) => [key, points, sourceAtMs])).toEqual([
      ['Device A', 2, 1_483_228_800_000],
      ['Device A', 1, 1_483_228_801_000],
      ['Device B', 1, 1_483_228_800_000],
    ]);
  });
});

describe('a CBOR payload', () => {
  const cbor = (value: unknown): Buffer => Buffer.from(encode(value));

  test('is read like JSON', () => {
    const decoder = decoderFor({ payload: 'cbor', values: '/m', time: '/t' });
    const document = { t: 1_790_000_000_000, serialNumber: 'S1', m: { a: 1.5, b: true, c: new Uint8Array([1, 2]) } };
    decoder.decode(cbor(document));
    expect(decoder.record).toMatchObject({ quality: Quality.good, points: 3, sourceAtMs: 1_790_000_000_000 });
    expect(decoder.claims(undefined)).toEqual({ serialNumber: 'S1' });
  });

  test('may have numbers for keys, integers of 64 bits and tags', () => {
    const decoder = decoderFor({ payload: 'cbor', values: '/2', time: '/1', timeUnit: 's' });
    const time = Buffer.from([0xc1, 0x1a, 0x6a, 0xb0, 0xc2, 0x80]);
    const big = Buffer.from([0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    decoder.decode(Buffer.concat([Buffer.from([0xa2, 0x01]), time, Buffer.from([0x02]), big]));
    expect(decoder.record).toMatchObject({ quality: Quality.good, points: 1, sourceAtMs: 0x6ab0c280 * 1_000 });
  });

  test.each([
    ['cut off', Buffer.from([0xa2, 0x01])],
    ['of 100,000 levels', Buffer.alloc(100_000, 0x81)],
    ['of an array that claims 2⁶⁰ elements', Buffer.from([0x9b, 0x10, 0, 0, 0, 0, 0, 0, 0])],
    ['of an unknown tag', Buffer.from([0xd9, 0xff, 0xff, 0x01])],
    ['followed by more', Buffer.from([0x01, 0x02])],
    ['empty', Buffer.alloc(0)],
  ])('that is %s is a bad observation', (_what, payload) => {
    const decoder = decoderFor({ payload: 'cbor' });
    decoder.decode(payload);
    expect(decoder.record).toMatchObject({ quality: Quality.bad, reason: PayloadReason.unreadable });
  });

  test('has as many points as the same document in JSON', () => {
    const [json, other] = [decoderFor({}, { depth: 64 }), decoderFor({ payload: 'cbor' }, { depth: 64 })];
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (document) => {
        json.decode(Buffer.from(JSON.stringify(document)));
        other.decode(cbor(document));
        expect(other.record.points).toBe(json.record.points);
        expect(other.record.quality).toBe(json.record.quality);
      }),
    );
  });
});

describe('a scalar payload', () => {
  test.each(['21.5', ' -3e2\n', '0x1F', 'true', 'false', 'RUNNING', '正常'])('%j is one value', (payload) => {
    const decoder = decoderFor({ payload: 'scalar' });
    decoder.decode(Buffer.from(payload));
    expect(decoder.record).toMatchObject({ quality: Quality.good, points: 1 });
  });

  test('is the same value however it is written', () => {
    const digestOf = (payload: string): number => {
      const decoder = decoderFor({ payload: 'scalar' });
      decoder.decode(Buffer.from(payload));
      return decoder.record.digest;
    };
    expect(digestOf('21.50')).toBe(digestOf('21.5'));
    expect(digestOf('21.5')).not.toBe(digestOf('21.6'));
  });

  test.each([
    ['nothing', ''],
    ['blank', '  \n'],
    ['control characters', 'a\u0000b'],
    ['too long', 'x'.repeat(1_025)],
  ])('that is %s is a bad observation', (_what, payload) => {
    const decoder = decoderFor({ payload: 'scalar' });
    decoder.decode(Buffer.from(payload));
    expect(decoder.record).toMatchObject({ quality: Quality.bad, reason: PayloadReason.unreadable });
  });
});
