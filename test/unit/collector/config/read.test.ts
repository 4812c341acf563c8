import { describe, expect, test } from 'vitest';
import { problemsOf, read, warningsOf } from './support.ts';

const PLANT = `
enterprises:
  - { id: e1, name: First }
sites:
  - { id: s1, enterprise: e1, name: Hall }
sources:
  - id: bells
    protocol: bell
    rooms: [{ name: r1 }, { name: r2, every: 5s }]
devices:
  - id: d1
    name: One
    type: air-compressor
    enterprise: e1
    site: s1
    expectedInterval: 30s
    bindings: [{ source: bells, address: r1 }]
`;

describe('what a file without problems becomes', () => {
  test('an empty file is a plant with defaults and nothing in it', () => {
    const result = read('');
    expect(result).toMatchObject({
      ok: true,
      config: {
        collectorId: 'main',
        timeZone: 'Asia/Shanghai',
        baseFolder: '/plant',
        dataFolder: '/plant/data',
        api: { host: '127.0.0.1', port: 8080, tls: undefined },
        influx: undefined,
        rules: { minTier: 'live', minActiveDays: 3, activeWithinDays: 30, minSlotsPerDay: 1 },
        sources: [],
        register: { enterprises: [], sites: [], devices: [], bindings: [] },
      },
    });
  });

  test('the register has domain names, milliseconds, and the unit of the type where none is written', () => {
    const result = read(PLANT);
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    expect(result.config.register.devices).toEqual([
      expect.objectContaining({
        id: 'd1',
        typeCode: 'air-compressor',
        unit: '台',
        life: 'in-service',
        expectedIntervalMs: 30_000,
      }),
    ]);
    expect(result.config.register.bindings).toEqual([{ sourceId: 'bells', address: 'r1', deviceId: 'd1' }]);
    expect(result.config.register.sites).toEqual([{ id: 's1', enterpriseId: 'e1', name: 'Hall', kind: 'production' }]);
    expect(result.config.sources[0]?.config).toMatchObject({
      id: 'bells',
      simulated: false,
      rooms: [{ every: 10_000 }, { every: 5_000 }],
    });
  });

  test('targets are known by year', () => {
    const result = read('targets: { 2026: { devices: 1200, protocols: 3 } }');
    expect(result.ok && result.config.targets).toEqual(new Map([[2026, { devices: 1200, protocols: 3 }]]));
  });

  test('files are found from where the configuration is', () => {
    const result = read('data: evidence\napi: { tls: { key: k.pem, certificate: /etc/c.pem } }');
    expect(result.ok && [result.config.dataFolder, result.config.api.tls]).toEqual([
      '/plant/evidence',
      { key: '/plant/k.pem', certificate: '/etc/c.pem' },
    ]);
  });
});

describe('what is wrong is told', () => {
  test('everything at once, in order of line, with the path', () => {
    expect(
      problemsOf(`
timeZone: Beijing
api:
  prot: 80
sources:
  - id: bells
    protocol: ball
  - id: bells
    protocol: bell
    rooms:
      - name: 7
        every: 2
devices:
  - id: d1
    name: One
    type: air-compresor
    enterprise: e9
    bindings:
      - { source: bels, address: r1 }
`),
    ).toEqual([
      '2:1 timeZone: is not an IANA time zone such as Asia/Shanghai',
      '4:3 api.prot: unknown key prot; did you mean port?',
      '7:5 sources[0].protocol: write bell or post',
      '8:5 sources[1].id: bells stands in sources twice',
      '11:9 sources[1].rooms[0].name: must be text: put it in quotes',
      '12:9 sources[1].rooms[0].every: must be text: put it in quotes',
      '16:5 devices[0].type: unknown equipment type air-compresor; did you mean air-compressor?',
      '17:5 devices[0].enterprise: there is no enterprise e9',
      '19:11 devices[0].bindings[0].source: there is no source bels; did you mean bells?',
    ]);
  });

  test('a missing key at the thing that lacks it', () => {
    expect(problemsOf('enterprises:\n  - id: e1\n')).toEqual(['2:5 enterprises[0].name: is missing']);
  });

  test('a key with nothing after its colon', () => {
    expect(problemsOf('data:\napi:\n')).toEqual([
      '1:1 data: must be text, but nothing is written after the colon',
      '2:1 api: must be keys with values, but nothing is written after the colon',
    ]);
  });

  test('a repeated key together with everything else', () => {
    expect(problemsOf('data: a\ndata: b\norigin: UPPER\n')).toEqual([
      '2:1 : this key stands here twice',
      '3:1 origin: write it like a domain name: lower-case letters, digits, dots',
    ]);
  });

  test('misprints of YAML alone, because nothing after them can be trusted', () => {
    expect(problemsOf('data: [a, b\napi: {\n\tport: 80\nnosuch: 1')).not.toContainEqual(
      expect.stringContaining('nosuch'),
    );
    expect(problemsOf('a: "x\\q"')).toEqual([
      '1:6 : after a backslash in double quotes only certain letters may stand; use single quotes',
    ]);
    expect(problemsOf('data: a\n---\ndata: b')).toEqual([expect.stringContaining('the file holds one configuration')]);
  });

  test('a file that is not a mapping', () => {
    expect(problemsOf('- a\n- b')).toEqual(['1:1 : must be keys with values']);
    expect(problemsOf('hello')).toEqual(['1:1 : must be keys with values']);
  });

  test('a file in another encoding, which would make wrong names of right ones', () => {
    const gbk = Buffer.from([0x6e, 0x3a, 0x20, 0xb5, 0xe3, 0xc3, 0xfb]).toString('utf8');
    expect(problemsOf(`data: x\n${gbk}`)).toEqual(['2:4 : the file is not UTF-8 from here on: save it as UTF-8']);
  });

  test('a thousand problems, and how many more there are', () => {
    const many = problemsOf(`devices:\n${'  - { id: x }\n'.repeat(1_500)}`);
    expect(many).toHaveLength(1_001);
    expect(many.at(-1)).toMatch(/and \d+ more after this one/);
  });
});

