import { ValueDigest } from '../value-digest.ts';
import { instantOf } from './instant.ts';
import { pointerTokens } from './json-pointer.ts';
import type { RecordLimits } from './record-reader.ts';
import type { TopicConfig } from './topic-config.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const BRACKET_END = 0x5d;
const BRACE = 0x7b;
const BRACE_END = 0x7d;

/** Not simple: somebody else has to look at it. */
const GIVE_UP = -1;
/** Digits that a double holds exactly together with their power of ten, so that one division rounds as it should. */
const MAX_EXACT_DIGITS = 15;
const POWERS_OF_TEN = Array.from({ length: MAX_EXACT_DIGITS + 1 }, (_, exponent) => 10 ** exponent);
/** Members of one object that are checked for a name that comes twice; an object with more is not simple. */
const MAX_MEMBERS = 24;
/** Nesting of a simple document. */
const MAX_DEPTH = 8;

/** What a place in the document is: a step on the way, values, or something among them that is no value. */
interface Place {
  readonly role: 'way' | 'values' | 'time' | 'claim' | 'aside';
  /** Tells claims apart. */
  readonly id: number;
  readonly members: readonly { readonly name: Buffer; readonly place: Place }[];
}

const VALUES: Place = { role: 'values', id: 0, members: [] };

/**
 * Reads simple JSON without building it: one pass over the bytes that counts and digests the values, finds the time
 * and notices claims. It is right or it gives up: whatever is not plain ASCII without escapes, not small, or not JSON,
 * is left to the ordinary way, which finds the same in everything that this one accepts
 * (`json-scanner.test.ts` compares them).
 */
export class JsonScanner {
  points = 0;
  digest = 0;
  sourceAtMs = Number.NaN;
  /** Of the claims' bytes; 0 when the document has none. */
  claimsDigest = 0;
  readonly #root: Place;
  readonly #timeUnit: TopicConfig['timeUnit'];
  readonly #limits: RecordLimits;
  readonly #values = new ValueDigest();
  readonly #claims = new ValueDigest();
  #hasClaims = false;
  /** Where the names of open objects begin and end, a row of `MAX_MEMBERS` pairs for each depth. */
  readonly #names = new Int32Array(2 * MAX_MEMBERS * MAX_DEPTH);

  private constructor(root: Place, timeUnit: TopicConfig['timeUnit'], limits: RecordLimits) {
    this.#root = root;
    this.#timeUnit = timeUnit;
    this.#limits = limits;
  }

  /** A scanner for the payloads of a template; undefined for those that need more than it can do. */
  static for(topic: TopicConfig, limits: RecordLimits): JsonScanner | undefined {
    const { payload, values, time, timeUnit, quality, devices, claims } = topic;
    const pointers = [values, time, ...Object.values(claims)].filter((pointer) => pointer !== undefined);
    const isPlain = pointers.every((pointer) =>
      pointerTokens(pointer).every((token) => /^[A-Za-z_][ -~]*$/.test(token)),
    );
    if (payload !== 'json' || quality !== undefined || devices !== undefined || !isPlain) return undefined;
    const root = placeAt([], { values, time, claims: Object.values(claims).filter((claim) => claim !== undefined) });
    return new JsonScanner(root, timeUnit, limits);
  }

  /** True when the payload was simple and has values; then the fields say what was found. */
  scan(bytes: Buffer): boolean {
    this.points = 0;
    this.sourceAtMs = Number.NaN;
    this.#hasClaims = false;
    this.#values.start();
    const end = this.#value(bytes, skipSpace(bytes, 0), this.#root, 0);
    if (end === GIVE_UP || skipSpace(bytes, end) !== bytes.length) return false;
    if (this.points === 0 || this.points > this.#limits.points) return false;
    this.digest = this.#values.finish();
    this.claimsDigest = this.#hasClaims ? this.#claims.finish() || 1 : 0;
    return true;
  }

  /** Reads the value that begins at `at`; returns where it ends. */
  #value(bytes: Buffer, at: number, place: Place, depth: number): number {
    switch (place.role) {
      case 'time':
        return this.#time(bytes, at, depth);
      case 'claim':
        return this.#claim(bytes, at, place, depth);
      case 'aside':
        return skipValue(bytes, at, depth);
      default:
    }
    const first = bytes[at];
    if (first === BRACE) return this.#object(bytes, at + 1, place, depth);
    if (place.role === 'way') return skipValue(bytes, at, depth);
    if (first === BRACKET) return this.#array(bytes, at + 1, depth);
    if (first === QUOTE) {
      const end = stringEnd(bytes, at + 1);
      if (end === GIVE_UP) return GIVE_UP;
      for (let i = at + 1; i < end - 1; i++) this.#values.word(bytes[i] as number);
      this.#values.word((end - at - 2) ^ 0x5a5a5a5a);
      this.points += 1;
      return end;
    }
    if (first === MINUS || isDigit(first)) {
      const end = numberEnd(bytes, at);
      if (end === GIVE_UP) return GIVE_UP;
      this.#values.number(numberIn(bytes, at, end));
      this.points += 1;
      return end;
    }
    const end = wordEnd(bytes, at);
    if (end !== GIVE_UP && first !== 0x6e) {
      this.#values.boolean(first === 0x74);
      this.points += 1;
    }
    return end;
  }

