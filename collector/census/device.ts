/**
 * What the counting rules are about: the register's side (what a person entered) and the evidence's side (what was
 * seen). Pure records; who fills them is the store's and the tally's business.
 */

/** The four categories of the form; `not-counted` is for equipment that R1 leaves out (PLCs, gateways, cameras). */
export const CATEGORIES = ['running', 'processing', 'moving', 'other'] as const;
export type Category = (typeof CATEGORIES)[number];

export interface Enterprise {
  readonly id: string;
  readonly name: string;
  /** 统一社会信用代码, 18 characters. */
  readonly creditCode?: string | undefined;
}

export interface Site {
  readonly id: string;
  readonly enterpriseId: string;
  readonly name: string;
  /** R8: a laboratory or demonstration site is never counted. */
  readonly kind: 'production' | 'laboratory' | 'demo';
}

/** One row of the register (R1: one name-plated machine or one complete set). */
export interface RegisteredDevice {
  readonly id: string;
  readonly name: string;
  readonly enterpriseId: string | undefined;
  readonly siteId: string | undefined;
  /** Code of the type table. */
  readonly typeCode: string | undefined;
  /** The operator's choice against the type table, with its reason (R11, R12). */
  readonly categoryChoice: { readonly category: Category; readonly reason: string } | undefined;
  readonly manufacturer: string | undefined;
  readonly model: string | undefined;
  readonly serialNumber: string | undefined;
  readonly assetNumber: string | undefined;
  readonly unit: string;
  /** The device of which this one is a counted member (R1, R8). */
  readonly setId: string | undefined;
  readonly life: 'planned' | 'in-service' | 'retired';
  /** First local day on which it no longer counts, `YYYY-MM-DD`; only with `life: 'retired'`. */
  readonly retiredOn: string | undefined;
  readonly marks: readonly DeviceMark[];
  readonly expectedIntervalMs: number | undefined;
  readonly livenessTimeoutMs: number | undefined;
}

/** R8 exclusions a person states. */
export type DeviceMark = 'virtual' | 'it-equipment' | 'consumer';

/** The evidence about one address of one device, as of one instant. */
export interface AddressEvidence {
  readonly sourceId: string;
  readonly address: string;
  readonly protocol: { readonly family: string; readonly variant: string; readonly reach: 'direct' | 'relayed' };
  /** R15: the source is configured as simulated, or the device says so in-band. */
  readonly simulated: boolean;
  /** The method by which the device said who it is; undefined when it never did (R4 tier 3). */
  readonly identifiedBy: string | undefined;
  readonly firstGoodAtMs: number | undefined;
  readonly lastGoodAtMs: number | undefined;
  /** Last time anything at all came from it, whatever its weight. */
  readonly lastSeenAtMs: number | undefined;
  readonly lastDeathAtMs: number | undefined;
  /** When a roll call was last answered (R4 tier 4). */
  readonly challengedAtMs: number | undefined;
  readonly path: PathEvidence;
}

/** Whether our own way to the equipment was up (R5, R14). */
export interface PathEvidence {
  /** Start of the interval that is open at the instant; undefined while the path is down. */
  readonly upSinceMs: number | undefined;
  /**
   * The longest stretch, in any closed interval after the last live evidence, during which the path was up and the
   * address was silent. It lets a restart restore `offline` without inventing it.
   */
  readonly silentWhileUpMs: number;
}

/** Everything the rules need of one device at one instant. */
export interface DeviceEvidence {
  readonly device: RegisteredDevice;
  readonly site: Site | undefined;
  readonly addresses: readonly AddressEvidence[];
  /** Local days of the as-of year with live evidence in at least `minSlotsPerDay` slots, up to the instant (R6). */
  readonly activeDays: number;
  /** The last of them as a day number (days since 1970-01-01), undefined when there is none. */
  readonly lastActiveDay: number | undefined;
  /** Families over which a good observation arrived in the as-of year (R9). */
  readonly familiesThisYear: readonly string[];
}

export type Status = 'online' | 'offline' | 'unknown' | 'never';

/** R4, from 0 *configured* to 4 *challenged*. */
export const TIERS = ['configured', 'reachable', 'live', 'identified', 'challenged'] as const;
export type Tier = (typeof TIERS)[number];
