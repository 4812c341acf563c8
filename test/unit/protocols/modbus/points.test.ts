import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBit, decodeRegisters } from '../../../../protocols/modbus/codec.ts';
import { modbusConfig } from '../../../../protocols/modbus/config.ts';
import { type Point, placeOfReference, pointConfig, widthOf } from '../../../../protocols/modbus/point.ts';
import { decodeRead, ModbusException } from '../../../../protocols/modbus/read.ts';
import { planReads } from '../../../../protocols/modbus/request-plan.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
const decode = (type: Point['type'], hex: string, wordOrder: Point['wordOrder'] = 'ABCD', scale = 1) =>
  decodeRegisters({ type, wordOrder, scale, bit: undefined }, bytes(hex));

describe('decoding registers', () => {
  it('reads every type from big-endian bytes', () => {
    expect(decode('u16', 'fffe')).toBe(65_534);
    expect(decode('s16', 'fffe')).toBe(-2);
    expect(decode('u32', '00010002')).toBe(65_538);
    expect(decode('s32', 'fffffffe')).toBe(-2);
    expect(decode('u64', 'ffffffffffffffff')).toBe(18_446_744_073_709_551_615n);
    expect(decode('s64', 'fffffffffffffffe')).toBe(-2n);
    expect(decode('f32', '42f6e979')).toBeCloseTo(123.456, 3);
    expect(decode('f64', '405edd2f1a9fbe77')).toBeCloseTo(123.456, 12);
    expect(decode('string', '50554d502d370000')).toBe('PUMP-7');
  });

  it('reads the same value in all four word orders', () => {
    for (const [order, hex] of [
      ['ABCD', '12345678'],
      ['CDAB', '56781234'],
      ['BADC', '34127856'],
      ['DCBA', '78563412'],
    ] as const) {
      expect(decode('u32', hex, order)).toBe(0x12345678);
    }
    expect(decode('u64', '77885566334411220000000000000000'.slice(0, 16), 'CDAB')).toBe(0x1122334455667788n);
  });

  it('scales, exactly where the scale is 1', () => {
    expect(decode('s16', 'ff9c', 'ABCD', 0.1)).toBeCloseTo(-10, 10);
    expect(decode('u64', '0020000000000001')).toBe(9_007_199_254_740_993n);
  });

  it('reads binary-coded decimals in every length and order, and refuses digits that are none', () => {
    expect(decode('bcd16', '1234')).toBe(1_234);
    expect(decode('bcd32', '56781234', 'CDAB')).toBe(12_345_678);
    expect(decode('bcd64', '9999999999999999')).toBe(9_999_999_999_999_999n);
    expect(decode('bcd16', '0250', 'ABCD', 0.1)).toBeCloseTo(25, 10);
    expect(() => decode('bcd16', '12a4')).toThrow(expect.objectContaining({ code: 'violation' }));
    expect(() => decode('bcd32', '000000f0')).toThrow('f0 are not two digits');
  });

  it('reads single bits of a register, 0 the least significant', () => {
    const bits = (hex: string, wordOrder: Point['wordOrder'] = 'ABCD') =>
      Array.from({ length: 16 }, (_, bit) => decodeRegisters({ type: 'bit', bit, wordOrder, scale: 1 }, bytes(hex)));
    const set = (all: unknown[]) => all.flatMap((isSet, bit) => (isSet === true ? [bit] : []));
    expect(set(bits('8005'))).toEqual([0, 2, 15]);
    expect(set(bits('8005', 'BADC'))).toEqual([7, 8, 10]);
  });

  it('takes bits from the least significant end of the first byte', () => {
    expect([0, 1, 2, 8, 9].map((place) => decodeBit(Uint8Array.of(0b101, 0b10), place))).toEqual([
      true,
      false,
      true,
      false,
      true,
    ]);
  });

  it('fits the values that DataView wrote, for any value and order', () => {
    fc.assert(
      fc.property(
        fc.float({ noNaN: true }),
        fc.constantFrom('ABCD', 'CDAB', 'BADC', 'DCBA' as const),
        (number, order) => {
          const view = new DataView(new ArrayBuffer(4));
          view.setFloat32(0, number);
          const letters = { A: 0, B: 1, C: 2, D: 3 } as const;
          const sent = order.split('').map((letter) => view.getUint8(letters[letter as keyof typeof letters]));
          expect(
            decodeRegisters({ type: 'f32', wordOrder: order, scale: 1, bit: undefined }, Uint8Array.from(sent)),
          ).toBe(number);
        },
      ),
    );
  });
});

