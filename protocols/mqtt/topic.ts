/**
 * Topic templates: `plants/{enterprise}/{site}/{device}/telemetry`. They say which topics belong to a source and where
 * in a topic the address of a device stands.
 *
 * A level of a template is one of
 * - text, which the topic must have at this place, letter by letter;
 * - `{name}`, any one level that is not empty; its value is a part of the address;
 * - `+`, any one level; it is no part of the address;
 * - as the last level `#`, whatever follows, also nothing (MQTT 5.0, 4.7.1.2); it is no part of the address;
 * - as the last level `{name...}`, one or more levels; all of them are a part of the address.
 *
 * The address is the values of the variables in the order in which they stand, joined with `/`.
 */
export interface TopicTemplate {
  readonly text: string;
  /** The topic filter to subscribe to: variables as `+`, a tail as `#` (MQTT 5.0, 4.7.1). */
  readonly filter: string;
  /** Without the tail. */
  readonly levels: readonly Level[];
  readonly tail: 'none' | 'any' | 'variable';
  /** Names of the variables in order; the tail's last. */
  readonly variables: readonly string[];
}

type Level = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'variable' | 'any' };

const VARIABLE = /^\{(\p{L}[\p{L}\p{N}_]*)(\.\.\.)?\}$/u;
/** MQTT 5.0, 1.5.4: a string is preceded by its length in two bytes. */
const MAX_TOPIC_BYTES = 65_535;
/** Longer addresses are refused: the register could not name them. */
export const MAX_ADDRESS_LENGTH = 1_024;

/** The template, or in words why the text is none. */
export function parseTemplate(text: string): TopicTemplate | string {
  if (text === '' || Buffer.byteLength(text) > MAX_TOPIC_BYTES) return 'a topic template has 1 to 65,535 bytes';
  const parts = text.split('/');
  if (parts[0]?.startsWith('$')) return 'topics that begin with $ belong to the broker';
  const levels: Level[] = [];
  const variables: string[] = [];
  let tail: TopicTemplate['tail'] = 'none';
  for (const [place, part] of parts.entries()) {
    const [matched, name, dots] = VARIABLE.exec(part) ?? [];
    const isTail = part === '#' || dots !== undefined;
    if (isTail && place !== parts.length - 1) return `${part} may stand at the end only`;
    if (name !== undefined && variables.includes(name)) return `the variable {${name}} stands in the template twice`;
    if (matched === undefined && part !== '+' && part !== '#' && /[{}+#\0]/.test(part)) {
      return `the level "${part}" must be plain text, + or one variable such as {device}`;
    }
    if (name !== undefined) variables.push(name);
    if (isTail) tail = part === '#' ? 'any' : 'variable';
    else if (name !== undefined) levels.push({ kind: 'variable' });
    else levels.push(part === '+' ? { kind: 'any' } : { kind: 'text', text: part });
  }
  const filter = [...levels.map(filterLevel), ...(tail === 'none' ? [] : ['#'])].join('/');
  return { text, filter, levels, tail, variables };
}

/** As `parseTemplate`, for a text that the configuration's schema has checked. */
export function checkedTemplate(text: string): TopicTemplate {
  const template = parseTemplate(text);
  if (typeof template === 'string') throw new TypeError(`${text}: ${template}`);
  return template;
}

/**
 * The address that a topic names under a template; undefined when the topic does not match, a variable is empty or the
 * address is longer than 1,024 characters. Empty text for a template without variables.
 */
export function addressOf(template: TopicTemplate, topic: string): string | undefined {
  const { levels, tail } = template;
  let from = 0;
  let address = '';
  for (const level of levels) {
    if (from > topic.length) return undefined;
    const slash = topic.indexOf('/', from);
    const to = slash === -1 ? topic.length : slash;
    if (level.kind === 'text') {
      if (to - from !== level.text.length || !topic.startsWith(level.text, from)) return undefined;
    } else if (level.kind === 'variable') {
      if (to === from) return undefined;
      address = joined(address, topic.slice(from, to));
    }
    from = to + 1;
  }
  // `from` stands behind the slash after the last level, or one beyond the end of the topic when there is none.
  const rest = from <= topic.length ? topic.slice(from) : undefined;
  if (tail === 'none' && rest !== undefined) return undefined;
  if (tail === 'variable') {
    if (rest === undefined || rest === '') return undefined;
    address = joined(address, rest);
  }
  return address.length <= MAX_ADDRESS_LENGTH ? address : undefined;
}

/** True when some topic matches both. */
export function templatesOverlap(a: TopicTemplate, b: TopicTemplate): boolean {
  return overlap(a.levels, a.tail, b.levels, b.tail);
}

/**
 * True when two templates may give one address to different devices: the addresses can be equal although the variables
 * are not the same. `a` names by `{site}/{device}`, `b` by `{line}/{machine}`: who is `north/7`?
 */
export function addressesClash(a: AddressSpace, b: AddressSpace): boolean {
  if (a.prefix === b.prefix && a.variables.join('/') === b.variables.join('/')) return false;
  const [first, second] = [spaceLevels(a), spaceLevels(b)];
  return overlap(first, a.open ? 'any' : 'none', second, b.open ? 'any' : 'none');
}

/** Which addresses a template can give. */
export interface AddressSpace {
  readonly prefix: string | undefined;
  readonly variables: readonly string[];
  /** More levels may follow. */
  readonly open: boolean;
}

function spaceLevels({ prefix, variables }: AddressSpace): Level[] {
  const levels: Level[] = variables.map(() => ({ kind: 'variable' }));
  return prefix === undefined ? levels : [{ kind: 'text', text: prefix }, ...levels];
}

function overlap(
  a: readonly Level[],
  aTail: TopicTemplate['tail'],
  b: readonly Level[],
  bTail: TopicTemplate['tail'],
): boolean {
  const both = Math.min(a.length, b.length);
  for (let place = 0; place < both; place++) {
    const [first, second] = [a[place], b[place]];
    if (first?.kind !== 'text' || second?.kind !== 'text') {
      const emptyText = [first, second].some((level) => level?.kind === 'text' && level.text === '');
      const variable = [first, second].some((level) => level?.kind === 'variable');
      if (emptyText && variable) return false;
    } else if (first.text !== second.text) return false;
  }
  if (a.length === b.length) {
    // Nothing left on one side matches `#` and nothing else.
    if (aTail === 'variable') return bTail !== 'none';
    return bTail !== 'variable' || aTail !== 'none';
  }
  // `{name...}` and `#` take all further levels of the longer one.
  return a.length < b.length ? aTail !== 'none' : bTail !== 'none';
}

function filterLevel(level: Level): string {
  return level.kind === 'text' ? level.text : '+';
}

function joined(address: string, value: string): string {
  return address === '' ? value : `${address}/${value}`;
}
