import { isUtf8 } from 'node:buffer';
import type { IdentityClaims } from '../identity.ts';
import { ClaimsReader } from './claims-reader.ts';
import { PayloadReason } from './payload-reason.ts';
import { type RecordLimits, RecordReader } from './record-reader.ts';
import type { TopicConfig } from './topic-config.ts';

export interface PayloadLimits extends RecordLimits {
  readonly payloadBytes: number;
}

/**
 * Decodes the payloads of one topic template: `open`, then what `record` holds. Never throws, whatever the bytes are.
 */
export class PayloadDecoder {
  /** What the last payload or record was found to be. */
  readonly record: RecordReader;
  readonly #claims: ClaimsReader;
  readonly #format: TopicConfig['payload'];
  readonly #maxBytes: number;
  #document: unknown;

  constructor(topic: TopicConfig, limits: PayloadLimits) {
    this.record = new RecordReader(topic, limits);
    this.#claims = new ClaimsReader(topic);
    this.#format = topic.payload;
    this.#maxBytes = limits.payloadBytes;
  }

  /** Decodes a payload that is one record of one device; the outcome stands in `record`. */
  decode(payload: Buffer): void {
    if (this.#open(payload)) this.record.read(this.#document);
  }

  /** What was last decoded; undefined when it has no structure. */
  get document(): unknown {
    return this.#document;
  }

  /** The claims of the record last decoded, put over those from before; `before` itself where nothing changed. */
  claims(before: IdentityClaims | undefined): IdentityClaims | undefined {
    return this.#document === undefined ? before : this.#claims.read(this.#document, before);
  }

  /** True when there is a document to read from; otherwise `record` says what there is instead. */
  #open(payload: Buffer): boolean {
    this.#document = undefined;
    const { record } = this;
    if (payload.length > this.#maxBytes) {
      record.bad(PayloadReason.tooLarge);
      return false;
    }
    if (this.#format === 'opaque') {
      if (payload.length === 0) record.bad(PayloadReason.noValues);
      else record.readScalar(payload);
      return false;
    }
    try {
      // RFC 8259, 8.1: JSON between systems is UTF-8; bytes that are none would be replaced silently.
      if (!isUtf8(payload)) throw new SyntaxError('not UTF-8');
      this.#document = JSON.parse(payload.toString('utf8'));
      return true;
    } catch {
      record.bad(PayloadReason.unreadable);
      return false;
    }
  }
}
