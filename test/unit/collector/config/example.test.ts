import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { configJsonSchema, type JsonSchema } from '../../../../collector/config/json-schema.ts';
import { readConfig } from '../../../../collector/config/read.ts';
import { PROTOCOLS } from '../../../../protocols/registry.ts';
import { CATALOGUES, ROOT } from './support.ts';

const text = readFileSync(`${ROOT}/rollcall.example.yaml`, 'utf8');
const schema = configJsonSchema(PROTOCOLS);

/** `sources[].topics[].template`, for every key of the schema. */
function pathsOfSchema(
  { properties = {}, items, oneOf = [], anyOf = [], additionalProperties }: JsonSchema,
  at = '',
): string[] {
  const own = Object.entries(properties).flatMap(([key, child]) => {
    const path = at === '' ? key : `${at}.${key}`;
    return [path, ...pathsOfSchema(child, path)];
  });
  const each = typeof additionalProperties === 'object' ? pathsOfSchema(additionalProperties, `${at}.*`) : [];
  const parts = [...oneOf, ...anyOf].flatMap((member) => pathsOfSchema(member, at));
  return [...own, ...each, ...parts, ...(items === undefined ? [] : pathsOfSchema(items, `${at}[]`))];
}

/** The same of a text; a key of a mapping with free keys stands both under its name and as `*`. */
function pathsOfText(yaml: string): Set<string> {
  const found = new Set<string>();
  const walk = (value: unknown, at: string): void => {
    if (Array.isArray(value)) for (const item of value) walk(item, `${at}[]`);
    else if (typeof value === 'object' && value !== null) {
      for (const [key, child] of Object.entries(value)) {
        for (const name of [key, '*']) {
          const path = at === '' ? name : `${at}.${name}`;
          found.add(path);
          walk(child, path);
        }
      }
    }
  };
  walk(parseDocument(yaml, { uniqueKeys: false }).toJS(), '');
  return found;
}

describe('rollcall.example.yaml', () => {
  test('passes the check without a warning', () => {
    const result = readConfig(text, {
      file: 'rollcall.example.yaml',
      baseFolder: ROOT,
      definitions: PROTOCOLS,
      catalogues: CATALOGUES,
    });
    expect(result).toMatchObject({ ok: true, warnings: [] });
  });

  test('shows every key there is, switched on or off', () => {
    const withSwitchedOff = text.replaceAll(/^(\s*)#(?=[a-zA-Z])/gm, '$1');
    const shown = new Set([...pathsOfText(text), ...pathsOfText(withSwitchedOff)]);
    expect(pathsOfSchema(schema).filter((path) => !shown.has(path))).toEqual([]);
  });

  test('names the schema for editors in its first line', () => {
    expect(text).toMatch(/^# yaml-language-server: \$schema=\.\/rollcall\.schema\.json\n/);
  });
});

describe('rollcall.schema.json', () => {
  test('is the one of the code; otherwise run: node scripts/write-json-schema.ts', () => {
    expect(JSON.parse(readFileSync(`${ROOT}/rollcall.schema.json`, 'utf8'))).toEqual(
      JSON.parse(JSON.stringify(schema)),
    );
  });
});
