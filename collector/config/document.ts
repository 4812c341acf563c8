import {
  type Document,
  type ErrorCode,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml';

const MAX_FILE_BYTES = 32 * 1_048_576;
const MAX_ALIASES = 10_000;
/** Keys and items after every alias was followed. */
const MAX_VALUES = 10_000_000;

/** Something wrong at a place of the file. */
export interface Finding {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Lines and columns count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface Misprint extends Place {
  readonly message: string;
}

/** A YAML text, its value, and where in it everything stands. */
export interface ConfigDocument {
  /** What the text says; undefined where it cannot be told. */
  readonly value: unknown;
  /** What is wrong with the text itself. */
  readonly misprints: readonly Misprint[];
  /** The key or item that a path leads to, or the nearest thing on the way that exists. */
  placeOf(path: readonly PropertyKey[]): Place;
}

/**
 * The errors of YAML 1.2 in our own words: the library's would repeat parts of the file, which may be a secret in the
 * wrong place.
 */
const MISPRINTS: Readonly<Record<ErrorCode, string>> = {
  ALIAS_PROPS: 'an alias takes no anchor or tag',
  BAD_ALIAS: 'this is not a name of an alias: put text that begins with * or & in quotes',
  BAD_COLLECTION_TYPE: 'this tag does not go with what follows',
  BAD_DIRECTIVE: 'this directive is not known',
  BAD_DQ_ESCAPE: 'after a backslash in double quotes only certain letters may stand; use single quotes',
  BAD_INDENT: 'the indentation does not fit the lines above',
  BAD_PROP_ORDER: 'anchors and tags come after the - ? or : they belong to',
  BAD_SCALAR_START: 'text may not begin with this character: put it in quotes',
  BLOCK_AS_IMPLICIT_KEY:
    'a key and its value do not stand here in order; a colon is followed by a space, or the text is in quotes',
  BLOCK_IN_FLOW: 'inside [ ] and { } no indented list or mapping can stand',
  DUPLICATE_KEY: 'this key stands here twice',
  IMPOSSIBLE: 'this cannot be read',
  KEY_OVER_1024_CHARS: 'a key may have 1,024 characters',
  MISSING_CHAR: 'a character is missing: a comma, a colon with a space after it, a closing quote or bracket',
  MULTILINE_IMPLICIT_KEY: 'a key stands on one line, followed by a colon and a space',
  MULTIPLE_ANCHORS: 'only one anchor may stand here',
  MULTIPLE_DOCS: 'the file holds one configuration: --- may not stand between its parts',
  MULTIPLE_TAGS: 'only one tag may stand here',
  NON_STRING_KEY: 'a key is text',
  RESOURCE_EXHAUSTION: 'this is nested too deeply',
  TAB_AS_INDENT: 'indent with spaces, not with tabs',
  TAG_RESOLVE_FAILED: 'tags have no meaning here: put text that begins with ! in quotes',
  UNEXPECTED_TOKEN: 'this does not belong here',
};

/**
 * Reads YAML 1.2 within bounds: 32 MiB, 10,000 aliases, ten million values after following them, the nesting that the
 * parser bears. Never throws. After a misprint other than a repeated key, nothing more can be trusted and `value` is
 * undefined.
 */
export function readDocument(text: string): ConfigDocument {
  const lines = new LineCounter();
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const refused = (message: string, offset = 0): ConfigDocument => ({
    value: undefined,
    misprints: [{ ...at(offset), message }],
    placeOf: () => ({ line: 1, column: 1 }),
  });
  if (Buffer.byteLength(text) > MAX_FILE_BYTES) return refused('the file is larger than 32 MiB');
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const replaced = text.indexOf('\ufffd');
  if (replaced >= 0) return refused('the file is not UTF-8 from here on: save it as UTF-8', replaced);
  const wrong = [
    ...document.errors,
    ...document.warnings,
    ...(document.errors.length > 0 ? [] : structureErrors(document)),
  ];
  const misprints = wrong.map(({ code, pos }) => ({ ...at(pos[0]), message: MISPRINTS[code] }));
  const isReadable = wrong.every(({ code }) => code === 'DUPLICATE_KEY');
  const value: unknown = isReadable ? document.toJS({ maxAliasCount: -1 }) : undefined;
  if (isTooLarge(value))
    return refused(`the aliases of the file unfold to more than ${MAX_VALUES.toLocaleString('en')} values`);
  return { value, misprints, placeOf: (path) => at(offsetOf(document, path)) };
}

type Wrong = { readonly code: ErrorCode; readonly pos: readonly [number, number] };

/** Repeated keys, aliases without an anchor before them or inside what they stand for, and too many aliases. */
function structureErrors(document: Document.Parsed): Wrong[] {
  const anchors = new Set<string>();
  const wrong: Wrong[] = [];
  let aliases = 0;
  visit(document, {
    Node: (_, node, ancestors) => {
      const add = (code: ErrorCode): number => wrong.push({ code, pos: [node.range?.[0] ?? 0, node.range?.[1] ?? 0] });
      if (isMap(node)) wrong.push(...repeatedKeys(node));
      if (isAlias(node)) {
        aliases += 1;
        if (aliases > MAX_ALIASES) {
          add('RESOURCE_EXHAUSTION');
          return visit.BREAK;
        }
        const { source } = node;
        const isInside = ancestors.some((outer) => isCollection(outer) && outer.anchor === source);
        if (isInside || !anchors.has(source)) add('BAD_ALIAS');
      } else if (node.anchor !== undefined) anchors.add(node.anchor);
      return undefined;
    },
  });
  return wrong;
}

/** The library's own search takes the square of the number of keys. */
function repeatedKeys(map: YAMLMap): Wrong[] {
  const seen = new Set<unknown>();
  return map.items.flatMap(({ key }): Wrong[] => {
    if (!isScalar(key)) return [];
    if (seen.has(key.value)) return [{ code: 'DUPLICATE_KEY', pos: [key.range?.[0] ?? 0, key.range?.[1] ?? 0] }];
    seen.add(key.value);
    return [];
  });
}

/** An alias costs nothing until what it stands for is read again and again. */
function isTooLarge(value: unknown): boolean {
  const open: unknown[] = [value];
  for (let seen = 0; open.length > 0; seen += 1) {
    if (seen + open.length > MAX_VALUES) return true;
    const next = open.pop();
    if (typeof next === 'object' && next !== null) for (const child of Object.values(next)) open.push(child);
  }
  return false;
}

function offsetOf(document: Document.Parsed, path: readonly PropertyKey[]): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range[0] ?? 0;
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      if (pair === undefined) return offset;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else {
      node = (node as { items?: unknown[] } | null | undefined)?.items?.[Number(key)];
      offset = startOf(node) ?? offset;
    }
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
