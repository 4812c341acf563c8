import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ClaimsReader } from '../../../../protocols/mqtt/claims-reader.ts';
import { JsonScanner } from '../../../../protocols/mqtt/json-scanner.ts';
import { RecordReader } from '../../../../protocols/mqtt/record-reader.ts';
import { Quality } from '../../../../protocols/observation.ts';
import { testConfig } from './support.ts';

/** Both ways of reading the payloads of one template. */
function bothWays(topic: Record<string, unknown> = {}) {
  const config = testConfig('mqtt://b', { topics: [{ template: '{d}', ...topic }], limits: { points: 50, depth: 6 } });
  const [first] = config.topics;
  if (first === undefined) throw new Error('there is one topic');
  return {
    scanner: JsonScanner.for(first, config.limits),
    reader: new RecordReader(first, config.limits),
    claims: new ClaimsReader(first),
  };
}

/** What the scanner accepts, the ordinary way must find as well; true when the scanner accepted. */
function agrees({ scanner, reader, claims }: ReturnType<typeof bothWays>, text: string): boolean {
  if (scanner?.scan(Buffer.from(text)) !== true) return false;
  const document: unknown = JSON.parse(text);
  reader.read(document);
  const { points, digest, sourceAtMs } = scanner;
  expect({ text, points, digest, sourceAtMs, quality: Quality.good }).toEqual({
    text,
    points: reader.points,
    digest: reader.digest,
    sourceAtMs: reader.sourceAtMs,
    quality: reader.quality,
  });
  if (scanner.claimsDigest === 0) expect(claims.read(document, undefined)).toBeUndefined();
  return true;
}

const TEMPLATES = {
  nested: bothWays({ values: '/metrics', time: '/ts' }),
  flat: bothWays({ time: '/ts' }),
  deep: bothWays({ values: '/a', time: '/a/b/ts', timeUnit: 'iso', claims: { serialNumber: '/a/b/c' } }),
};
const ALL = Object.values(TEMPLATES);

/** JSON as text, so that names come twice, numbers are written in every way and space is anywhere. */
const name = fc.constantFrom(
  'a',
  'b',
  'c',
  'ts',
  'metrics',
  'serialNumber',
  'simulated',
  '__proto__',
  'toString',
  '1',
  'é',
  'x\\n',
);
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.integer().map(String),
  fc.tuple(fc.integer({ min: -99_999, max: 99_999 }), fc.nat(99_999)).map(([whole, part]) => `${whole}.${part}`),
  fc.constantFrom(
    '0',
    '-0',
    '-0.0',
    '01',
    '1.',
    '.5',
    '1e3',
    '9007199254740993',
    '123456789012345',
    '0.1',
    '-',
    '0.30000000000000004',
  ),
);
const space = fc.constantFrom('', ' ', '\n\t', '\r');
const { document: jsonText } = fc.letrec<{ document: string; object: string; array: string }>((tie) => ({
  document: fc.oneof(
    { maxDepth: 5 },
    number,
    fc.constantFrom(
      'true',
      'false',
      'null',
      'nul',
      '""',
      '"text"',
      '"2026-09-21T14:13:20Z"',
      '"\\u0041"',
      '"端"',
      '"1790000000000"',
    ),
    tie('object'),
    tie('array'),
  ),
  object: fc
    .array(fc.tuple(name, tie('document'), space, space), { maxLength: 5 })
    .map((members) => `{${members.map(([key, value, a, b]) => `${a}"${key}"${b}:${a}${value}${b}`).join(',')}}`),
  array: fc
    .array(fc.tuple(tie('document'), space), { maxLength: 4 })
    .map((parts) => `[${parts.map((part) => part.join('')).join(',')}]`),
}));

describe('the scanner of simple JSON', () => {
  test('accepts what devices send, and finds what is there', () => {
    const payload =
      '{"ts":1790000000000,"simulated":true,"metrics":{"load":12.5,"on":true,"mode":"auto","x":null,"n":[1,-2]}}';
    expect(agrees(TEMPLATES.nested, payload)).toBe(true);
    expect(TEMPLATES.nested.scanner).toMatchObject({ points: 5, sourceAtMs: 1_790_000_000_000 });
    expect(TEMPLATES.nested.scanner?.claimsDigest).not.toBe(0);
    expect(agrees(TEMPLATES.flat, '{ "ts": "1790000000000", "load": -0.5 }\n')).toBe(true);
  });

  test('knows the same claims again, and one claim from another', () => {
    const { scanner } = TEMPLATES.flat;
    const digestOf = (text: string): number | undefined =>
      scanner?.scan(Buffer.from(text)) ? scanner.claimsDigest : undefined;
    const one = digestOf('{"serialNumber":"S1","v":1}');
    expect(digestOf('{"v":2,"serialNumber":"S1"}')).toBe(one);
    expect(digestOf('{"serialNumber":"S2","v":1}')).not.toBe(one);
    expect(digestOf('{"model":"S1","v":1}')).not.toBe(one);
    expect(digestOf('{"v":1}')).toBe(0);
  });

  test.each([
    ['no values', '{"ts":1}'],
    ['an escape', '{"metrics":{"a":"\\n"}}'],
    ['text beyond ASCII', '{"metrics":{"a":"端"}}'],
    ['a name that comes twice', '{"metrics":{"a":1,"a":2}}'],
    ['a name of digits', '{"metrics":{"2":1,"1":2}}'],
    ['an exponent', '{"metrics":{"a":1e3}}'],
    ['a leading zero', '{"metrics":{"a":01}}'],
    ['something after the end', '{"metrics":{"a":1}} x'],
    ['the end too soon', '{"metrics":{"a":1}'],
    ['a comma too many', '{"metrics":{"a":1,}}'],
    ['too many values', `{"metrics":[${'1,'.repeat(50)}1]}`],
    ['too deep', `{"metrics":${'['.repeat(6)}1${']'.repeat(6)}}`],
  ])('gives up on %s', (_what, text) => {
    expect(TEMPLATES.nested.scanner?.scan(Buffer.from(text))).toBe(false);
  });

  test.each([
    [{ payload: 'cbor' }],
    [{ quality: { at: '/q', good: [1] } }],
    [{ devices: { key: '/id' } }],
    [{ values: '/d/0/v' }],
    [{ values: '/d/*/v' }],
  ])('is not for %j', (topic) => expect(bothWays(topic).scanner).toBeUndefined());

  test('finds what the ordinary way finds, in every text it accepts', () => {
    let accepted = 0;
    fc.assert(
      fc.property(jsonText, (text) => {
        for (const ways of ALL) if (agrees(ways, text)) accepted += 1;
      }),
      { numRuns: 20_000 },
    );
    expect(accepted).toBeGreaterThan(1_000);
  });

  test('accepts no text that is not JSON, wherever it was changed', () => {
    const real =
      '{"ts":1790000000000,"serialNumber":"S1","metrics":{"load":12.5,"on":true,"mode":"auto","n":[1,-2,null]}}';
    const change = fc.array(fc.tuple(fc.nat(real.length - 1), fc.integer({ min: 0x20, max: 0x7e })), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(change, (changes) => {
        const bytes = Buffer.from(real);
        for (const [at, byte] of changes) bytes[at] = byte;
        for (const ways of ALL) agrees(ways, bytes.toString());
      }),
      { numRuns: 20_000 },
    );
  });
});
