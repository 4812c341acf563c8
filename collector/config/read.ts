import { isAbsolute, resolve } from 'node:path';
import { isMap, isPair, isScalar, LineCounter, type ParsedNode, parseDocument, type Range } from 'yaml';
import type { z } from 'zod';
import type { AnyProtocolDefinition } from '../../protocols/registry.ts';
import type { Catalogues } from '../catalogues.ts';
import type { CollectorConfig } from './config.ts';
import { checkReferences, type Finding } from './references.ts';
import { registerOf } from './register.ts';
import { type ConfigFile, configSchema } from './schema.ts';

const MAX_FILE_BYTES = 32 * 1_048_576;
const MAX_ALIASES = 1_000;

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
 * Reads the text of `rollcall.yaml`: every problem at once, in order of line. Problems of syntax come alone, because
 * nothing after them can be trusted; problems of form and of reference come together.
 */
export function readConfig(text: string, options: ReadOptions): ReadResult {
  const { file, baseFolder, definitions, catalogues } = options;
  const whole = (message: string): ReadResult => ({
    ok: false,
    problems: [{ file, line: 1, column: 1, path: '', message }],
  });
  if (Buffer.byteLength(text) > MAX_FILE_BYTES) return whole('the file is larger than 32 MiB');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  if (document.errors.length > 0) {
    const problems = document.errors.map(({ pos, message }) => ({
      file,
      ...place(lines, pos[0]),
      path: '',
      message: lower(message),
    }));
    return { ok: false, problems };
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch {
    return whole(`the file has more than ${MAX_ALIASES} uses of aliases`);
  }
  const problemAt = ({ path, message }: Finding): Problem => ({
    file,
    ...place(lines, positionOf(document.contents, path)),
    path: pathText(path),
    message,
  });
  const parsed = configSchema(definitions).safeParse(value ?? {}, { reportInput: false });
  const findings = parsed.success ? [] : findingsOf(parsed.error.issues, value);
  const references = checkReferences(parsed.success ? parsed.data : value, { catalogues, definitions });
  const errors = [...findings, ...references.errors].map(problemAt).sort(byPlace);
  if (!parsed.success || errors.length > 0) return { ok: false, problems: errors };
  const config = decide(parsed.data, { baseFolder, definitions, catalogues });
  return { ok: true, config, warnings: references.warnings.map(problemAt).sort(byPlace) };
}

/** The second step: from what was written to what will be done. */
function decide(
  read: ConfigFile,
  { baseFolder, definitions, catalogues }: Pick<ReadOptions, 'baseFolder' | 'definitions' | 'catalogues'>,
): CollectorConfig {
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
    limits: read.limits,
    sources: read.sources.map((config) => {
      const definition = definitions.find(({ protocol }) => protocol === config.protocol);
      if (definition === undefined) throw new TypeError(`no adapter serves the protocol ${config.protocol}`);
      return { config, definition };
    }),
    register: registerOf(read, catalogues),
  };
}

/** zod's issues as findings: one for each unknown key, the innermost of a union, and never the value itself. */
function findingsOf(issues: readonly z.core.$ZodIssue[], value: unknown, base: readonly PropertyKey[] = []): Finding[] {
  return issues.flatMap((issue): Finding[] => {
    const path = [...base, ...issue.path];
    switch (issue.code) {
      case 'unrecognized_keys':
        return issue.keys.map((key) => ({ path: [...path, key], message: `unknown key ${JSON.stringify(key)}` }));
      case 'invalid_union':
        if (issue.errors.length === 0) return [{ path, message: lower(issue.message) }];
        return findingsOf(closest(issue.errors), value, path);
      case 'invalid_type':
        return [{ path, message: missing(value, path) ? 'is missing' : lower(issue.message) }];
      default:
        return [{ path, message: lower(issue.message) }];
    }
  });
}

/** The alternative of a union with the fewest complaints. */
function closest(alternatives: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] {
  return alternatives.reduce((best, issues) => (issues.length < best.length ? issues : best), alternatives[0] ?? []);
}

function missing(value: unknown, path: readonly PropertyKey[]): boolean {
  let at = value;
  for (const key of path) at = (at as Record<PropertyKey, unknown> | undefined)?.[key];
  return at === undefined;
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');
}

/** Offset of the key or item that a path leads to, or of the nearest thing on the way that exists. */
function positionOf(root: ParsedNode | null, path: readonly PropertyKey[]): number {
  let node: unknown = root;
  let offset = root?.range[0] ?? 0;
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === key);
      if (pair === undefined) return offset;
      offset = rangeOf(pair.key)?.[0] ?? offset;
      node = pair.value;
    } else {
      node = (node as { items?: unknown[] } | null)?.items?.[Number(key)];
      offset = rangeOf(node)?.[0] ?? offset;
    }
  }
  return offset;
}

function rangeOf(node: unknown): Range | undefined {
  return (node as { range?: Range | null } | null | undefined)?.range ?? undefined;
}

function place(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

function byPlace(a: Problem, b: Problem): number {
  return a.line - b.line || a.column - b.column;
}

/** House style: messages begin in lower case. */
function lower(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}
