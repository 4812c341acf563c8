import { ProtocolError } from '../errors.ts';

/**
 * The application data unit of Modbus TCP (MODBUS Messaging on TCP/IP V1.0b, 3.1): MBAP header of 7 bytes, then the
 * protocol data unit of 1 to 253 bytes. Everything that comes in here was written by somebody else.
 */
export interface Adu {
  readonly transactionId: number;
  readonly unitId: number;
  readonly pdu: Uint8Array;
}

const HEADER_BYTES = 7;
/** Bytes of the header that the length field does not count. */
const UNCOUNTED_BYTES = 6;
/** MODBUS Application Protocol V1.1b3, 4.1. */
const MAX_PDU_BYTES = 253;

export function encodeAdu({ transactionId, unitId, pdu }: Adu): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + pdu.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, transactionId);
  view.setUint16(4, pdu.length + 1);
  view.setUint8(6, unitId);
  bytes.set(pdu, HEADER_BYTES);
  return bytes;
}

/** Cuts a byte stream into frames, however the network cut it into segments. Holds at most one frame. */
export class AduReader {
  #held: Uint8Array = new Uint8Array();

  /**
   * The frames that are complete with `chunk`. Throws `ProtocolError('violation')` for a header that no Modbus device
   * can have sent: from there on nothing in the stream can be trusted, and the connection has to be closed.
   */
  take(chunk: Uint8Array): Adu[] {
    const bytes = this.#held.length === 0 ? chunk : concat(this.#held, chunk);
    const frames: Adu[] = [];
    let at = 0;
    while (bytes.length - at >= HEADER_BYTES) {
      const view = new DataView(bytes.buffer, bytes.byteOffset + at);
      const protocolId = view.getUint16(2);
      const length = view.getUint16(4);
      if (protocolId !== 0) throw violation(`protocol id ${protocolId} instead of 0`);
      if (length < 2 || length > MAX_PDU_BYTES + 1)
        throw violation(`a length of ${length}, not 2 to ${MAX_PDU_BYTES + 1}`);
      if (bytes.length - at < UNCOUNTED_BYTES + length) break;
      const end = at + UNCOUNTED_BYTES + length;
      frames.push({
        transactionId: view.getUint16(0),
        unitId: view.getUint8(6),
        pdu: bytes.slice(at + HEADER_BYTES, end),
      });
      at = end;
    }
    this.#held = bytes.slice(at);
    return frames;
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function violation(what: string): ProtocolError {
  return new ProtocolError('violation', `reading a modbus frame: the header has ${what}`, {
    hint: 'check that a modbus tcp device listens at this port; rtu over tcp has no such header',
  });
}
