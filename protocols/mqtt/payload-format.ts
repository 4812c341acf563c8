import { isUtf8 } from 'node:buffer';
import { decode, type TagDecoder } from 'cborg';

/** A scalar is a value, not a document. */
const MAX_SCALAR_BYTES = 1_024;
const UNPRINTABLE = /\p{Cc}/u;

/** Tags whose content is a value by itself (RFC 8949, 3.4; 55799 marks CBOR as such): times, bignums, encodings. */
const TRANSPARENT_TAGS = [0, 1, 2, 3, 4, 5, 21, 22, 23, 24, 32, 33, 34, 35, 36, 37, 55_799];
const TAGS: Record<number, TagDecoder> = Object.fromEntries(
  TRANSPARENT_TAGS.map((tag) => [tag, (content: () => unknown): unknown => content()]),
);

/** A JSON document (RFC 8259). Throws when the bytes are none. */
export function parseJson(payload: Buffer): unknown {
  // RFC 8259, 8.1: JSON between systems is UTF-8; bytes that are none would be replaced silently.
  if (!isUtf8(payload)) throw new SyntaxError('not UTF-8');
  return JSON.parse(payload.toString('utf8'));
}

/** A CBOR data item (RFC 8949), maps as `Map`: their keys may be numbers. Throws when the bytes are none. */
export function parseCbor(payload: Buffer): unknown {
  return decode(payload, { useMaps: true, tags: TAGS });
}

/** One number, `true`, `false` or a short printable text. Throws when the bytes are none. */
export function parseScalar(payload: Buffer): number | boolean | string {
  if (payload.length > MAX_SCALAR_BYTES || !isUtf8(payload)) throw new SyntaxError('not a short text');
  const text = payload.toString('utf8').trim();
  if (text === '' || UNPRINTABLE.test(text)) throw new SyntaxError('not a printable text');
  if (text === 'true' || text === 'false') return text === 'true';
  const number = Number(text);
  return Number.isNaN(number) ? text : number;
}
