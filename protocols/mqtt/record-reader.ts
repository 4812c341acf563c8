import { Quality } from '../observation.ts';
import { ValueDigest } from '../value-digest.ts';
import { instantOf } from './instant.ts';
import { follow, pointerTokens } from './json-pointer.ts';
import { PayloadReason } from './payload-reason.ts';
import type { TopicConfig } from './topic-config.ts';

/** Stands in a pointer to values for every element of an array or object; not of RFC 6901. */
const EVERY = '*';
/** Parts of a record that are no values: its time, its quality, who the device is. */
type Aside = Map<string, Aside | 'whole'>;

export interface RecordLimits {
  readonly depth: number;
  readonly points: number;
}

/**
 * Reads one decoded record of one device. The result of `read` stands in the fields until the next call: nothing is
 * allocated for a record. One instance serves all devices of a topic template.
 */
export class RecordReader {
  quality: Quality = Quality.good;
  reason: PayloadReason = PayloadReason.none;
  points = 0;
  /** Of the values in the order of the record, without names, times and claims. */
  digest = 0;
  /** The device's own time; NaN where it sent none that can be read. */
  sourceAtMs = Number.NaN;
  readonly #limits: RecordLimits;
  readonly #values: readonly string[];
  /** What follows a `*`, in every element of what comes before it; undefined without one. */
  readonly #each: readonly string[] | undefined;
  readonly #time: readonly string[] | undefined;
  readonly #timeUnit: TopicConfig['timeUnit'];
  readonly #quality:
    | { readonly at: readonly string[]; readonly good: Set<unknown>; readonly uncertain: Set<unknown> }
    | undefined;
  readonly #aside: Aside | undefined;
  readonly #digest = new ValueDigest();

  constructor(topic: TopicConfig, limits: RecordLimits) {
    const { values, time, timeUnit, quality, claims, devices } = topic;
    this.#limits = limits;
    const tokens = pointerTokens(values);
    const star = tokens.indexOf(EVERY);
    this.#values = star === -1 ? tokens : tokens.slice(0, star);
    this.#each = star === -1 ? undefined : tokens.slice(star + 1);
    this.#time = time === undefined ? undefined : pointerTokens(time);
    this.#timeUnit = timeUnit;
    this.#quality =
      quality === undefined
        ? undefined
        : { at: pointerTokens(quality.at), good: new Set(quality.good), uncertain: new Set(quality.uncertain) };
    this.#aside = asideOf(values, [time, quality?.at, devices?.key, ...Object.values(claims)]);
  }

