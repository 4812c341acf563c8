import type { IdentityClaims } from '../identity.ts';
import { ClaimsReader } from './claims-reader.ts';
import { deviceKey, forEachPart, type PartsLayout } from './device-parts.ts';
import { pointerTokens } from './json-pointer.ts';
import { parseCbor, parseJson, parseScalar } from './payload-format.ts';
import { PayloadReason } from './payload-reason.ts';
import { type RecordLimits, RecordReader } from './record-reader.ts';
import type { TopicConfig } from './topic-config.ts';

export interface PayloadLimits extends RecordLimits {
  readonly payloadBytes: number;
  readonly devicesPerMessage: number;
}

/**
 * Decodes the payloads of one topic template. Never throws, whatever the bytes are. The outcome stands in `record`
 * until the next call.
 */
export class PayloadDecoder {
  /** What the last payload or record was found to be. */
  readonly record: RecordReader;
  readonly #claims: ClaimsReader;
  readonly #format: TopicConfig['payload'];
  readonly #limits: PayloadLimits;
  readonly #parts: PartsLayout | undefined;
  #document: unknown;

  constructor(topic: TopicConfig, limits: PayloadLimits) {
    const { devices } = topic;
    this.record = new RecordReader(topic, limits);
    this.#claims = new ClaimsReader(topic);
    this.#format = topic.payload;
    this.#limits = limits;
    this.#parts =
      devices === undefined
        ? undefined
        : {
            at: devices.at === undefined ? undefined : pointerTokens(devices.at),
            key: devices.key === undefined ? undefined : pointerTokens(devices.key),
            records: devices.records,
          };
  }

  /** True when the payload names its devices: then `decodeParts` is to be called, otherwise `decode`. */
  get namesDevices(): boolean {
    return this.#parts !== undefined;
  }

  /** The record last decoded; undefined when it has no structure. */
  get document(): unknown {
    return this.#document;
  }

  /** Decodes a payload that is one record of one device. */
  decode(payload: Buffer): void {
    if (this.#open(payload)) this.record.read(this.#document);
  }

  /**
   * Decodes a payload that names its devices: `visit` is called for each record with the name in the form in which it
   * stands in an address; what the record says stands in `record` then. Returns why the payload, or a part of it,
   * names nobody; `none` when all is well.
   */
  decodeParts(payload: Buffer, visit: (key: string) => void): PayloadReason {
    if (this.#parts === undefined) throw new TypeError('the payload names no devices');
    if (!this.#open(payload)) return this.record.reason;
    return forEachPart(this.#document, this.#parts, this.#limits.devicesPerMessage, (name, part) => {
      const key = deviceKey(name);
      if (key === undefined) return false;
      this.#document = part;
      this.record.read(part);
      visit(key);
      return true;
    });
  }

  /** The claims of the record last decoded, put over those from before; `before` itself where nothing changed. */
  claims(before: IdentityClaims | undefined): IdentityClaims | undefined {
    return this.#document === undefined ? before : this.#claims.read(this.#document, before);
  }

  /** True when there is a document to read from; otherwise `record` says what there is instead. */
  #open(payload: Buffer): boolean {
    this.#document = undefined;
    const { record } = this;
    if (payload.length > this.#limits.payloadBytes) {
      record.bad(PayloadReason.tooLarge);
      return false;
    }
    try {
      return this.#parse(payload);
    } catch {
      record.bad(PayloadReason.unreadable);
      return false;
    }
  }

  #parse(payload: Buffer): boolean {
    const format = this.#format;
    if (format === 'json' || format === 'cbor') {
      this.#document = format === 'json' ? parseJson(payload) : parseCbor(payload);
      return true;
    }
    if (format === 'scalar') this.record.readScalar(parseScalar(payload));
    else if (payload.length === 0) this.record.bad(PayloadReason.noValues);
    else this.record.readScalar(payload);
    return false;
  }
}
