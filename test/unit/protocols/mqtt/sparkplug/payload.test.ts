import * as fc from 'fast-check';
import { get } from 'sparkplug-payload';
import { describe, expect, test } from 'vitest';
import { decodePayload, rebirthRequest, TooManyMetrics } from '../../../../../protocols/mqtt/sparkplug/payload.ts';

/** Eclipse Tahu's own encoder. */
const tahu = get('spBv1.0');
if (!tahu) throw new Error('the peer speaks spBv1.0');

type Metrics = NonNullable<Parameters<typeof tahu.encodePayload>[0]['metrics']>;

const TIMESTAMP = 1_790_000_000_000;

function encoded(metrics: Metrics): Uint8Array {
  return tahu?.encodePayload({ timestamp: TIMESTAMP, seq: 7, metrics }) ?? new Uint8Array();
}

describe('a Sparkplug payload that Tahu encoded', () => {
  test.each([
    ['Int8', -1, 4_294_967_295],
    ['Int16', 300, 300],
    ['Int32', 70_000, 70_000],
    ['Int64', 5_000_000_000, 5_000_000_000],
    ['UInt8', 255, 255],
    ['UInt32', 4_000_000_000, 4_000_000_000],
    ['UInt64', 9_007_199_254_740_991, 9_007_199_254_740_991],
    ['Float', 1.5, 1.5],
    ['Double', 21.37, 21.37],
    ['Boolean', true, true],
    ['String', 'läuft 运行', 'läuft 运行'],
    ['DateTime', TIMESTAMP, TIMESTAMP],
    ['Text', 'x', 'x'],
    ['UUID', '4f3c', '4f3c'],
  ] as const)('has its %s', (type, value, expected) => {
    const { metrics, seq, timestampMs } = decodePayload(encoded([{ name: 'm', type, value }]), 10);
    expect(metrics).toMatchObject([{ name: 'm', value: expected, isNull: false, isHistorical: false }]);
    expect([seq, timestampMs]).toEqual([7, TIMESTAMP]);
  });

  test('has aliases, nulls, historical values and properties', () => {
    const bytes = encoded([
      { name: 'a', alias: 3, type: 'Double', value: 1, isHistorical: true },
      { name: 'b', type: 'Double', value: null, isNull: true },
      {
        name: 'c',
        type: 'Int32',
        value: 1,
        properties: { Quality: { type: 'Int32', value: 500 }, engUnit: { type: 'String', value: 'kW' } },
      },
    ]);
    const { metrics } = decodePayload(bytes, 10);
    expect(metrics).toMatchObject([{ alias: 3, isHistorical: true }, { isNull: true }, { value: 1 }]);
    expect([...(metrics[2]?.properties ?? [])]).toEqual([
      ['Quality', 500],
      ['engUnit', 'kW'],
    ]);
  });

  test('may hold templates and data sets, which are bytes to us', () => {
    const dataset = { numOfColumns: 1, columns: ['a'], types: ['Int32' as const], rows: [[1], [2]] };
    const template = {
      isDefinition: false,
      templateRef: 'r',
      metrics: [{ name: 'x', type: 'Int32' as const, value: 1 }],
    };
    const bytes = encoded([
      { name: 'd', type: 'DataSet', value: dataset },
      { name: 't', type: 'Template', value: template },
      { name: 'after', type: 'Int32', value: 5 },
    ]);
    const { metrics } = decodePayload(bytes, 10);
    expect(metrics[0]?.value).toBeInstanceOf(Uint8Array);
    expect(metrics[1]?.value).toBeInstanceOf(Uint8Array);
    expect(metrics[2]).toMatchObject({ name: 'after', value: 5 });
  });
});

describe('a rebirth request', () => {
  test('is what Tahu reads as Node Control/Rebirth, without a sequence number', () => {
    const read = tahu.decodePayload(rebirthRequest(TIMESTAMP));
    expect(Number(read.timestamp)).toBe(TIMESTAMP);
    expect(read.metrics).toMatchObject([{ name: 'Node Control/Rebirth', type: 'Boolean', value: true }]);
    // tck-id-payloads-ncmd-seq
    expect(Object.hasOwn(read, 'seq')).toBe(false);
  });
});

describe('whatever the bytes are', () => {
  test('decoding throws an error or returns a payload, and never more metrics than allowed', () => {
    const real = encoded(Array.from({ length: 5 }, (_, i) => ({ name: `m${i}`, type: 'Double' as const, value: i })));
    const mutated = fc
      .array(fc.tuple(fc.nat(real.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 10 })
      .map((changes) => {
        const bytes = Uint8Array.from(real);
        for (const [at, byte] of changes) bytes[at] = byte;
        return bytes;
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated), (bytes) => {
        try {
          expect(decodePayload(bytes, 5).metrics.length).toBeLessThanOrEqual(5);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
      { numRuns: 5_000 },
    );
  });

  test('more metrics than allowed are refused', () => {
    const bytes = encoded(Array.from({ length: 6 }, () => ({ name: 'm', type: 'Double' as const, value: 1 })));
    expect(() => decodePayload(bytes, 5)).toThrow(TooManyMetrics);
  });

  test('groups within groups cost no stack', () => {
    expect(() => decodePayload(new Uint8Array(100_000).fill(0x0b), 5)).toThrow();
  });
});
