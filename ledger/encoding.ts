/**
 * The texts that bytes and numbers are written in, each with exactly one accepted form, so that two different files
 * never mean the same thing.
 *
 * Attacker-controlled: every argument of the decoding functions. Limits: those of the caller; nothing here allocates
 * more than a small multiple of its input.
 */
import { LedgerError } from './errors.ts';

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** UTF-8 bytes of a text. A lone surrogate throws `LedgerError('malformed')`. */
export function utf8(text: string): Uint8Array {
  if (!text.isWellFormed()) throw new LedgerError('malformed', 'encoding text as UTF-8: it has a lone surrogate');
  return Buffer.from(text, 'utf8');
}

/** The text of UTF-8 bytes; a byte order mark stays in it. Anything that is not UTF-8 throws `LedgerError('malformed')`. */
export function textOf(bytes: Uint8Array, what: string): string {
  try {
    return UTF8.decode(bytes);
  } catch (cause) {
    throw new LedgerError('malformed', `reading ${what}: not UTF-8`, { cause });
  }
}

/** Standard base64 with padding (RFC 4648 section 4). */
export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** The bytes of standard base64. Missing padding, other alphabets, spaces and non-zero left-over bits (RFC 4648 section 3.5) throw `LedgerError('malformed')`. */
export function bytesOfBase64(text: string, what: string): Uint8Array {
  const bytes = BASE64.test(text) ? Buffer.from(text, 'base64') : undefined;
  if (bytes === undefined || bytes.toString('base64') !== text) {
    throw new LedgerError('malformed', `reading ${what}: not standard base64`);
  }
  return bytes;
}

/** Lower-case hexadecimal. */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** The bytes of lower-case hexadecimal; anything else throws `LedgerError('malformed')`. */
export function bytesOfHex(text: string, what: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) {
    throw new LedgerError('malformed', `reading ${what}: not lower-case hexadecimal`);
  }
  return Buffer.from(text, 'hex');
}

/** A non-negative decimal without leading zeros, at most 2⁵³ − 1. Throws `LedgerError`: `malformed`, or `range` when it is larger. */
export function decimal(text: string, what: string): number {
  if (!/^(?:0|[1-9][0-9]{0,19})$/.test(text))
    throw new LedgerError('malformed', `reading ${what}: not a decimal number`);
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new LedgerError('range', `reading ${what}: larger than 2^53 - 1`);
  return value;
}

/** True when both have the same bytes. Not constant-time: everything compared here is public. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

/** The bytes one after the other. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}

/** A number in 0 … 2⁵³ − 1 as eight bytes, big-endian. */
export function uint64(value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}
