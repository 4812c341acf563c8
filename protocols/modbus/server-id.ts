import { ProtocolError } from '../errors.ts';
import type { IdentityClaims } from '../identity.ts';
import { throwIfException } from './read.ts';

/** Report Server ID: function 17 (MODBUS Application Protocol V1.1b3, 6.13). */
const FUNCTION_CODE = 0x11;
export const SERVER_ID_REQUEST = Uint8Array.of(FUNCTION_CODE);
/** A text shorter than this is a number that happens to be printable. */
const MIN_TEXT = 3;
const PRINTABLE = /[\x20-\x7e]{3,}/g;

/**
 * What a device says in FC 17. The standard leaves the contents to the manufacturer: an id, a byte that says whether
 * it runs, and whatever he likes. The longest printable text among it is taken for the model, as a claim and no more.
 * Throws `ModbusException`, and `ProtocolError('violation')` when the answer's count does not agree with its length.
 */
export function parseServerId(pdu: Uint8Array): IdentityClaims {
  throwIfException(FUNCTION_CODE, pdu);
  if (pdu[0] !== FUNCTION_CODE || pdu[1] !== pdu.length - 2)
    throw new ProtocolError(
      'violation',
      `reading the server id: announces ${pdu[1] ?? 0} bytes and carries ${Math.max(0, pdu.length - 2)}`,
    );
  const text = Buffer.from(pdu.subarray(2)).toString('latin1');
  const words = (text.match(PRINTABLE) ?? []).map((word) => word.trim()).filter((word) => word.length >= MIN_TEXT);
  const model = words.toSorted((a, b) => b.length - a.length)[0];
  if (model === undefined) return {};
  return /\bSIMULATED\b/i.test(text) ? { model, simulated: true } : { model };
}
