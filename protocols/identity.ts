/**
 * What a device says of itself. A claim is never a fact: matching (R2) weighs claims, and the raw bytes behind
 * them are kept so that an assessor can look at what was really said.
 */
export interface IdentityClaims {
  /** OPC UA DI / Machinery ProductInstanceUri, globally unique by definition. */
  readonly productInstanceUri?: string;
  readonly manufacturer?: string;
  readonly model?: string;
  readonly serialNumber?: string;
  /** 标识解析 or Ecode identifier. */
  readonly handle?: string;
  /** Of the machine itself, not of the modem or gateway in front of it. */
  readonly vin?: string;
  readonly imei?: string;
  readonly mac?: string;
  /** The operator's own number, unique within one enterprise only. */
  readonly assetNumber?: string;
  /** The device's word for its kind; compared with the codes of the type table (R11). */
  readonly deviceType?: string;
  readonly softwareVersion?: string;
  /** The device says in-band that it is not a real machine (R15). */
  readonly simulated?: boolean;
}

/** The outcome of asking one address who it is. */
export interface Identification {
  readonly claims: IdentityClaims;
  /** The bytes the claims were read from, as received; at most 64 KiB. */
  readonly raw: Uint8Array;
  /** How the claims were obtained, in the field's words: `FC 43/14`, `DI nameplate`, `payload`. */
  readonly method: string;
  readonly receivedAtMs: number;
}
