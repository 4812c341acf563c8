/**
 * Canonical JSON (RFC 8785, JCS): one sequence of bytes for one value, so that a hash speaks of the value.
 *
 * Attacker-controlled: all text and bytes given to `parseJson` and `parseCanonical`. Limits: bytes and depth as in
 * `JsonLimits`; the parser is a single pass without backtracking. Refused although common parsers take them: duplicate
 * keys, lone surrogates, a byte order mark, numbers beyond the range of a double.
 */
import { sameBytes, textOf, utf8 } from './encoding.ts';
import { LedgerError } from './errors.ts';

/** A JSON value. Parsed objects have no prototype, so that `__proto__` is a key like any other. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** What a text may be. */
export interface JsonLimits {
  /** UTF-8 bytes; 16 MiB where left out. */
  readonly maxBytes?: number;
  /** Arrays and objects inside one another; 128 where left out. */
  readonly maxDepth?: number;
  /** `integers`: numbers are written without fraction and exponent and lie within ±(2⁵³ − 1). `doubles` where left out. */
  readonly numbers?: 'integers' | 'doubles';
}

const MAX_BYTES = 16_777_216;
const MAX_DEPTH = 128;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const INTEGER = /^(?:0|-?[1-9][0-9]*)$/;
/** A run of a string that stands for itself. */
const PLAIN = new RegExp(String.raw`[^"\\\u0000-\u001f]*`, 'y');
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/**
 * The canonical text of a value: keys sorted by UTF-16 code units (RFC 8785 section 3.2.3), numbers as ECMAScript
 * writes them (3.2.2.3). Throws `LedgerError`: `malformed` for lone surrogates, numbers that are not finite, numbers
 * that are not integers where integers are asked for, and what is not JSON; `limit` for depth and size.
 */
export function canonicalText(value: JsonValue, limits: JsonLimits = {}): string {
  const text = write(value, limits, 0);
  const maxBytes = limits.maxBytes ?? MAX_BYTES;
  if (text.length > maxBytes || Buffer.byteLength(text) > maxBytes) {
    throw new LedgerError('limit', `writing canonical JSON: more than ${maxBytes} bytes`);
  }
  return text;
}

/** UTF-8 bytes of `canonicalText`. */
export function canonicalBytes(value: JsonValue, limits: JsonLimits = {}): Uint8Array {
  return utf8(canonicalText(value, limits));
}

/** The value of any JSON text (RFC 8259, I-JSON). Throws `LedgerError`: `malformed`, `limit`. */
export function parseJson(text: string, limits: JsonLimits = {}): JsonValue {
  const maxBytes = limits.maxBytes ?? MAX_BYTES;
  if (text.length > maxBytes || Buffer.byteLength(text) > maxBytes) {
    throw new LedgerError('limit', `reading JSON: more than ${maxBytes} bytes`);
  }
  return new Reader(text, limits).whole();
}

/**
 * The value of bytes that must be canonical already. Throws `LedgerError`: `not-canonical` for JSON in any other form,
 * `malformed` for what is not JSON, `limit`.
 */
export function parseCanonical(bytes: Uint8Array, limits: JsonLimits = {}): JsonValue {
  if (bytes.length > (limits.maxBytes ?? MAX_BYTES)) {
    throw new LedgerError('limit', `reading canonical JSON: ${bytes.length} bytes`);
  }
  const value = parseJson(textOf(bytes, 'canonical JSON'), limits);
  if (!sameBytes(canonicalBytes(value, limits), bytes)) {
    throw new LedgerError('not-canonical', 'reading canonical JSON: not in canonical form (RFC 8785)');
  }
  return value;
}

