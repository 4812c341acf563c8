import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readCatalogues } from '../../../../collector/catalogues.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { CATALOGUES } from './support.ts';

const TYPES = 'code,name_zh,name_en,category,alternative,basis,cloud_class,unit\n';
const PROTOCOLS = 'family,name_zh,name_en,standard_cn,standard_intl,variants,adapter\n';

function reading(types: string, protocols = PROTOCOLS): () => unknown {
  return () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, 'equipment-types.csv'), types);
    writeFileSync(join(folder.path, 'protocols.csv'), protocols);
    return readCatalogues(folder.path);
  };
}

describe('the shipped catalogues', () => {
  test('know what is counted, what is not, and which protocols we speak', () => {
    expect(CATALOGUES.equipmentTypes.get('air-compressor')).toMatchObject({ category: 'running', unit: '台' });
    expect(CATALOGUES.equipmentTypes.get('plc')).toMatchObject({ category: 'not-counted' });
    expect(CATALOGUES.protocols.get('modbus')).toMatchObject({
      adapter: 'built-in',
      variants: ['tcp', 'rtu', 'rtu-over-tcp'],
    });
    expect(CATALOGUES.sha256).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('a catalogue with a mistake is refused with file and line', () => {
  test.each([
    [
      'a column too many',
      reading(`${TYPES}a,甲,A,running,,,,台,x\n`),
      'equipment-types.csv:2: expected 8 cells, found 9',
    ],
    [
      'an unknown category',
      reading(`${TYPES}a,甲,A,running,,,,台\nb,乙,B,flying,,,,台\n`),
      'equipment-types.csv:3: category is not one of running, processing, moving, other, not-counted',
    ],
    [
      'a code twice',
      reading(`${TYPES}a,甲,A,running,,,,台\na,乙,B,running,,,,台\n`),
      'equipment-types.csv:3: a stands here twice',
    ],
    ['an empty name', reading(`${TYPES}a,,A,running,,,,台\n`), 'equipment-types.csv:2: name_zh is empty'],
    ['other columns', reading('code,name\na,b\n'), 'equipment-types.csv:1: expected the columns'],
    [
      'an unknown adapter',
      reading(TYPES, `${PROTOCOLS}m,甲,M,,,,magic\n`),
      'protocols.csv:2: adapter is not one of built-in, relayed',
    ],
  ])('%s', (_, read, message) => {
    expect(read).toThrow(message);
  });
});