  #object(bytes: Buffer, from: number, place: Place, depth: number): number {
    if (depth >= MAX_DEPTH || (place.role === 'values' && depth >= this.#limits.depth)) return GIVE_UP;
    let at = skipSpace(bytes, from);
    if (bytes[at] === BRACE_END) return at + 1;
    for (let member = 0; member < MAX_MEMBERS; member++) {
      if (bytes[at] !== QUOTE) return GIVE_UP;
      const nameEnd = stringEnd(bytes, at + 1);
      // A name of digits alone would come first in an object that is built; whatever begins with one is left alone.
      if (nameEnd === GIVE_UP || isDigit(bytes[at + 1]) || !this.#isNew(bytes, at + 1, nameEnd - 1, member, depth)) {
        return GIVE_UP;
      }
      const below = memberOf(place, bytes, at + 1, nameEnd - 1);
      at = skipSpace(bytes, nameEnd);
      if (bytes[at] !== COLON) return GIVE_UP;
      at = this.#value(bytes, skipSpace(bytes, at + 1), below, depth + 1);
      if (at === GIVE_UP) return GIVE_UP;
      at = skipSpace(bytes, at);
      if (bytes[at] === BRACE_END) return at + 1;
      if (bytes[at] !== COMMA) return GIVE_UP;
      at = skipSpace(bytes, at + 1);
    }
    return GIVE_UP;
  }

  #array(bytes: Buffer, from: number, depth: number): number {
    if (depth >= MAX_DEPTH || depth >= this.#limits.depth) return GIVE_UP;
    let at = skipSpace(bytes, from);
    if (bytes[at] === BRACKET_END) return at + 1;
    for (;;) {
      at = this.#value(bytes, at, VALUES, depth + 1);
      if (at === GIVE_UP) return GIVE_UP;
      at = skipSpace(bytes, at);
      if (bytes[at] === BRACKET_END) return at + 1;
      if (bytes[at] !== COMMA) return GIVE_UP;
      at = skipSpace(bytes, at + 1);
    }
  }

  #time(bytes: Buffer, at: number, depth: number): number {
    const end = skipValue(bytes, at, depth);
    if (end === GIVE_UP) return GIVE_UP;
    const first = bytes[at];
    if (first === QUOTE) this.sourceAtMs = instantOf(bytes.toString('latin1', at + 1, end - 1), this.#timeUnit);
    else if (first === MINUS || isDigit(first)) this.sourceAtMs = instantOf(numberIn(bytes, at, end), this.#timeUnit);
    return end;
  }

  #claim(bytes: Buffer, at: number, { id }: Place, depth: number): number {
    const end = skipValue(bytes, at, depth);
    if (!this.#hasClaims) this.#claims.start();
    this.#hasClaims = true;
    this.#claims.word(id);
    for (let i = at; i < end; i++) this.#claims.word(bytes[i] as number);
    this.#claims.word(-1);
    return end;
  }

  /** Remembers the name of a member; false when its object has one of that name already. */
  #isNew(bytes: Buffer, from: number, to: number, member: number, depth: number): boolean {
    const names = this.#names;
    const row = 2 * MAX_MEMBERS * depth;
    for (let i = 0; i < member; i++) {
      const known = names[row + 2 * i] as number;
      if ((names[row + 2 * i + 1] as number) - known === to - from && areEqual(bytes, known, from, to - from))
        return false;
    }
    names[row + 2 * member] = from;
    names[row + 2 * member + 1] = to;
    return true;
  }
}

interface Pointers {
  readonly values: string;
  readonly time: string | undefined;
  readonly claims: readonly string[];
}

/** The place that the tokens lead to, with all places below it that matter. */
function placeAt(tokens: readonly string[], pointers: Pointers): Place {
  const { values, time, claims } = pointers;
  const here = JSON.stringify(tokens);
  const isHere = (pointer: string | undefined): boolean =>
    pointer !== undefined && JSON.stringify(pointerTokens(pointer)) === here;
  // A place that is two things at once, or lies within another, is not simple; what is first here decides.
  if (tokens.length > 0 && isHere(time)) return { role: 'time', id: 0, members: [] };
  const claim = claims.findIndex(isHere);
  if (tokens.length > 0 && claim !== -1) return { role: 'claim', id: claim, members: [] };
  const all = [values, time, ...claims].filter((pointer) => pointer !== undefined).map(pointerTokens);
  const below = all.filter((path) => path.length > tokens.length && tokens.every((token, i) => path[i] === token));
  const names = [...new Set(below.map((path) => path[tokens.length] as string))];
  const members = names.map((name) => ({ name: Buffer.from(name), place: placeAt([...tokens, name], pointers) }));
  const valuesPath = pointerTokens(values);
  const isValues = valuesPath.length <= tokens.length && valuesPath.every((token, i) => tokens[i] === token);
  return { role: isValues ? 'values' : 'way', id: 0, members };
}

const NOWHERE: Place = { role: 'aside', id: 0, members: [] };

/** The place of a member by its name; what has no place of its own is a value among values, and nothing elsewhere. */
function memberOf(place: Place, bytes: Buffer, from: number, to: number): Place {
  const { members } = place;
  for (let i = 0; i < members.length; i++) {
    const { name, place: below } = members[i] as Place['members'][number];
    if (name.length === to - from && isName(bytes, from, name)) return below;
  }
  return place.role === 'values' ? VALUES : NOWHERE;
}

function isName(bytes: Buffer, from: number, name: Buffer): boolean {
  for (let i = 0; i < name.length; i++) if (bytes[from + i] !== name[i]) return false;
  return true;
}

function areEqual(bytes: Buffer, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[a + i] !== bytes[b + i]) return false;
  return true;
}

