import { promisify } from 'node:util';
import { crc32, deflateRaw, inflateRaw } from 'node:zlib';

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

/**
 * A record of a segment: a header, and lines under deflate (RFC 1951). Numbers are little-endian.
 *
 * | bytes | what |
 * |---|---|
 * | 0–3 | `RCS1`, by which the next record is found again behind damage |
 * | 4–7 | CRC-32 of everything after it |
 * | 8–11 | bytes of the payload |
 * | 12–15 | lines in the payload |
 * | 16–23 | instant of the first of them, milliseconds since 1970, 64-bit float |
 * | 24– | payload |
 */
export const HEADER_BYTES = 24;
const MAGIC = Buffer.from('RCS1', 'latin1');
const CRC_FROM = 8;

/** Output of zlib at once: each chunk is a way to another thread and back, and the usual 16 KiB make forty of them. */
const CHUNK_BYTES = { packed: 262_144, unpacked: 1_048_576 };

/** Of a payload, packed and unpacked: what says more is damage. */
const MAX_PAYLOAD_BYTES = 64 * 1_048_576;

/** What a header says. */
export interface RecordHeader {
  readonly payloadBytes: number;
  readonly lines: number;
  readonly atMs: number;
}

/** A whole and undamaged record, and where it ends in the buffer it was found in. */
export interface FoundRecord extends RecordHeader {
  readonly payload: Buffer;
  readonly end: number;
}

/** The lines as one record. They hold no line break. */
export async function encodeRecord(lines: readonly string[], atMs: number): Promise<Buffer> {
  const payload = await deflate(lines.join('\n'), { level: 1, chunkSize: CHUNK_BYTES.packed });
  const record = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  MAGIC.copy(record, 0);
  record.writeUInt32LE(payload.length, 8);
  record.writeUInt32LE(lines.length, 12);
  record.writeDoubleLE(atMs, 16);
  payload.copy(record, HEADER_BYTES);
  record.writeUInt32LE(crc32(record.subarray(CRC_FROM)), 4);
  return record;
}

/** The lines of a record, with a line break between them. */
export async function textOfRecord({ payload }: FoundRecord): Promise<string> {
  const text = await inflate(payload, { chunkSize: CHUNK_BYTES.unpacked, maxOutputLength: MAX_PAYLOAD_BYTES });
  return text.toString('utf8');
}

/** The header at `offset`; undefined where none stands. Says nothing of the payload. */
export function readHeader(buffer: Buffer, offset: number): RecordHeader | undefined {
  if (buffer.length < offset + HEADER_BYTES || buffer.compare(MAGIC, 0, 4, offset, offset + 4) !== 0) return undefined;
  const payloadBytes = buffer.readUInt32LE(offset + 8);
  if (payloadBytes > MAX_PAYLOAD_BYTES) return undefined;
  return { payloadBytes, lines: buffer.readUInt32LE(offset + 12), atMs: buffer.readDoubleLE(offset + 16) };
}

/** The record at `offset`; undefined where it is damaged or not all there. */
export function readRecord(buffer: Buffer, offset: number): FoundRecord | undefined {
  const header = readHeader(buffer, offset);
  if (header === undefined) return undefined;
  const end = offset + HEADER_BYTES + header.payloadBytes;
  if (buffer.length < end) return undefined;
  if (buffer.readUInt32LE(offset + 4) !== crc32(buffer.subarray(offset + CRC_FROM, end))) return undefined;
  return { ...header, payload: buffer.subarray(offset + HEADER_BYTES, end), end };
}

/** Where the next undamaged record begins at or after `offset`; undefined where none does. */
export function findRecord(buffer: Buffer, offset: number): number | undefined {
  for (let at = buffer.indexOf(MAGIC, offset); at >= 0; at = buffer.indexOf(MAGIC, at + 1)) {
    if (readRecord(buffer, at) !== undefined) return at;
  }
  return undefined;
}
