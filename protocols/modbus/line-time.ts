import type { SerialEndpoint } from './transport.ts';

/** What a character takes on a serial line. */
export interface LineSpeed {
  readonly baudRate: number;
  /** Start, data, parity and stop bits. */
  readonly bitsPerCharacter: number;
}

/** Unit id before and CRC behind a protocol data unit, in characters (MODBUS over Serial Line V1.02, 2.3). */
const AROUND_CHARACTERS = 3;
/** Silence between two frames, in characters (2.5.1.1); above 19,200 baud a fixed time is recommended. */
const SILENT_CHARACTERS = 3.5;
const FAST_BAUD_RATE = 19_200;
const FAST_SILENCE_US = 1_750;

/** The speed of a serial port. */
export function speedOf({ baudRate, dataBits, parity, stopBits }: Omit<SerialEndpoint, 'kind' | 'path'>): LineSpeed {
  return { baudRate, bitsPerCharacter: 1 + dataBits + (parity === 'none' ? 0 : 1) + stopBits };
}

/** The silence that ends a frame, in microseconds. */
export function silenceUs({ baudRate, bitsPerCharacter }: LineSpeed): number {
  return baudRate > FAST_BAUD_RATE ? FAST_SILENCE_US : (SILENT_CHARACTERS * bitsPerCharacter * 1e6) / baudRate;
}

/** How long two frames are on the line, in microseconds, without any silence. `pduBytes` of both together. */
function framesUs(pduBytes: number, { baudRate, bitsPerCharacter }: LineSpeed): number {
  return ((pduBytes + 2 * AROUND_CHARACTERS) * bitsPerCharacter * 1e6) / baudRate;
}

/**
 * R13: the least time from the first bit of a request to the last bit of its answer, in microseconds. A device cannot
 * know before the silence that the request is over. What came faster did not come over this line. (With the silence
 * after the answer, ten registers at 9,600 baud and 11 bits take the 46 ms of the rule; that one we do not see.)
 */
export function fastestAnswerUs(pduBytes: number, speed: LineSpeed): number {
  return framesUs(pduBytes, speed) + silenceUs(speed);
}