/** Where any simple value ends (RFC 8259). */
function skipValue(bytes: Buffer, at: number, depth: number): number {
  const first = bytes[at];
  if (first === QUOTE) return stringEnd(bytes, at + 1);
  if (first === BRACE || first === BRACKET) return depth >= MAX_DEPTH ? GIVE_UP : skipMembers(bytes, at, depth);
  return first === MINUS || isDigit(first) ? numberEnd(bytes, at) : wordEnd(bytes, at);
}

function skipMembers(bytes: Buffer, from: number, depth: number): number {
  const isObject = bytes[from] === BRACE;
  const close = isObject ? BRACE_END : BRACKET_END;
  let at = skipSpace(bytes, from + 1);
  if (bytes[at] === close) return at + 1;
  for (;;) {
    if (isObject) {
      const nameEnd = bytes[at] === QUOTE ? stringEnd(bytes, at + 1) : GIVE_UP;
      if (nameEnd === GIVE_UP) return GIVE_UP;
      at = skipSpace(bytes, nameEnd);
      if (bytes[at] !== COLON) return GIVE_UP;
      at = skipSpace(bytes, at + 1);
    }
    at = skipValue(bytes, at, depth + 1);
    if (at === GIVE_UP) return GIVE_UP;
    at = skipSpace(bytes, at);
    if (bytes[at] === close) return at + 1;
    if (bytes[at] !== COMMA) return GIVE_UP;
    at = skipSpace(bytes, at + 1);
  }
}

/** Behind the closing quote of a string whose first character is at `from`; only plain ASCII is simple. */
function stringEnd(bytes: Buffer, from: number): number {
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) return at + 1;
    if (byte < 0x20 || byte > 0x7e || byte === BACKSLASH) return GIVE_UP;
  }
  return GIVE_UP;
}

/** Behind a number in the grammar of RFC 8259, 6; one with an exponent is not simple. */
function numberEnd(bytes: Buffer, from: number): number {
  let at = bytes[from] === MINUS ? from + 1 : from;
  if (!isDigit(bytes[at])) return GIVE_UP;
  if (bytes[at] === ZERO) at += 1;
  else while (isDigit(bytes[at])) at += 1;
  if (bytes[at] === DOT) {
    at += 1;
    if (!isDigit(bytes[at])) return GIVE_UP;
    while (isDigit(bytes[at])) at += 1;
  }
  const next = bytes[at];
  return isDigit(next) || next === 0x65 || next === 0x45 ? GIVE_UP : at;
}

/** The number between two places, rounded as `JSON.parse` rounds it. */
function numberIn(bytes: Buffer, from: number, to: number): number {
  const isNegative = bytes[from] === MINUS;
  if (to - from > MAX_EXACT_DIGITS) return Number(bytes.toString('latin1', from, to));
  let digits = 0;
  let fraction = 0;
  let isFraction = false;
  for (let at = isNegative ? from + 1 : from; at < to; at++) {
    const byte = bytes[at] as number;
    if (byte === DOT) isFraction = true;
    else {
      digits = digits * 10 + (byte - ZERO);
      if (isFraction) fraction += 1;
    }
  }
  const value = fraction === 0 ? digits : digits / (POWERS_OF_TEN[fraction] as number);
  return isNegative ? -value : value;
}

/** Behind `true`, `false` or `null`. */
function wordEnd(bytes: Buffer, at: number): number {
  const first = bytes[at];
  if (first === 0x74) return isName(bytes, at, TRUE) ? at + 4 : GIVE_UP;
  if (first === 0x66) return isName(bytes, at, FALSE) ? at + 5 : GIVE_UP;
  return first === 0x6e && isName(bytes, at, NULL) ? at + 4 : GIVE_UP;
}

const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
const NULL = Buffer.from('null');

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  for (;;) {
    const byte = bytes[at];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at;
    at += 1;
  }
}
