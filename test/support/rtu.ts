/** CRC-16/MODBUS bit by bit, as MODBUS over Serial Line V1.02, 6.2.1 describes it; the product's own works by table. */
export function crcOf(bytes: ArrayLike<number>): number {
  let crc = 0xffff;
  for (let i = 0; i < bytes.length; i++) {
    crc ^= bytes[i] ?? 0;
    for (let bit = 0; bit < 8; bit++) {
      const carry = crc & 1;
      crc >>= 1;
      if (carry === 1) crc ^= 0xa001;
    }
  }
  return crc;
}

/** The bytes of an RTU frame. */
export function rtuFrame(unitId: number, pdu: readonly number[]): Buffer {
  const crc = crcOf([unitId, ...pdu]);
  return Buffer.from([unitId, ...pdu, crc & 0xff, crc >> 8]);
}
