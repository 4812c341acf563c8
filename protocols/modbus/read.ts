import { ProtocolError } from '../errors.ts';
import { bytesAskedFor } from './answer.ts';
import { decodeBit, decodeRegisters, type Value } from './codec.ts';
import { isBitTable, widthOf } from './point.ts';
import type { PlannedRead } from './request-plan.ts';

/** The device answered with an exception: it is there, but gave no data (R3). */
export class ModbusException extends ProtocolError {
  readonly exceptionCode: number;

  constructor(functionCode: number, exceptionCode: number) {
    const name = EXCEPTIONS[exceptionCode] ?? 'unknown exception';
    super('exception', `function ${functionCode}: exception ${exceptionCode} (${name})`);
    this.exceptionCode = exceptionCode;
  }
}

/** MODBUS Application Protocol V1.1b3, 7. */
const EXCEPTIONS: Readonly<Record<number, string>> = {
  1: 'illegal function',
  2: 'illegal data address',
  3: 'illegal data value',
  4: 'server device failure',
  5: 'acknowledge',
  6: 'server device busy',
  8: 'memory parity error',
  10: 'gateway path unavailable',
  11: 'gateway target device failed to respond',
};

/**
 * The values of a read's points, by place. Throws `ModbusException`, and `ProtocolError('violation')` when the answer
 * does not carry exactly the bytes that were asked for.
 */
export function decodeRead(read: PlannedRead, pdu: Uint8Array): readonly Value[] {
  throwIfException(read.functionCode, pdu);
  const isBits = isBitTable(read.table);
  const expected = bytesAskedFor(read.request);
  if (pdu[1] !== expected || pdu.length !== expected + 2) {
    const got = `announces ${pdu[1] ?? 0} bytes and carries ${Math.max(0, pdu.length - 2)}`;
    throw new ProtocolError(
      'violation',
      `function ${read.functionCode}: asked for ${expected} bytes, the answer ${got}`,
    );
  }
  const bytes = pdu.subarray(2);
  return read.points.map((point) => {
    const from = point.address - read.address;
    if (isBits) return decodeBit(bytes, from);
    return decodeRegisters(point, bytes.subarray(from * 2, (from + widthOf(point)) * 2));
  });
}

export function throwIfException(functionCode: number, pdu: Uint8Array): void {
  if (pdu[0] === (functionCode | 0x80)) throw new ModbusException(functionCode, pdu[1] ?? 0);
}
