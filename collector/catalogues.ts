import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CatalogueProtocol, EquipmentType } from './census/catalogue.ts';
import { CATEGORIES } from './census/device.ts';
import { CollectorError } from './errors.ts';

const TYPE_COLUMNS = ['code', 'name_zh', 'name_en', 'category', 'alternative', 'basis', 'cloud_class', 'unit'];
const PROTOCOL_COLUMNS = ['family', 'name_zh', 'name_en', 'standard_cn', 'standard_intl', 'variants', 'adapter'];

/** The product's catalogues. */
export interface Catalogues {
  readonly equipmentTypes: ReadonlyMap<string, EquipmentType>;
  readonly protocols: ReadonlyMap<string, CatalogueProtocol>;
  /** Lower-case hex SHA-256 of both files, in this order. */
  readonly sha256: string;
}

/** Reads `equipment-types.csv` and `protocols.csv` of a folder. Throws `CollectorError('startup')` naming file and line. */
export function readCatalogues(folder: string): Catalogues {
  const types = readFileSync(join(folder, 'equipment-types.csv'), 'utf8');
  const protocols = readFileSync(join(folder, 'protocols.csv'), 'utf8');
  return {
    equipmentTypes: byKey('equipment-types.csv', types, TYPE_COLUMNS, equipmentType, ({ code }) => code),
    protocols: byKey('protocols.csv', protocols, PROTOCOL_COLUMNS, protocol, ({ family }) => family),
    sha256: createHash('sha256').update(types).update(protocols).digest('hex'),
  };
}

type Row = Readonly<Record<string, string>>;

/** The catalogues are ours: plain CSV without quotes, one row a line. */
function byKey<T>(
  file: string,
  text: string,
  columns: readonly string[],
  make: (row: Row) => T,
  keyOf: (made: T) => string,
): ReadonlyMap<string, T> {
  const [header, ...lines] = text.trimEnd().split(/\r?\n/);
  if (header !== columns.join(','))
    throw new CollectorError('startup', `${file}:1: expected the columns ${columns.join(',')}`);
  const made = new Map<string, T>();
  lines.forEach((line, i) => {
    const fail = (why: string): never => {
      throw new CollectorError('startup', `${file}:${i + 2}: ${why}`);
    };
    const cells = line.split(',');
    if (cells.length !== columns.length) fail(`expected ${columns.length} cells, found ${cells.length}`);
    const row = Object.fromEntries(columns.map((column, at) => [column, cells[at] ?? '']));
    try {
      const entry = make(row);
      if (made.has(keyOf(entry))) fail(`${keyOf(entry)} stands here twice`);
      made.set(keyOf(entry), entry);
    } catch (error) {
      if (error instanceof CollectorError) throw error;
      fail(error instanceof Error ? error.message : String(error));
    }
  });
  return made;
}

function equipmentType(row: Row): EquipmentType {
  return {
    code: cell(row, 'code'),
    nameZh: cell(row, 'name_zh'),
    nameEn: cell(row, 'name_en'),
    category: oneOf(row, 'category', [...CATEGORIES, 'not-counted']),
    alternative: row['alternative'] ?? '',
    basis: row['basis'] ?? '',
    cloudClass: row['cloud_class'] ?? '',
    unit: cell(row, 'unit'),
  };
}

function protocol(row: Row): CatalogueProtocol {
  return {
    family: cell(row, 'family'),
    nameZh: cell(row, 'name_zh'),
    nameEn: cell(row, 'name_en'),
    standardCn: row['standard_cn'] ?? '',
    standardIntl: row['standard_intl'] ?? '',
    variants: (row['variants'] ?? '').split(';').filter((variant) => variant !== ''),
    adapter: oneOf(row, 'adapter', ['built-in', 'relayed']),
  };
}

function cell(row: Row, column: string): string {
  const value = row[column] ?? '';
  if (value === '') throw new TypeError(`${column} is empty`);
  return value;
}

function oneOf<const T extends string>(row: Row, column: string, allowed: readonly T[]): T {
  const found = allowed.find((value) => value === row[column]);
  if (found === undefined) throw new TypeError(`${column} is not one of ${allowed.join(', ')}`);
  return found;
}
