/**
 * How much an observation weighs as live evidence (R3). The numbers are stored in `ObservationColumns.quality`.
 *
 * - `good`: a fresh value addressed to this device; the only quality that makes a device live
 * - `uncertain`: a value the device or the protocol itself doubts
 * - `bad`: the device was heard but gave no usable value (a Modbus exception, a Bad status code, a broken payload):
 *   it proves presence, not data
 * - `weightless`: proves nothing (retained or duplicate publish, a timestamp that does not advance); counted so that
 *   `explain` can say why a busy address is not live
 */
export const Quality = { good: 0, uncertain: 1, bad: 2, weightless: 3 } as const;
export type Quality = (typeof Quality)[keyof typeof Quality];

/** Observations to a batch: the point where the cost of an async hand-over per observation stops to matter. */
export const BATCH_CAPACITY = 256;

/**
 * Observations as columns: row `i` of every column belongs to one observation. Typed arrays, filled and drained in
 * place, so that an observation costs no allocation between socket and tally.
 */
export class ObservationColumns {
  /** Rows in use; rows at and beyond it hold left-overs. */
  length = 0;
  /** The integer that `AddressBook.bind` gave. */
  readonly address = new Int32Array(BATCH_CAPACITY);
  /** Our clock when the bytes arrived. */
  readonly receivedAtMs = new Float64Array(BATCH_CAPACITY);
  /** The device's or server's own time of the values; NaN where none was sent. */
  readonly sourceAtMs = new Float64Array(BATCH_CAPACITY);
  readonly quality = new Uint8Array(BATCH_CAPACITY);
  /** The protocol's own code: OPC UA StatusCode, Modbus exception code, an adapter's payload reason; 0 is good. */
  readonly statusCode = new Uint32Array(BATCH_CAPACITY);
  /** Points (values) decoded; saturates at 65,535. */
  readonly points = new Uint16Array(BATCH_CAPACITY);
  /** `ValueDigest` of the decoded values; 0 where none was decoded. */
  readonly digest = new Float64Array(BATCH_CAPACITY);
  /** From the last byte of the request to the last byte of the answer, in microseconds; NaN for publish protocols. */
  readonly roundTripUs = new Float64Array(BATCH_CAPACITY);
}
