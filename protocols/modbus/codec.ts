import { ProtocolError } from '../errors.ts';
import type { Point } from './point.ts';

/** A decoded value; `undefined` where the registers hold none (a string of zeroes is empty, not absent). */
export type Value = number | bigint | boolean | string;

/** Places of the bytes A, B, C, D … of a value with the given word order, for 2, 4 or 8 bytes. */
function inOrder(bytes: Uint8Array, order: Point['wordOrder']): Uint8Array {
  if (order === 'ABCD') return bytes;
  // CDAB: words reversed; BADC: bytes within words swapped; DCBA: both.
  if (order === 'DCBA') return bytes.toReversed();
  const ordered = Uint8Array.from(bytes);
  for (let at = 0; at < bytes.length; at += 2) {
    const from = order === 'CDAB' ? bytes.length - 2 - at : at;
    const [high, low] = order === 'CDAB' ? [from, from + 1] : [from + 1, from];
    ordered[at] = bytes[high] ?? 0;
    ordered[at + 1] = bytes[low] ?? 0;
  }
  return ordered;
}

/**
 * Decodes a point from the big-endian bytes of its registers (MODBUS Application Protocol V1.1b3, 4.2). 64-bit integers
 * are exact; scaling makes them, like all scaled values, IEEE 754 doubles. Throws `ProtocolError('violation')` for
 * digits that are none.
 */
export function decodeRegisters(
  point: Pick<Point, 'type' | 'wordOrder' | 'scale' | 'bit'>,
  registers: Uint8Array,
): Value {
  if (point.type === 'string') return text(inOrder(registers, point.wordOrder === 'BADC' ? 'BADC' : 'ABCD'));
  const bytes = inOrder(registers, point.wordOrder);
  if (point.type === 'bit') return decodeBit(bytes.toReversed(), point.bit ?? 0);
  const value = number(point.type, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return point.scale === 1 ? value : Number(value) * point.scale;
}

function number(type: Exclude<Point['type'], 'string' | 'bit'>, view: DataView): number | bigint {
  switch (type) {
    case 'u16':
      return view.getUint16(0);
    case 's16':
      return view.getInt16(0);
    case 'u32':
      return view.getUint32(0);
    case 's32':
      return view.getInt32(0);
    case 'u64':
      return view.getBigUint64(0);
    case 's64':
      return view.getBigInt64(0);
    case 'f32':
      return view.getFloat32(0);
    case 'f64':
      return view.getFloat64(0);
    case 'bcd16':
    case 'bcd32':
    case 'bcd64':
      return decimal(view);
  }
}

/** Binary-coded decimal: four bits a digit, the most significant first. 16 digits come as a bigint. */
function decimal(view: DataView): number | bigint {
  let value = 0n;
  for (let at = 0; at < view.byteLength; at++) {
    const byte = view.getUint8(at);
    if (byte >> 4 > 9 || (byte & 15) > 9)
      throw new ProtocolError('violation', `decoding binary-coded decimals: ${byte.toString(16)} are not two digits`);
    value = value * 100n + BigInt((byte >> 4) * 10 + (byte & 15));
  }
  return view.byteLength === 8 ? value : Number(value);
}

/** Up to the first NUL; bytes outside ASCII as they are in Latin-1, the usual choice of devices. */
function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end))
    .toString('latin1')
    .trimEnd();
}

/** Bit `place` of a packed answer: the first bit is the least significant of the first byte (V1.1b3, 6.1). */
export function decodeBit(bytes: Uint8Array, place: number): boolean {
  return (((bytes[place >> 3] ?? 0) >> (place & 7)) & 1) === 1;
}
