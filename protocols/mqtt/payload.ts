import { isUtf8 } from 'node:buffer';
import type { IdentityClaims } from '../identity.ts';
import { Quality } from '../observation.ts';
import { ValueDigest } from '../value-digest.ts';
import type { MqttConfig, TopicConfig } from './config.ts';
import { follow, pointerTokens } from './json-pointer.ts';

/** Why a payload is a bad observation; stands in `ObservationColumns.statusCode`. */
export const PayloadReason = { none: 0, notJson: 1, tooLarge: 2, tooDeep: 3, noValues: 4, tooManyPoints: 5 } as const;

const CLAIM_MAX_LENGTH = 200;

/** The claims a payload may make, by their name in `IdentityClaims`. */
const TEXT_CLAIMS = {
  serialNumber: 'serialNumber',
  manufacturer: 'manufacturer',
  model: 'model',
  type: 'deviceType',
} as const;

/**
 * Decodes the payloads of one topic template. One instance for all its devices: the result of `decode` stands in its
 * fields until the next call, so that a message allocates nothing but what `JSON.parse` makes.
 */
export class PayloadDecoder {
  quality: number = Quality.good;
  reason: number = PayloadReason.none;
  points = 0;
  digest = 0;
  /** The device's own time; NaN where it sent none that can be read. */
  sourceAtMs = Number.NaN;
  /** The document, for `claims`; undefined for opaque or bad payloads. */
  #document: unknown;
  readonly #limits: MqttConfig['limits'];
  readonly #payload: TopicConfig['payload'];
  readonly #values: readonly string[];
  readonly #time: readonly string[] | undefined;
  readonly #timeUnit: TopicConfig['timeUnit'];
  readonly #claims: readonly (readonly [keyof IdentityClaims, readonly string[]])[];
  readonly #simulated: readonly string[];
  readonly #value = new ValueDigest();

  constructor(topic: TopicConfig, limits: MqttConfig['limits']) {
    this.#limits = limits;
    this.#payload = topic.payload;
    this.#values = pointerTokens(topic.values);
    this.#time = topic.time === undefined ? undefined : pointerTokens(topic.time);
    this.#timeUnit = topic.timeUnit;
    this.#claims = Object.entries(TEXT_CLAIMS).map(([key, claim]) => [
      claim,
      pointerTokens(topic.claims[key as keyof typeof TEXT_CLAIMS]),
    ]);
    this.#simulated = pointerTokens(topic.claims.simulated);
  }

  decode(payload: Buffer): void {
    this.quality = Quality.good;
    this.reason = PayloadReason.none;
    this.points = 0;
    this.digest = 0;
    this.sourceAtMs = Number.NaN;
    this.#document = undefined;
    if (payload.length > this.#limits.payloadBytes) this.#bad(PayloadReason.tooLarge);
    else if (this.#payload === 'opaque') this.#opaque(payload);
    else this.#json(payload);
  }

  /**
   * What the last decoded document says of the device; undefined when it says nothing. `before` is given back when
   * nothing changed, so that a device that repeats itself costs a few comparisons.
   */
  claims(before: IdentityClaims | undefined): IdentityClaims | undefined {
    const document = this.#document;
    if (document === undefined) return before;
    let changed = false;
    for (const [claim, tokens] of this.#claims) {
      const said = follow(document, tokens);
      if (typeof said === 'string' && said !== '' && said.length <= CLAIM_MAX_LENGTH && said !== before?.[claim])
        changed = true;
    }
    const simulated = follow(document, this.#simulated) === true;
    if (!changed && (!simulated || before?.simulated === true)) return before;
    const claims: Record<string, string | boolean> = { ...before };
    for (const [claim, tokens] of this.#claims) {
      const said = follow(document, tokens);
      if (typeof said === 'string' && said !== '' && said.length <= CLAIM_MAX_LENGTH) claims[claim] = said;
    }
    if (simulated) claims['simulated'] = true;
    return claims;
  }

  #opaque(payload: Buffer): void {
    if (payload.length === 0) {
      this.#bad(PayloadReason.noValues);
      return;
    }
    this.#value.start();
    this.#value.bytes(payload);
    this.digest = this.#value.finish();
    this.points = 1;
  }

  #json(payload: Buffer): void {
    let document: unknown;
    try {
      if (!isUtf8(payload)) throw new SyntaxError('not UTF-8');
      document = JSON.parse(payload.toString('utf8'));
    } catch {
      this.#bad(PayloadReason.notJson);
      return;
    }
    const values = this.#values.length === 0 ? document : follow(document, this.#values);
    this.#value.start();
    this.#walk(values, 0);
    if (this.reason !== PayloadReason.none) return;
    if (this.points === 0) {
      this.#bad(PayloadReason.noValues);
      return;
    }
    this.digest = this.#value.finish();
    this.#document = document;
    if (this.#time !== undefined) this.sourceAtMs = this.#instant(follow(document, this.#time));
  }

  /** Counts and digests the scalars below a value; `null` is no value. */
  #walk(value: unknown, depth: number): void {
    switch (typeof value) {
      case 'number':
        this.#value.number(value);
        this.points += 1;
        break;
      case 'boolean':
        this.#value.boolean(value);
        this.points += 1;
        break;
      case 'string':
        this.#value.text(value);
        this.points += 1;
        break;
      default:
        this.#walkInto(value, depth);
    }
    if (this.points > this.#limits.points) this.#bad(PayloadReason.tooManyPoints);
  }

  #walkInto(value: unknown, depth: number): void {
    if (typeof value !== 'object' || value === null) return;
    if (depth >= this.#limits.depth) {
      this.#bad(PayloadReason.tooDeep);
      return;
    }
    for (const key in value) {
      if (this.reason !== PayloadReason.none) return;
      this.#walk((value as Record<string, unknown>)[key], depth + 1);
    }
  }

  #instant(value: unknown): number {
    if (this.#timeUnit === 'iso') return typeof value === 'string' ? Date.parse(value) : Number.NaN;
    if (typeof value !== 'number') return Number.NaN;
    return this.#timeUnit === 's' ? value * 1000 : value;
  }

  #bad(reason: number): void {
    this.quality = Quality.bad;
    this.reason = reason;
    this.points = 0;
    this.digest = 0;
  }
}
