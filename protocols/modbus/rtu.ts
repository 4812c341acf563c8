import { type Frame, type Framing, MAX_PDU_BYTES } from './frame.ts';

/** Unit id before, CRC behind the protocol data unit (MODBUS over Serial Line V1.02, 2.3). */
const AROUND_BYTES = 3;
/** An exception: unit, function, code, CRC. */
const EXCEPTION_BYTES = 5;
const EXCEPTION_BIT = 0x80;
const READ_DEVICE_IDENTIFICATION = 0x2b;
const REPORT_SERVER_ID = 0x11;
const MEI_TYPE = 0x0e;
/** Of an answer to FC 43/14, from the unit id to the number of objects. */
const IDENTIFICATION_HEADER_BYTES = 8;
const NOTHING = new Uint8Array();

/**
 * Modbus RTU (MODBUS over Serial Line V1.02, 2.5.1): a frame is unit id, protocol data unit and CRC, and on a line is
 * told from the next by silence. A gateway or an operating system does not keep the silence, so an answer's end is
 * computed from what it says of its length, and believed when the CRC agrees. Where it does not agree, the search goes
 * on one byte further: garbage, an echo of our own request and half a frame are passed over, and nothing more than the
 * bytes of one frame is ever held.
 */
export class RtuFraming implements Framing {
  readonly hasTransactionIds = false;
  #held: Uint8Array = NOTHING;
  /** The last request, until its echo came: many two-wire adapters hear what they say. */
  #sent: Uint8Array = NOTHING;
  /** Bytes that belonged to no frame. */
  passedOver = 0;

  get isHolding(): boolean {
    return this.#held.length > 0;
  }

  encode(_transactionId: number, unitId: number, pdu: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(pdu.length + AROUND_BYTES);
    bytes[0] = unitId;
    bytes.set(pdu, 1);
    const crc = crc16(bytes, 0, pdu.length + 1);
    // the CRC alone is little-endian (2.5.1.2)
    bytes[pdu.length + 1] = crc & 0xff;
    bytes[pdu.length + 2] = crc >> 8;
    this.#sent = bytes;
    return bytes;
  }

  take(chunk: Uint8Array): readonly Frame[] {
    return this.#framesIn(this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]), 'more may come');
  }

  silence(): readonly Frame[] {
    return this.#framesIn(this.#held, 'nothing more comes');
  }

  #framesIn(bytes: Uint8Array, end: 'more may come' | 'nothing more comes'): readonly Frame[] {
    const frames: Frame[] = [];
    let at = 0;
    while (at < bytes.length) {
      const echoed = echoLength(bytes, at, this.#sent);
      if (echoed > 0 && echoed === this.#sent.length) {
        // Never an answer, even where it has the form of one.
        this.#sent = NOTHING;
        at += echoed;
        continue;
      }
      if (echoed > 0 && end === 'more may come') break;
      const length = answerLength(bytes, at);
      if (length === undefined || at + length > bytes.length) {
        if (end === 'more may come') break;
      } else if (length > 0 && hasRightCrc(bytes, at, length)) {
        frames.push({
          transactionId: undefined,
          unitId: bytes[at] ?? 0,
          pdu: bytes.subarray(at + 1, at + length - 2),
          bytes: bytes.subarray(at, at + length),
        });
        at += length;
        continue;
      }
      at += 1;
      this.passedOver += 1;
    }
    this.#held = at === bytes.length ? NOTHING : bytes.slice(at);
    return frames;
  }
}

/** How much of `sent` stands at `at`: all of it, as much as there are bytes, or else 0. */
function echoLength(bytes: Uint8Array, at: number, sent: Uint8Array): number {
  const length = Math.min(sent.length, bytes.length - at);
  for (let i = 0; i < length; i++) if (bytes[at + i] !== sent[i]) return 0;
  return length;
}

/**
 * Bytes of the answer that begins at `at`, by what it says of itself; 0 when no answer to anything we ask begins so;
 * undefined when there are too few bytes to tell.
 */
function answerLength(bytes: Uint8Array, at: number): number | undefined {
  const functionCode = bytes[at + 1];
  if (functionCode === undefined) return undefined;
  if ((functionCode & EXCEPTION_BIT) !== 0) return isAsked(functionCode ^ EXCEPTION_BIT) ? EXCEPTION_BYTES : 0;
  if (!isAsked(functionCode)) return 0;
  const third = bytes[at + 2];
  if (third === undefined) return undefined;
  if (functionCode === READ_DEVICE_IDENTIFICATION) return third === MEI_TYPE ? identificationLength(bytes, at) : 0;
  if (third === 0 || (functionCode >= 3 && functionCode <= 4 && third % 2 === 1)) return 0;
  const length = third + 5;
  return length > MAX_PDU_BYTES + AROUND_BYTES ? 0 : length;
}

/** FC 43/14 (V1.1b3, 6.21) says how many objects follow, and each of them how long it is. */
function identificationLength(bytes: Uint8Array, at: number): number | undefined {
  const count = bytes[at + IDENTIFICATION_HEADER_BYTES - 1];
  if (count === undefined) return undefined;
  let length = IDENTIFICATION_HEADER_BYTES;
  for (let i = 0; i < count; i++) {
    const objectBytes = bytes[at + length + 1];
    if (objectBytes === undefined) return length > MAX_PDU_BYTES + AROUND_BYTES ? 0 : undefined;
    length += 2 + objectBytes;
  }
  length += 2;
  return length > MAX_PDU_BYTES + AROUND_BYTES ? 0 : length;
}

/** We read, and ask who a device is; nothing else is ever answered to us. */
function isAsked(functionCode: number): boolean {
  return (
    (functionCode >= 1 && functionCode <= 4) ||
    functionCode === REPORT_SERVER_ID ||
    functionCode === READ_DEVICE_IDENTIFICATION
  );
}

function hasRightCrc(bytes: Uint8Array, at: number, length: number): boolean {
  const crc = crc16(bytes, at, at + length - 2);
  return bytes[at + length - 2] === (crc & 0xff) && bytes[at + length - 1] === crc >> 8;
}

/** Of every byte value, by the reflected polynomial 0xA001 (Serial Line V1.02, 6.2.2). */
const CRC_OF_BYTE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  return crc;
});

/** CRC-16/MODBUS of `bytes[from, to)`. */
function crc16(bytes: Uint8Array, from: number, to: number): number {
  let crc = 0xffff;
  for (let i = from; i < to; i++) crc = (crc >> 8) ^ (CRC_OF_BYTE[(crc ^ (bytes[i] ?? 0)) & 0xff] ?? 0);
  return crc;
}
