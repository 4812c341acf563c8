/** MODBUS Application Protocol V1.1b3, 4.1: what a protocol data unit may be long, function code included. */
export const MAX_PDU_BYTES = 253;

/** One frame as somebody else wrote it: its form was checked, its truth was not. */
export interface Frame {
  /** Of the request it answers; undefined where the framing has none (RTU). */
  readonly transactionId: number | undefined;
  readonly unitId: number;
  /** Function code and what follows. */
  readonly pdu: Uint8Array;
  /** The whole frame as received. */
  readonly bytes: Uint8Array;
}

/** How protocol data units are packed into a stream of bytes, for one connection. */
export interface Framing {
  /** Without transaction ids only one request can be under way, and a late answer cannot be told by its frame. */
  readonly hasTransactionIds: boolean;
  encode(transactionId: number, unitId: number, pdu: Uint8Array): Uint8Array;
  /**
   * The frames that are complete with `chunk`, however the stream was cut. Throws `ProtocolError('violation')` when
   * nothing in the stream can be trusted from here on, and the connection has to be closed.
   */
  take(chunk: Uint8Array): readonly Frame[];
  /** The stream has been silent: what is held will not be completed. Frames that were hidden behind it. */
  silence(): readonly Frame[];
  /** Bytes are held that are no frame yet. */
  readonly isHolding: boolean;
}
