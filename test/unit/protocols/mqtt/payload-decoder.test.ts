import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PayloadDecoder } from '../../../../protocols/mqtt/payload-decoder.ts';
import { PayloadReason } from '../../../../protocols/mqtt/payload-reason.ts';
import { Quality } from '../../../../protocols/observation.ts';
import { testConfig } from './support.ts';

/** A decoder for one template with these settings. */
function decoderFor(topic: Record<string, unknown> = {}, limits: Record<string, unknown> = {}): PayloadDecoder {
  const config = testConfig('mqtt://127.0.0.1', {
    topics: [{ template: '{device}', ...topic }],
    limits,
  });
  const [first] = config.topics;
  if (first === undefined) throw new Error('there is one topic');
  return new PayloadDecoder(first, config.limits);
}

function decode(payload: string | Buffer, topic: Record<string, unknown> = {}, limits: Record<string, unknown> = {}) {
  const decoder = decoderFor(topic, limits);
  decoder.decode(Buffer.from(payload));
  const { quality, reason, points, digest, sourceAtMs } = decoder.record;
  return { quality, reason, points, digest, sourceAtMs, claims: decoder.claims(undefined) };
}

const JSON_TOPIC = { values: '/metrics', time: '/ts' };

describe('a JSON payload', () => {
  test('is a good observation of the scalars under the values pointer', () => {
    const read = decode('{"ts":1790000000000,"metrics":{"a":1,"b":{"c":true,"d":"x"},"e":null}}', JSON_TOPIC);
    expect(read).toMatchObject({ quality: Quality.good, reason: 0, points: 3, sourceAtMs: 1_790_000_000_000 });
  });

  test.each([
    ['no JSON', '{"metrics":{"load":', {}, {}, PayloadReason.unreadable],
    ['nothing', '', {}, {}, PayloadReason.unreadable],
    ['not UTF-8', Buffer.from([0x22, 0xff, 0x22]), {}, {}, PayloadReason.unreadable],
    ['no values', '{"other":1}', JSON_TOPIC, {}, PayloadReason.noValues],
    ['only nulls', '{"metrics":{"a":null}}', JSON_TOPIC, {}, PayloadReason.noValues],
    ['null', 'null', {}, {}, PayloadReason.noValues],
    ['too many values', '[1,2,3,4]', {}, { points: 3 }, PayloadReason.tooManyPoints],
    ['too many bytes', `"${'x'.repeat(100)}"`, {}, { payloadBytes: 101 }, PayloadReason.tooLarge],
    ['100 levels', `${'['.repeat(100)}1${']'.repeat(100)}`, {}, {}, PayloadReason.tooDeep],
    ['100 levels of objects', `${'{"a":'.repeat(100)}1${'}'.repeat(100)}`, {}, {}, PayloadReason.tooDeep],
  ])('that is %s is a bad observation with its reason', (_what, payload, topic, limits, reason) => {
    const read = decode(payload, topic, limits);
    expect(read).toMatchObject({ quality: Quality.bad, reason, points: 0, digest: 0, sourceAtMs: Number.NaN });
  });

  test('of 1 MB is a bad observation, also of a million levels', () => {
    expect(decode(`"${'x'.repeat(1_048_576)}"`)).toMatchObject({ reason: PayloadReason.tooLarge });
    const deep = '['.repeat(1_048_576);
    expect(decode(deep, {}, { payloadBytes: 2_097_152 })).toMatchObject({ reason: PayloadReason.unreadable });
    const closed = '['.repeat(100_000) + ']'.repeat(100_000);
    expect(decode(closed)).toMatchObject({ reason: PayloadReason.tooDeep });
  });

  test('has the digest of its values alone, not of its time, its claims or its names', () => {
    const one = decode('{"ts":1,"serialNumber":"S1","load":5,"on":true}', { time: '/ts' });
    const later = decode('{"ts":2,"serialNumber":"S2","load":5,"on":true}', { time: '/ts' });
    const other = decode('{"ts":2,"load":6,"on":true}', { time: '/ts' });
    expect(one.points).toBe(2);
    expect(later.digest).toBe(one.digest);
    expect(other.digest).not.toBe(one.digest);
  });

  test('keeps a nested time out of the values around it', () => {
    const topic = { values: '/d', time: '/d/meta/t' };
    const one = decode('{"d":{"v":1,"meta":{"t":1,"site":"north"}}}', topic);
    expect(one.points).toBe(2);
    expect(decode('{"d":{"v":1,"meta":{"t":2,"site":"north"}}}', topic).digest).toBe(one.digest);
  });

  test('says nothing of a device by the keys of every object', () => {
    const topic = { claims: { serialNumber: '/constructor/name', model: '/__proto__/x', manufacturer: '/toString' } };
    expect(decode('{"v":1}', topic).claims).toBeUndefined();
  });
});

