import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalBytes, canonicalText, type JsonValue, parseCanonical, parseJson } from '../../../ledger/canonical.ts';
import { vectorsBelow, vectorText } from './vectors.ts';

const utf8 = (text: string) => Buffer.from(text, 'utf8');

describe('vectors of RFC 8785', () => {
  const outputs = vectorsBelow('jcs/output');

  it.each(outputs)('%s', (path) => {
    const value = parseJson(vectorText(path.replace('output', 'input')));
    expect(canonicalText(value)).toBe(vectorText(path));
    expect(parseCanonical(utf8(vectorText(path)))).toEqual(value);
  });

  it('arrays and numbers within them', () => {
    expect(canonicalText(parseJson(vectorText('jcs/input/arrays.json')))).toBe('[56,{"1":[],"10":null,"d":true}]');
  });

  it('numbers by their bits', () => {
    for (const line of vectorText('jcs/es6-numbers.csv').trim().split('\n')) {
      const [bits = '', wanted] = line.split(',');
      expect(canonicalText(Buffer.from(bits.padStart(16, '0'), 'hex').readDoubleBE())).toBe(wanted);
    }
  });
});

describe('numbers', () => {
  it('are the shortest decimal in the rounding interval, the nearest of those, laid out as ECMAScript says', () => {
    for (const value of doubles(20_000)) expect(canonicalText(value)).toBe(shortest(value));
  });

  it('near powers of two and ten, and among the smallest, are no exception', () => {
    const edges = [
      5e-324,
      2.2250738585072014e-308,
      2.225073858507201e-308,
      Number.MAX_VALUE,
      9007199254740992,
      1e21,
      1e-6,
      1e23,
    ];
    for (let exponent = -1074; exponent < 1024; exponent += 7) edges.push(2 ** exponent);
    for (let exponent = -323; exponent < 309; exponent += 5) edges.push(Number(`1e${exponent}`));
    for (const edge of edges) {
      for (const value of [edge, neighbour(edge, -1n), neighbour(edge, 1n), -edge]) {
        if (Number.isFinite(value)) expect(canonicalText(value)).toBe(shortest(value));
      }
    }
  });

  it('are refused when not finite', () => {
    expect(() => canonicalText(Number.NaN)).toThrow(/NaN/);
    expect(() => canonicalText(Number.POSITIVE_INFINITY)).toThrow(/Infinity/);
    expect(() => parseJson('1e400')).toThrow(/beyond the range/);
  });

  it.each(['1.0', '1e2', '-0', '9007199254740992', '0.5', '-9007199254740992'])(
    'are refused as %s where only integers may stand',
    (text) => {
      expect(() => parseJson(text, { numbers: 'integers' })).toThrow(/only integers/);
    },
  );

  it('are integers up to 2^53 - 1 where only integers may stand', () => {
    expect(parseJson('[-9007199254740991,9007199254740991,0]', { numbers: 'integers' })).toEqual([
      -9007199254740991, 9007199254740991, 0,
    ]);
    expect(() => canonicalText(0.5, { numbers: 'integers' })).toThrow();
  });
});

describe('what is refused', () => {
  it.each([
    ['duplicate keys', '{"a":1,"a":2}'],
    ['duplicate keys in two spellings', String.raw`{"a":1,"\u0061":2}`],
    ['a lone surrogate', String.raw`"\ud800"`],
    ['surrogates in the wrong order', String.raw`"\udc00\ud800"`],
    ['a lone surrogate as key', String.raw`{"\udead":1}`],
    ['a byte order mark', '\ufeff{}'],
    ['a trailing comma', '[1,]'],
    ['a leading zero', '01'],
    ['a plus', '+1'],
    ['a naked dot', '.5'],
    ['a trailing dot', '1.'],
    ['a control character in a string', '"\n"'],
    ['an unknown escape', String.raw`"\x"`],
    ['a short escape', String.raw`"\u00"`],
    ['a single quote', "'a'"],
    ['nothing', ''],
    ['two values', '1 2'],
    ['a key that is no string', '{1:2}'],
    ['an open string', '"abc'],
    ['an open object', '{"a":1'],
    ['an open array', '[1'],
    ['NaN', 'NaN'],
    ['a word begun', 'nul'],
    ['a comment', '/**/1'],
    ['another space', '\u00a01'],
  ])('%s', (_, text) => {
    expect(() => parseJson(text)).toThrow(expect.objectContaining({ code: 'malformed' }));
  });

  it('bytes that are not UTF-8', () => {
    expect(() => parseCanonical(Uint8Array.of(0x22, 0xff, 0x22))).toThrow(/not UTF-8/);
    expect(() => parseCanonical(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22))).toThrow(/not UTF-8/);
  });

  it('depth beyond the limit, both ways, without exhausting the stack', () => {
    expect(() => parseJson('['.repeat(1_000_000))).toThrow(expect.objectContaining({ code: 'limit' }));
    let deep: JsonValue = [];
    for (let i = 0; i < 200; i++) deep = [deep];
    expect(() => canonicalText(deep)).toThrow(expect.objectContaining({ code: 'limit' }));
    expect(parseJson('[[[]]]', { maxDepth: 3 })).toEqual([[[]]]);
    expect(() => parseJson('[[[]]]', { maxDepth: 2 })).toThrow(/too deep/);
  });

  it('more bytes than the limit, counted in UTF-8', () => {
    expect(parseJson('"é"', { maxBytes: 4 })).toBe('é');
    expect(() => parseJson('"é"', { maxBytes: 3 })).toThrow(expect.objectContaining({ code: 'limit' }));
    expect(() => canonicalText('é', { maxBytes: 3 })).toThrow(expect.objectContaining({ code: 'limit' }));
  });

  it.each([
    ' {}',
    '{} ',
    '{"b":1,"a":2}',
    '{"a": 1}',
    '1.0',
    '-0',
    '1E3',
    String.raw`"\u0041"`,
    String.raw`"\/"`,
    '"\\u000A"',
  ])('canonical bytes in another form: %s', (text) => {
    expect(() => parseCanonical(utf8(text))).toThrow(expect.objectContaining({ code: 'not-canonical' }));
  });
});

