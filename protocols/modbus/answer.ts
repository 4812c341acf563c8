import type { Frame } from './frame.ts';

/** Bit 7 of the function code marks an exception (MODBUS Application Protocol V1.1b3, 7). */
const EXCEPTION_BIT = 0x80;
const READ_DEVICE_IDENTIFICATION = 0x2b;

/** What was asked: of whom, and the protocol data unit. */
export interface Asked {
  readonly unitId: number;
  readonly pdu: Uint8Array;
}

/**
 * True when a frame can be the answer to what was asked: same unit, same function or its exception (MODBUS Messaging on
 * TCP/IP V1.0b, 4.2.2). Where no transaction id tells, the number of bytes must be the one asked for as well: with
 * another it is the late answer to another request.
 */
export function isAnswer({ transactionId, unitId, pdu }: Frame, asked: Asked): boolean {
  const functionCode = asked.pdu[0] ?? 0;
  if (unitId !== asked.unitId) return false;
  if (pdu[0] === (functionCode | EXCEPTION_BIT)) return pdu.length === 2;
  if (pdu[0] !== functionCode) return false;
  // Several things are asked with this function code: MEI type and category tell them apart.
  if (functionCode === READ_DEVICE_IDENTIFICATION) return pdu[1] === asked.pdu[1] && pdu[2] === asked.pdu[2];
  return transactionId !== undefined || functionCode > 4 || pdu[1] === bytesAskedFor(asked.pdu);
}

/** Bytes of values that the answer to a read must bring (V1.1b3, 6.1 to 6.4). */
export function bytesAskedFor(pdu: Uint8Array): number {
  const count = ((pdu[3] ?? 0) << 8) | (pdu[4] ?? 0);
  return (pdu[0] ?? 0) <= 2 ? Math.ceil(count / 8) : count * 2;
}