/** True for a JSON object. */
export function isObject(value: JsonValue | undefined): value is { readonly [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function write(value: JsonValue, limits: JsonLimits, depth: number): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return writeString(value);
  if (typeof value === 'number') return writeNumber(value, limits);
  if (typeof value !== 'object') throw new LedgerError('malformed', `writing canonical JSON: a ${typeof value}`);
  if (depth >= (limits.maxDepth ?? MAX_DEPTH)) throw new LedgerError('limit', 'writing canonical JSON: too deep');
  if (isArray(value)) return `[${value.map((item) => write(item, limits, depth + 1)).join(',')}]`;
  const members = Object.keys(value)
    .sort()
    .map((key) => `${writeString(key)}:${write(value[key] as JsonValue, limits, depth + 1)}`);
  return `{${members.join(',')}}`;
}

function isArray(value: object): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function writeString(text: string): string {
  if (!text.isWellFormed()) throw new LedgerError('malformed', 'writing canonical JSON: a string has a lone surrogate');
  // for well-formed strings ECMAScript escapes exactly what RFC 8785 section 3.2.2.2 asks for
  return JSON.stringify(text);
}

function writeNumber(value: number, limits: JsonLimits): string {
  if (limits.numbers === 'integers' ? !Number.isSafeInteger(value) : !Number.isFinite(value)) {
    throw new LedgerError('malformed', `writing canonical JSON: the number ${value} cannot stand here`);
  }
  return String(value === 0 ? 0 : value);
}

/** Recursive descent over one text. */
class Reader {
  readonly #text: string;
  readonly #limits: JsonLimits;
  #at = 0;

  constructor(text: string, limits: JsonLimits) {
    this.#text = text;
    this.#limits = limits;
  }

  whole(): JsonValue {
    const value = this.#value(0);
    if (this.#next() !== '') throw this.#wrong('something after the value');
    return value;
  }

  #value(depth: number): JsonValue {
    const letter = this.#next();
    if (letter === '{' || letter === '[') {
      if (depth >= (this.#limits.maxDepth ?? MAX_DEPTH)) throw new LedgerError('limit', 'reading JSON: too deep');
      this.#at += 1;
      return letter === '{' ? this.#object(depth + 1) : this.#array(depth + 1);
    }
    if (letter === '"') return this.#string();
    if (letter === '-' || (letter >= '0' && letter <= '9')) return this.#number();
    if (this.#takeWord('true')) return true;
    if (this.#takeWord('false')) return false;
    if (this.#takeWord('null')) return null;
    throw this.#wrong('no value');
  }

  #object(depth: number): JsonValue {
    const found = Object.create(null) as Record<string, JsonValue>;
    if (this.#take('}')) return found;
    do {
      if (this.#next() !== '"') throw this.#wrong('no key');
      const key = this.#string();
      if (Object.hasOwn(found, key)) throw this.#wrong(`the key ${JSON.stringify(key)} twice`);
      if (!this.#take(':')) throw this.#wrong('no colon after a key');
      found[key] = this.#value(depth);
    } while (this.#take(','));
    if (!this.#take('}')) throw this.#wrong('an object without end');
    return found;
  }

  #array(depth: number): JsonValue {
    const found: JsonValue[] = [];
    if (this.#take(']')) return found;
    do found.push(this.#value(depth));
    while (this.#take(','));
    if (!this.#take(']')) throw this.#wrong('an array without end');
    return found;
  }

  #number(): number {
    NUMBER.lastIndex = this.#at;
    const written = NUMBER.exec(this.#text)?.[0];
    if (written === undefined) throw this.#wrong('no number');
    this.#at += written.length;
    const value = Number(written);
    if (this.#limits.numbers === 'integers' && !(INTEGER.test(written) && Number.isSafeInteger(value))) {
      throw this.#wrong(`${written.slice(0, 40)} where only integers may stand`);
    }
    if (!Number.isFinite(value)) throw this.#wrong('a number beyond the range of a double');
    return value;
  }

  #string(): string {
    let found = '';
    this.#at += 1;
    for (;;) {
      PLAIN.lastIndex = this.#at;
      const plain = PLAIN.exec(this.#text)?.[0] ?? '';
      found += plain;
      this.#at += plain.length;
      const letter = this.#text[this.#at];
      this.#at += 1;
      if (letter === '"') break;
      if (letter !== '\\') throw this.#wrong(letter === undefined ? 'a string without end' : 'a control character');
      found += this.#escape();
    }
    if (!found.isWellFormed()) throw this.#wrong('a lone surrogate');
    return found;
  }

  #escape(): string {
    const letter = this.#text[this.#at] ?? '';
    this.#at += 1;
    if (letter !== 'u') {
      const meant = ESCAPES[letter];
      if (meant === undefined) throw this.#wrong('an unknown escape');
      return meant;
    }
    const digits = this.#text.slice(this.#at, this.#at + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.#wrong('an unknown escape');
    this.#at += 4;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  /** The next letter that is not white space, without taking it; empty at the end. */
  #next(): string {
    for (;;) {
      const letter = this.#text[this.#at] ?? '';
      if (letter !== ' ' && letter !== '\n' && letter !== '\t' && letter !== '\r') return letter;
      this.#at += 1;
    }
  }

  #take(letter: string): boolean {
    if (this.#next() !== letter) return false;
    this.#at += 1;
    return true;
  }

  #takeWord(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  #wrong(what: string): LedgerError {
    return new LedgerError('malformed', `reading JSON: ${what} at position ${this.#at}`);
  }
}
