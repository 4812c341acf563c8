import type { IdentityClaims } from '../identity.ts';
import { ClaimsReader } from './claims-reader.ts';
import { deviceKey, forEachPart, type PartsLayout } from './device-parts.ts';
import { pointerTokens } from './json-pointer.ts';
import { JsonScanner } from './json-scanner.ts';
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
  readonly #scanner: JsonScanner | undefined;
  #document: unknown;
  /** The payload, where it was scanned and not built. */
  #scanned: Buffer | undefined;

  constructor(topic: TopicConfig, limits: PayloadLimits) {
    const { devices } = topic;
    this.record = new RecordReader(topic, limits);
    this.#claims = new ClaimsReader(topic);
    this.#format = topic.payload;
    this.#limits = limits;
    this.#scanner = JsonScanner.for(topic, limits);
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
    if (this.#scanned !== undefined) {
      this.#document = parseJson(this.#scanned);
      this.#scanned = undefined;
    }
    return this.#document;
  }

  /**
   * Of what the last record claims: equal for equal claims, 0 for none; NaN where that is not known without reading
   * them.
   */
  get claimsDigest(): number {
    return this.#scanned === undefined ? Number.NaN : (this.#scanner?.claimsDigest ?? Number.NaN);
  }

  /** Decodes a payload that is one record of one device. The payload is looked at again by `document` and `claims`. */
  decode(payload: Buffer): void {
    this.#scanned = undefined;
    if (this.#scanner !== undefined && payload.length <= this.#limits.payloadBytes && this.#scanner.scan(payload)) {
      this.#scanned = payload;
      this.#document = undefined;
      this.record.take(this.#scanner);
    } else if (this.#open(payload)) this.record.read(this.#document);
  }

  /**
   * Decodes a payload that names its devices: `visit` is called for each record with the name in the form in which it
   * stands in an address; what the record says stands in `record` then. Returns why the payload, or a part of it,
   * names nobody; `none` when all is well.
   */
  decodeParts(payload: Buffer, visit: (key: string) => void): PayloadReason {
    this.#scanned = undefined;
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
    const { document } = this;
    return document === undefined ? before : this.#claims.read(document, before);
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