describe('the time of a device', () => {
  test.each([
    ['s', '1790000000', 1_790_000_000_000],
    ['s', '1790000000.5', 1_790_000_000_500],
    ['ms', '1790000000000', 1_790_000_000_000],
    ['ms', '"1790000000000"', 1_790_000_000_000],
    ['us', '1790000000000000', 1_790_000_000_000],
    ['ns', '1790000000000000000', 1_790_000_000_000],
    ['iso', '"2026-09-21T14:13:20Z"', 1_790_000_000_000],
    ['iso', '"2026-09-21T22:13:20+08:00"', 1_790_000_000_000],
    ['iso', '1790000000000', Number.NaN],
    ['iso', '"yesterday"', Number.NaN],
    ['ms', '"soon"', Number.NaN],
    ['ms', '{}', Number.NaN],
    ['ms', '1e300', Number.NaN],
    ['ms', 'null', Number.NaN],
  ])('in %s, %s, is %d', (timeUnit, text, atMs) => {
    const read = decode(`{"ts":${text},"v":1}`, { time: '/ts', timeUnit });
    expect(read).toMatchObject({ quality: Quality.good, sourceAtMs: atMs });
  });
});

describe('what a device says of its values', () => {
  const topic = { values: '/v', quality: { at: '/q', good: ['GOOD', 192], uncertain: [64] } };
  test.each([
    ['"GOOD"', Quality.good, 0],
    ['192', Quality.good, 0],
    ['64', Quality.uncertain, PayloadReason.saidSo],
    ['0', Quality.bad, PayloadReason.saidSo],
    ['null', Quality.bad, PayloadReason.saidSo],
  ])('%s makes them of quality %d', (said, quality, reason) => {
    expect(decode(`{"v":1,"q":${said}}`, topic)).toMatchObject({ quality, reason, points: 1 });
  });
});

describe('claims', () => {
  test('are read where the template says', () => {
    const topic = { values: '/v', claims: { serialNumber: '/id/sn', vin: '/id/vin' } };
    const payload = '{"v":1,"id":{"sn":4711,"vin":" LSV0000 "},"model":"X","type":"agv","simulated":true}';
    expect(decode(payload, topic).claims).toEqual({
      serialNumber: '4711',
      vin: 'LSV0000',
      model: 'X',
      deviceType: 'agv',
      simulated: true,
    });
  });

  test.each([
    ['empty', '""'],
    ['blank', '"  "'],
    ['too long', JSON.stringify('x'.repeat(201))],
    ['control characters', '"a\\u001b[2J"'],
    ['a fraction', '1.5'],
    ['an object', '{}'],
    ['null', 'null'],
  ])('that are %s are none', (_what, said) => {
    expect(decode(`{"serialNumber":${said},"v":1}`).claims).toBeUndefined();
  });

  test('are kept when a message does not repeat them, and are the same object while nothing changes', () => {
    const decoder = decoderFor();
    decoder.decode(Buffer.from('{"serialNumber":"S1","v":1}'));
    const first = decoder.claims(undefined);
    decoder.decode(Buffer.from('{"simulated":true,"v":2}'));
    const second = decoder.claims(first);
    expect(second).toEqual({ serialNumber: 'S1', simulated: true });
    decoder.decode(Buffer.from('{"serialNumber":"S1","simulated":true,"v":3}'));
    expect(decoder.claims(second)).toBe(second);
    decoder.decode(Buffer.from('no JSON'));
    expect(decoder.claims(second)).toBe(second);
  });

  test('are heard also where values are missing', () => {
    expect(decode('{"serialNumber":"S1"}', JSON_TOPIC).claims).toEqual({ serialNumber: 'S1' });
  });
});

describe('an opaque payload', () => {
  test('is good when it has bytes, and different bytes have different digests', () => {
    const one = decode(Buffer.from([1, 2]), { payload: 'opaque' });
    expect(one).toMatchObject({ quality: Quality.good, points: 1 });
    expect(decode(Buffer.from([1, 3]), { payload: 'opaque' }).digest).not.toBe(one.digest);
    expect(decode('', { payload: 'opaque' })).toMatchObject({ quality: Quality.bad, reason: PayloadReason.noValues });
  });
});

describe('whatever the bytes are', () => {
  const decoder = decoderFor({ values: '/a', time: '/t', quality: { at: '/q', good: [1] } }, { depth: 3, points: 5 });

  test('decoding does not throw, and what is good has points', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          decoder.decode(Buffer.from(bytes));
          decoder.claims(undefined);
          const { quality, points } = decoder.record;
          expect(quality === Quality.good ? points > 0 : true).toBe(true);
        },
      ),
      { numRuns: 5_000 },
    );
  });

  test('as many points are counted as a JSON document has scalars', () => {
    const all = decoderFor({ claims: { simulated: '/unused' } }, { depth: 64 });
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (document) => {
        all.decode(Buffer.from(JSON.stringify(document)));
        expect(all.record.points).toBe(scalarsIn(document));
      }),
    );
  });
});

function scalarsIn(value: unknown): number {
  if (value === null) return 0;
  if (typeof value !== 'object') return 1;
  return Object.values(value).reduce((sum: number, part) => sum + scalarsIn(part), 0);
}