describe('secrets', () => {
  const SECRET = 'hunter2-geheim';
  const places = [
    `sources: [{ id: b, protocol: bell, rooms: [], password: ${SECRET} }]`,
    `sources: [{ id: b, protocol: bell, rooms: [], password: '${SECRET}' }]`,
    `metrics: { influx: { dialect: v2, url: 'http://h:1', org: o, bucket: b, token: ${SECRET} } }`,
    `metrics: { influx: { dialect: v2, url: 'http://u:${SECRET}@h:1', org: o, bucket: b, token: env:T } }`,
    `metrics: { influx: { dialect: v1, url: 'http://h:1?p=${SECRET}', database: d } }`,
    `metrics:\n  influx:\n    token: *${SECRET}`,
    `metrics:\n  influx:\n    token: !${SECRET} x`,
    `metrics:\n  influx:\n    token: &${SECRET}`,
    `metrics:\n  influx:\n    token: "${SECRET}\\q"`,
    `metrics:\n  influx:\n    token: @${SECRET}`,
    `metrics:\n  influx:\n    token: ${SECRET}: x`,
    `metrics:\n  influx:\n    token: [${SECRET}`,
    `metrics:\n  influx:\n    dialect: v2\n    token:${SECRET}\n    org: x`,
    `metrics:\n  influx:\n    dialect: v2\n    "token:${SECRET}":`,
    `metrics:\n  influx:\n    dialect: ${SECRET}`,
    `metrics: ${SECRET}`,
    SECRET,
    `%${SECRET}\n---\na: 1`,
  ];
  test.each(places)('written where only a reference may stand are refused and not repeated: %s', (text) => {
    const problems = problemsOf(text);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.join('\n')).not.toContain(SECRET);
  });
});

describe('what one part says of another', () => {
  const device = (more: string): string => `${PLANT}  - { id: d2, name: Two, ${more} }\n`;

  test('a site of another enterprise', () => {
    expect(
      problemsOf(device('enterprise: e2, site: s1').replace('sites:', '  - { id: e2, name: Second }\nsites:')),
    ).toEqual([expect.stringContaining('devices[1].site: site s1 belongs to enterprise e1, not e2')]);
  });

  test('an address that the source does not have, where the source names its addresses', () => {
    expect(problemsOf(device('bindings: [{ source: bells, address: r9 }]'))).toEqual([
      expect.stringContaining('devices[1].bindings[0].address: source bells has no address r9; it has r1, r2'),
    ]);
    expect(
      problemsOf(
        device('bindings: [{ source: p, address: r9 }]').replace('sources:', 'sources:\n  - { id: p, protocol: post }'),
      ),
    ).toEqual([]);
  });

  test('one address bound to two devices', () => {
    expect(problemsOf(device('bindings: [{ source: bells, address: r1 }]'))).toEqual([
      expect.stringContaining('devices[1].bindings[0]: r1 of bells is bound to device d1 already'),
    ]);
  });

  test('a retirement without its day, and a day without a retirement', () => {
    expect(problemsOf(device('life: retired'))).toEqual([expect.stringContaining('a retired device needs retiredOn')]);
    expect(problemsOf(device("retiredOn: '2026-01-01'"))).toEqual([expect.stringContaining('goes with life: retired')]);
    expect(problemsOf(device("life: retired, retiredOn: '2026-02-30'"))).toEqual([
      expect.stringContaining('is not a date'),
    ]);
  });

  test('sets that are parts of themselves, once for each circle, and not the devices that lead into it', () => {
    const sets = ['a b', 'b c', 'c b', 'd d', 'e f', 'f '].map((pair) => {
      const [id, set] = pair.split(' ');
      return `  - { id: ${id}, name: N${set === '' ? '' : `, set: ${set}`} }`;
    });
    expect(problemsOf(`devices:\n${sets.join('\n')}`).map((line) => line.replace(/^\S+ /, ''))).toEqual([
      'devices[1].set: b is a part of itself',
      'devices[3].set: d is a part of itself',
    ]);
  });

  test('a set that does not exist', () => {
    expect(problemsOf(device('set: nowhere'))).toEqual([
      expect.stringContaining('devices[1].set: there is no device nowhere'),
    ]);
  });
});

describe('warnings of a usable file', () => {
  test('a device that can never be live or verified, and a source that counts nothing', () => {
    expect(
      warningsOf(
        'sources:\n  - { id: p, protocol: post }\ndevices:\n  - { id: d, name: D }\n  - { id: old, name: O, life: planned }',
      ),
    ).toEqual([
      '2:5 sources[0]: no device is bound to it: it is watched and counts nothing',
      '4:5 devices[0]: has no binding: it can never be live (R3)',
      '4:5 devices[0]: has no enterprise and no site and no type: it can never be verified (R7)',
    ]);
  });

  test('none for a complete plant', () => {
    expect(warningsOf(PLANT)).toEqual([]);
  });
});