describe('any value', () => {
  it('has one canonical form, which is its own', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        const canonical = canonicalBytes(value as JsonValue);
        const again = parseCanonical(canonical);
        expect(canonicalBytes(again)).toEqual(canonical);
        expect(JSON.parse(Buffer.from(canonical).toString())).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('is read as JSON.parse reads it, or refused by both, except for what I-JSON forbids', () => {
    const letters = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      ':',
      ',',
      '1',
      '0',
      '-',
      '.',
      'e',
      'a',
      '\\',
      'n',
      ' ',
      'null',
      'true',
    );
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        const [ours, theirs] = [attempt(() => parseJson(text)), attempt(() => JSON.parse(text) as JsonValue)];
        if (ours === undefined && theirs !== undefined) {
          expect(() => parseJson(text)).toThrow(/twice|beyond the range/);
        } else {
          expect(ours === undefined ? undefined : JSON.stringify(ours)).toBe(
            theirs === undefined ? undefined : JSON.stringify(theirs),
          );
        }
      }),
      { numRuns: 20_000 },
    );
  });

  it('keeps __proto__ as an ordinary key', () => {
    const value = parseJson('{"__proto__":{"x":1}}');
    expect(canonicalText(value)).toBe('{"__proto__":{"x":1}}');
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });
});

function attempt(read: () => JsonValue): JsonValue | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Finite doubles with random bits, the same in every run. */
function* doubles(count: number): Iterable<number> {
  let block = createHash('sha256').update('doubles').digest();
  for (let found = 0; found < count; ) {
    block = createHash('sha256').update(block).digest();
    for (let at = 0; at < 32; at += 8) {
      const value = block.readDoubleBE(at);
      if (Number.isFinite(value)) {
        found += 1;
        yield value;
      }
    }
  }
}

function bitsOf(value: number): bigint {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes.readBigUInt64BE();
}

function neighbour(value: number, step: bigint): number {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, bitsOf(value) + step));
  return bytes.readDoubleBE();
}

/** Number::toString of ECMA-262 by its definition, in exact integers: nothing of the engine's own conversion is used. */
function shortest(value: number): string {
  const bits = bitsOf(value);
  const mantissaBits = bits & 0xfffffffffffffn;
  const biased = (bits >> 52n) & 0x7ffn;
  if (mantissaBits === 0n && biased === 0n) return '0';
  const sign = bits >> 63n === 1n ? '-' : '';
  const mantissa = biased === 0n ? mantissaBits : mantissaBits | (1n << 52n);
  const exponent = (biased === 0n ? 1n : biased) - 1075n;
  // everything in quarters of a unit in the last place, so that both ends of the rounding interval are integers
  const isLowerClose = mantissaBits === 0n && biased > 1n;
  const scale = exponent - 2n;
  const [exact, low, high] = [4n * mantissa, 4n * mantissa - (isLowerClose ? 1n : 2n), 4n * mantissa + 2n];
  const isClosed = mantissa % 2n === 0n;
  for (let k = 1; ; k++) {
    const found = nearest(exact, low, high, scale, isClosed, k);
    if (found !== undefined) return sign + layOut(found.digits, found.point);
  }
}

/** The decimal of `k` digits inside the interval that is nearest to `exact`, the even one of two, all times 2^`scale`. */
function nearest(exact: bigint, low: bigint, high: bigint, scale: bigint, isClosed: boolean, k: number) {
  const estimate = Math.floor(
    exact.toString(2).length * Math.LOG10E * Math.LN2 + Number(scale) * Math.LOG10E * Math.LN2,
  );
  let best: { digits: string; point: number; distance: bigint } | undefined;
  for (let point = estimate - 1; point <= estimate + 2; point++) {
    // digits · 10^(point − k) against exact · 2^scale, over a common denominator
    const power = BigInt(point - k);
    const unit = (power > 0n ? 10n ** power : 1n) * (scale < 0n ? 2n ** -scale : 1n);
    const times = (power < 0n ? 10n ** -power : 1n) * (scale > 0n ? 2n ** scale : 1n);
    for (const digits of [(exact * times) / unit, (exact * times) / unit + 1n]) {
      if (digits < 10n ** BigInt(k - 1) || digits >= 10n ** BigInt(k)) continue;
      const at = digits * unit;
      const isInside = isClosed ? at >= low * times && at <= high * times : at > low * times && at < high * times;
      const distance = at > exact * times ? at - exact * times : exact * times - at;
      // distances of different points have different denominators, but one number of k digits has one point only
      if (
        isInside &&
        (best === undefined || distance < best.distance || (distance === best.distance && digits % 2n === 0n))
      )
        best = { digits: String(digits), point, distance };
    }
  }
  return best;
}

/** ECMA-262 Number::toString, steps 6 to 10, for digits with the decimal point after the first `point` of them. */
function layOut(digits: string, point: number): string {
  if (digits.length <= point && point <= 21) return digits.padEnd(point, '0');
  if (0 < point && point <= 21) return `${digits.slice(0, point)}.${digits.slice(point)}`;
  if (-6 < point && point <= 0) return `0.${'0'.repeat(-point)}${digits}`;
  const power = `e${point > 0 ? '+' : '-'}${Math.abs(point - 1)}`;
  return digits.length === 1 ? digits + power : `${digits[0]}.${digits.slice(1)}${power}`;
}