describe('references', () => {
  it('become a table and a zero-based address in one place', () => {
    expect(placeOfReference(40_001)).toEqual({ table: 'holding-register', address: 0 });
    expect(placeOfReference(465_536)).toEqual({ table: 'holding-register', address: 65_535 });
    expect(placeOfReference(30_010)).toEqual({ table: 'input-register', address: 9 });
    expect(placeOfReference(10_001)).toEqual({ table: 'discrete-input', address: 0 });
    expect(placeOfReference(1)).toEqual({ table: 'coil', address: 0 });
    expect([placeOfReference(40_000), placeOfReference(20_001), placeOfReference(465_537)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

function point(fields: Partial<Point> & Pick<Point, 'address'>): Point {
  return {
    name: `p${fields.address}`,
    table: 'holding-register',
    type: 'u16',
    bit: undefined,
    wordOrder: 'ABCD',
    length: 0,
    scale: 1,
    unit: undefined,
    ...fields,
  };
}

const LIMITS = { maxRegisters: 125, maxBits: 2_000, maxGap: 8, requests: 'merged' } as const;

describe('the request plan', () => {
  it('merges neighbours, bridges small gaps, and splits at the limit', () => {
    const plan = planReads([point({ address: 0 }), point({ address: 4, type: 'f32' }), point({ address: 20 })], LIMITS);
    expect(plan.map(({ address, count }) => [address, count])).toEqual([
      [0, 6],
      [20, 1],
    ]);
    const many = planReads(
      Array.from({ length: 200 }, (_, address) => point({ address })),
      LIMITS,
    );
    expect(many.map(({ count }) => count)).toEqual([125, 75]);
  });

  it('covers every point once, never splits one, and keeps every request within the limits', () => {
    const anyPoint = fc
      .record({
        address: fc.nat(3_000),
        type: fc.constantFrom<Point['type']>('u16', 'u32', 'f64', 'string'),
        length: fc.integer({ min: 1, max: 20 }),
      })
      .map(({ address, type, length }) => point({ address, type, length: type === 'string' ? length : 0 }));
    fc.assert(
      fc.property(
        fc.array(anyPoint, { maxLength: 60 }),
        fc.integer({ min: 20, max: 125 }),
        fc.nat(20),
        (points, maxRegisters, maxGap) => {
          const plan = planReads(points, { ...LIMITS, maxRegisters, maxGap });
          expect(plan.flatMap((read) => read.points).length).toBe(points.length);
          for (const { address, count, points: planned } of plan) {
            expect(count).toBeLessThanOrEqual(maxRegisters);
            for (const one of planned)
              expect(one.address >= address && one.address + widthOf(one) <= address + count).toBe(true);
          }
        },
      ),
    );
  });

  it('asks for one value at a time where the device wants that', () => {
    const points = [point({ address: 0 }), point({ address: 1, type: 'f32' }), point({ address: 3 })];
    const plan = planReads(points, { ...LIMITS, requests: 'one-per-point' });
    expect(plan.map(({ address, count }) => [address, count])).toEqual([
      [0, 1],
      [1, 2],
      [3, 1],
    ]);
  });

  it('asks with the function code of each table', () => {
    const plan = planReads(
      [point({ address: 1, table: 'coil', type: 'bit' }), point({ address: 2, table: 'input-register' })],
      LIMITS,
    );
    expect(plan.map((read) => [...read.request])).toEqual([
      [1, 0, 1, 0, 1],
      [4, 0, 2, 0, 1],
    ]);
  });
});

describe('an answer', () => {
  const [read] = planReads([point({ address: 0 }), point({ address: 1, type: 's16' })], LIMITS);
  if (read === undefined) throw new Error('nothing was planned');

  it('gives the values of its points', () => {
    expect(decodeRead(read, Uint8Array.of(3, 4, 0, 7, 255, 255))).toEqual([7, -1]);
  });

  it('is refused when it carries other than the bytes asked for', () => {
    for (const pdu of [[3, 2, 0, 7], [3, 4, 0, 7], [3, 4, 0, 7, 0, 8, 0], [3]]) {
      expect(() => decodeRead(read, Uint8Array.from(pdu))).toThrow(expect.objectContaining({ code: 'violation' }));
    }
  });

  it('that is an exception says which', () => {
    expect(() => decodeRead(read, Uint8Array.of(0x83, 10))).toThrow(ModbusException);
    expect(() => decodeRead(read, Uint8Array.of(0x83, 10))).toThrow('gateway path unavailable');
  });
});

describe('the configuration', () => {
  const issuesOf = (given: object): string[] => {
    const parsed = pointConfig.safeParse({ name: 'p', ...given });
    return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  };

  it('refuses points that make no sense, each with its reason', () => {
    expect(issuesOf({ reference: 40_001, table: 'coil' })[0]).toContain('either a reference or table and address');
    expect(issuesOf({ reference: 20_001 })[0]).toContain('is not a reference');
    expect(issuesOf({ table: 'coil', address: 0, type: 'u16' })[0]).toContain('a coil is a bit');
    expect(issuesOf({ address: 0, type: 'string' })[0]).toContain('goes with type: string');
    expect(issuesOf({ address: 65_535, type: 'u32' })[0]).toContain('beyond address 65535');
    expect(issuesOf({})[0]).toContain('address: is missing');
    expect(issuesOf({ address: 0, type: 'bit' })[0]).toContain('bit: goes with type: bit');
    expect(issuesOf({ address: 0, bit: 3 })[0]).toContain('bit: goes with type: bit');
    expect(issuesOf({ table: 'coil', address: 0, bit: 3 })[0]).toContain('bit: goes with type: bit');
    expect(issuesOf({ reference: 30_003, type: 'f32' })).toEqual([]);
    expect(issuesOf({ reference: 40_001, type: 'bit', bit: 15 })).toEqual([]);
  });

  it('refuses a unit or a point name that stands there twice', () => {
    const unit = {
      unitId: 1,
      points: [
        { name: 'a', address: 0 },
        { name: 'a', address: 1 },
      ],
    };
    const parsed = modbusConfig.safeParse({ id: 'x', protocol: 'modbus', host: 'h', units: [unit, unit] });
    const messages = parsed.success ? [] : parsed.error.issues.map(({ message }) => message);
    expect(messages).toEqual(['point a stands here twice', 'unit 1 stands here twice', 'point a stands here twice']);
  });

  const sourceIssues = (given: object): string[] => {
    const unit = { unitId: 1, points: [{ name: 'a', address: 0 }] };
    const parsed = modbusConfig.safeParse({ id: 'x', protocol: 'modbus', units: [unit], ...given });
    return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  };

  it('refuses a transport without what it needs, and what does not go with it', () => {
    expect(sourceIssues({})).toEqual(['host: is missing']);
    expect(sourceIssues({ transport: 'rtu' })).toEqual([expect.stringContaining('serial: is missing')]);
    const serial = { path: '/dev/ttyUSB0' };
    expect(sourceIssues({ transport: 'rtu', serial })).toEqual([]);
    expect(sourceIssues({ transport: 'rtu', serial, host: 'h' })).toEqual(['host: does not go with transport: rtu']);
    expect(sourceIssues({ host: 'h', serial })).toEqual(['serial: goes with transport: rtu, and only with it']);
    expect(sourceIssues({ transport: 'rtu', serial, lineBaudRate: 9_600 })).toEqual([
      'lineBaudRate: is serial.baudRate with transport: rtu',
    ]);
  });

  it('refuses pipelining where answers cannot be told apart, and unit ids that no line has', () => {
    expect(sourceIssues({ host: 'h', transport: 'rtu-over-tcp', outstanding: 2 })[0]).toContain(
      'outstanding: must be 1',
    );
    expect(sourceIssues({ host: 'h', outstanding: 16 })).toEqual([]);
    const units = [{ unitId: 0, points: [{ name: 'a', address: 0 }] }];
    expect(sourceIssues({ host: 'h', transport: 'rtu-over-tcp', units })).toEqual([
      'units.0.unitId: must be 1 to 247 on a line',
    ]);
    expect(sourceIssues({ host: 'h', units })).toEqual([]);
  });
});
