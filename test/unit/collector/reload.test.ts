import { describe, expect, test } from 'vitest';
import type { CollectorConfig } from '../../../collector/config/config.ts';
import { readConfig } from '../../../collector/config/read.ts';
import { changesText, configChanges } from '../../../collector/reload.ts';
import { PROTOCOLS } from '../../../protocols/registry.ts';
import { CATALOGUES } from './config/support.ts';

const TEXT = `
enterprises: [{ id: works, name: Works }]
sites: [{ id: hall, enterprise: works, name: Hall }]
sources:
  - { id: line-a, protocol: modbus, host: 127.0.0.1, units: [{ unitId: 1, points: [{ name: p, address: 0 }] }] }
  - { id: line-b, protocol: modbus, host: 127.0.0.2, units: [{ unitId: 1, points: [{ name: p, address: 0 }] }] }
devices: [{ id: pump, name: Pump, type: pump, enterprise: works, site: hall }]
`;

function configOf(text: string): CollectorConfig {
  const options = { file: 'x', baseFolder: '/etc/rollcall', definitions: PROTOCOLS, catalogues: CATALOGUES };
  const read = readConfig(text, options);
  if (!read.ok) throw new Error(read.problems.map(({ message }) => message).join('\n'));
  return read.config;
}

const changed = (change: (text: string) => string) => configChanges(configOf(TEXT), configOf(change(TEXT)));
const NOTHING = {
  atNextStart: [],
  addedSources: [],
  removedSources: [],
  changedSources: [],
  register: false,
  rules: false,
  influx: false,
};

describe('what a changed configuration changes', () => {
  test('is nothing where only comments and order of keys differ', () => {
    const same = changed((text) => `# a comment${text}timeZone: Asia/Shanghai\n`);
    expect(same).toEqual(NOTHING);
    expect(changesText(same)).toBe('nothing changed');
  });

  test('is the one source whose lines were changed', () => {
    const changes = changed((text) => text.replace('127.0.0.2', '127.0.0.3'));
    expect(changes).toEqual({ ...NOTHING, changedSources: ['line-b'] });
    expect(changesText(changes)).toBe('sources changed: line-b');
  });

  test('is a source more, a source less', () => {
    expect(changed((text) => text.replace('line-b', 'line-c'))).toEqual({
      ...NOTHING,
      addedSources: ['line-c'],
      removedSources: ['line-b'],
    });
  });

  test('is the register, the rules, or InfluxDB, each alone', () => {
    expect(changed((text) => text.replace('name: Pump', 'name: Pumpe'))).toEqual({ ...NOTHING, register: true });
    expect(changed((text) => `${text}rules: { minActiveDays: 9 }\n`)).toEqual({ ...NOTHING, rules: true });
    const influx = 'metrics: { influx: { dialect: v1, url: "http://h:1", database: d } }\n';
    expect(changed((text) => text + influx)).toEqual({ ...NOTHING, influx: true });
  });

  test('waits for the next start where files and sockets hang on it, and says so', () => {
    const changes = changed((text) => `${text}timeZone: UTC\napi: { port: 9090 }\ncollectorId: other\n`);
    expect(changes).toEqual({ ...NOTHING, atNextStart: ['collectorId', 'timeZone', 'api'] });
    expect(changesText(changes)).toBe('at the next start only: collectorId, timeZone, api');
  });
});