  /** Reads a record; whatever it is, it does not throw. */
  read(record: unknown): void {
    this.quality = Quality.good;
    this.reason = PayloadReason.none;
    this.points = 0;
    this.digest = 0;
    this.sourceAtMs = this.#time === undefined ? Number.NaN : instantOf(follow(record, this.#time), this.#timeUnit);
    this.#digest.start();
    if (this.#each === undefined) this.#walk(follow(record, this.#values), 0, this.#aside);
    else this.#walkEach(follow(record, this.#values), this.#each, 0);
    if (this.reason !== PayloadReason.none) return;
    if (this.points === 0) this.bad(PayloadReason.noValues);
    else this.digest = this.#digest.finish();
    if (this.#quality !== undefined) this.#judge(follow(record, this.#quality.at));
  }

  /** A payload that is one value without structure: its text or its bytes. */
  readScalar(value: string | number | boolean | Uint8Array): void {
    this.quality = Quality.good;
    this.reason = PayloadReason.none;
    this.points = 0;
    this.sourceAtMs = Number.NaN;
    this.#digest.start();
    this.#scalar(value);
    this.digest = this.#digest.finish();
  }

  /** Takes over what a scanner found in a good record. */
  take({ points, digest, sourceAtMs }: Pick<RecordReader, 'points' | 'digest' | 'sourceAtMs'>): void {
    this.quality = Quality.good;
    this.reason = PayloadReason.none;
    this.points = points;
    this.digest = digest;
    this.sourceAtMs = sourceAtMs;
  }

  /** Makes what is being read a bad observation. */
  bad(reason: PayloadReason): void {
    this.quality = Quality.bad;
    this.reason = reason;
    this.points = 0;
    this.digest = 0;
    this.sourceAtMs = Number.NaN;
  }

  /** Counts and digests the scalars below a value; null is no value. */
  #walk(value: unknown, depth: number, aside: Aside | undefined): void {
    if (typeof value !== 'object') {
      if (value !== undefined) this.#scalar(value as string | number | boolean | bigint);
      return;
    }
    if (value === null) return;
    if (value instanceof Uint8Array) {
      this.#scalar(value);
      return;
    }
    if (depth >= this.#limits.depth) {
      this.bad(PayloadReason.tooDeep);
      return;
    }
    if (Array.isArray(value)) {
      for (let i = 0; i < value.length && this.reason === PayloadReason.none; i++) {
        this.#walk(value[i], depth + 1, undefined);
      }
      return;
    }
    if (value instanceof Map) {
      for (const [key, part] of value) this.#member(String(key), part, depth, aside);
      return;
    }
    for (const key in value) this.#member(key, (value as Record<string, unknown>)[key], depth, aside);
  }

  /** Walks what the tokens lead to in every element of an array or object. */
  #walkEach(value: unknown, tokens: readonly string[], depth: number): void {
    if (typeof value !== 'object' || value === null) return;
    if (depth >= this.#limits.depth) {
      this.bad(PayloadReason.tooDeep);
      return;
    }
    const star = tokens.indexOf(EVERY);
    for (const part of value instanceof Map ? value.values() : Object.values(value)) {
      if (this.reason !== PayloadReason.none) return;
      if (star === -1) this.#walk(follow(part, tokens), depth + 1, undefined);
      else this.#walkEach(follow(part, tokens.slice(0, star)), tokens.slice(star + 1), depth + 1);
    }
  }

  #member(key: string, value: unknown, depth: number, aside: Aside | undefined): void {
    if (this.reason !== PayloadReason.none) return;
    if (aside === undefined) {
      this.#walk(value, depth + 1, undefined);
      return;
    }
    const below = aside.get(key);
    if (below !== 'whole') this.#walk(value, depth + 1, below);
  }

  #scalar(value: string | number | boolean | bigint | Uint8Array): void {
    if (typeof value === 'number') this.#digest.number(value);
    else if (typeof value === 'boolean') this.#digest.boolean(value);
    else if (typeof value === 'string') this.#digest.text(value);
    else if (typeof value === 'bigint') this.#digest.text(String(value));
    else this.#digest.bytes(value);
    this.points += 1;
    if (this.points > this.#limits.points) this.bad(PayloadReason.tooManyPoints);
  }

  #judge(said: unknown): void {
    if (this.quality !== Quality.good || this.#quality === undefined || this.#quality.good.has(said)) return;
    this.quality = this.#quality.uncertain.has(said) ? Quality.uncertain : Quality.bad;
    this.reason = PayloadReason.saidSo;
  }
}

/** What lies inside the values without being one. */
function asideOf(values: string, pointers: readonly (string | undefined)[]): Aside | undefined {
  const root: Aside = new Map();
  const inside = pointers.filter((pointer) => pointer?.startsWith(`${values}/`)) as string[];
  for (const pointer of inside) {
    const tokens = pointerTokens(pointer.slice(values.length));
    let at = root;
    for (const [i, token] of tokens.entries()) {
      const below = at.get(token);
      if (below === 'whole') break;
      if (i === tokens.length - 1) {
        at.set(token, 'whole');
      } else {
        const next: Aside = below ?? new Map();
        at.set(token, next);
        at = next;
      }
    }
  }
  return root.size === 0 ? undefined : root;
}
