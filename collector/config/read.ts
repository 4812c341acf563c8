import { isAbsolute, resolve } from 'node:path';
import type { AnyProtocolDefinition } from '../../protocols/registry.ts';
import type { Catalogues } from '../catalogues.ts';
import type { CollectorConfig } from './config.ts';
import { type Finding, readDocument } from './document.ts';
import { findingsOf, isPlainKey } from './findings.ts';
import { configJsonSchema, type JsonSchema, knownKeys } from './json-schema.ts';
import { checkReferences } from './references.ts';
import { registerOf } from './register.ts';
import { type ConfigFile, configSchema } from './schema.ts';

/** Problems told of one file; a person mends the first, and a flood of them has one cause. */
const MAX_PROBLEMS = 1_000;

/** One thing that is wrong, and where. Lines and columns count from 1. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** `sources[2].units[0].unitId`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
}

export type ReadResult =
  | { readonly ok: true; readonly config: CollectorConfig; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export interface ReadOptions {
  /** For messages. */
  readonly file: string;
  /** Absolute folder that relative paths of the file refer to. */
  readonly baseFolder: string;
  readonly definitions: readonly AnyProtocolDefinition[];
  readonly catalogues: Catalogues;
}

/**
 * Reads the text of `rollcall.yaml`: every problem at once, in order of line, the first thousand of them. Where the
 * text is not YAML only that is told, because nothing after it can be trusted. No message repeats a value that could
 * be a secret.
 */
export function readConfig(text: string, options: ReadOptions): ReadResult {
  const { file, definitions, catalogues } = options;
  const document = readDocument(text);
  const { value, misprints } = document;
  const problemAt = ({ path, message }: Finding): Problem => ({
    file,
    ...document.placeOf(path),
    path: pathText(path),
    message,
  });
  const problems: Problem[] = misprints.map((misprint) => ({ file, path: '', ...misprint }));
  if (misprints.length > 0 && value === undefined) return { ok: false, problems: inOrder(problems) };

  const parsed = configSchema(definitions).safeParse(value ?? {});
  const references = checkReferences(value, { catalogues, definitions });
  if (!parsed.success) {
    let schema: JsonSchema | undefined;
    const knownKeysAt = (path: readonly PropertyKey[]): readonly string[] => {
      schema ??= configJsonSchema(definitions);
      return knownKeys(schema, value, path);
    };
    problems.push(...findingsOf(parsed.error.issues, value, knownKeysAt).map(problemAt));
  }
  problems.push(...references.errors.map(problemAt));
  if (!parsed.success || problems.length > 0) return { ok: false, problems: inOrder(problems) };
  return { ok: true, config: decide(parsed.data, options), warnings: inOrder(references.warnings.map(problemAt)) };
}

/** The second step: from what was written to what will be done. */
function decide(read: ConfigFile, { baseFolder, definitions, catalogues }: ReadOptions): CollectorConfig {
  const absolute = (path: string): string => (isAbsolute(path) ? path : resolve(baseFolder, path));
  const { tls, host, port, trustedProxies } = read.api;
  return {
    collectorId: read.collectorId,
    timeZone: read.timeZone,
    origin: read.origin,
    baseFolder,
    dataFolder: absolute(read.data),
    api: {
      host,
      port,
      tls: tls === undefined ? undefined : { key: absolute(tls.key), certificate: absolute(tls.certificate) },
      trustedProxies,
    },
    broker: read.broker,
    influx: read.metrics.influx,
    rules: read.rules,
    targets: new Map(Object.entries(read.targets).map(([year, target]) => [Number(year), target])),
    limits: read.limits,
    sources: read.sources.map((config) => {
      const definition = definitions.find(({ protocol }) => protocol === config.protocol);
      if (definition === undefined) throw new TypeError(`no adapter serves the protocol ${config.protocol}`);
      return { config, definition };
    }),
    register: registerOf(read, catalogues),
  };
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    const name = isPlainKey(String(key)) ? String(key) : '…';
    return text === '' ? name : `${text}.${name}`;
  }, '');
}

function inOrder(problems: readonly Problem[]): Problem[] {
  const sorted = [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
  const shown = sorted.slice(0, MAX_PROBLEMS);
  const last = shown.at(-1);
  const left = sorted.length - shown.length;
  return left === 0 || last === undefined
    ? shown
    : [...shown, { ...last, path: '', message: `and ${left} more after this one` }];
}
