import { ProtocolError } from '../errors.ts';
import { type Frame, type Framing, MAX_PDU_BYTES } from './frame.ts';

const HEADER_BYTES = 7;
/** Bytes of the header that the length field does not count. */
const UNCOUNTED_BYTES = 6;
const NOTHING = new Uint8Array();
const NO_FRAMES: readonly Frame[] = [];

/**
 * Modbus TCP (MODBUS Messaging on TCP/IP V1.0b, 3.1): a header of 7 bytes with transaction id, protocol id, length and
 * unit id, then the protocol data unit. A stream with a header that no device can have sent cannot be followed any
 * further: it has no mark where the next frame begins.
 */
export class MbapFraming implements Framing {
  readonly hasTransactionIds = true;
  /** At most one frame that is not complete. */
  #held: Uint8Array = NOTHING;

  get isHolding(): boolean {
    return this.#held.length > 0;
  }

  encode(transactionId: number, unitId: number, pdu: Uint8Array): Uint8Array {
    const length = pdu.length + 1;
    const bytes = new Uint8Array(HEADER_BYTES + pdu.length);
    bytes[0] = transactionId >> 8;
    bytes[1] = transactionId & 0xff;
    bytes[4] = length >> 8;
    bytes[5] = length & 0xff;
    bytes[6] = unitId;
    bytes.set(pdu, HEADER_BYTES);
    return bytes;
  }

  take(chunk: Uint8Array): readonly Frame[] {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const frames: Frame[] = [];
    let at = 0;
    while (bytes.length - at >= HEADER_BYTES) {
      const protocolId = word(bytes, at + 2);
      const length = word(bytes, at + 4);
      if (protocolId !== 0) throw violation(`protocol id ${protocolId} instead of 0`);
      if (length < 2 || length > MAX_PDU_BYTES + 1)
        throw violation(`a length of ${length}, not 2 to ${MAX_PDU_BYTES + 1}`);
      const end = at + UNCOUNTED_BYTES + length;
      if (bytes.length < end) break;
      frames.push({
        transactionId: word(bytes, at),
        unitId: bytes[at + 6] ?? 0,
        pdu: bytes.subarray(at + HEADER_BYTES, end),
        bytes: bytes.subarray(at, end),
      });
      at = end;
    }
    this.#held = at === bytes.length ? NOTHING : bytes.slice(at);
    return frames;
  }

  /** A pause within a frame means nothing on TCP. */
  silence(): readonly Frame[] {
    return NO_FRAMES;
  }
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function violation(what: string): ProtocolError {
  return new ProtocolError('violation', `reading a modbus frame: the header has ${what}`, {
    hint: 'check that a modbus tcp device listens at this port; for rtu over tcp, which has no such header, set transport: rtu-over-tcp',
  });
}
