import type { Category } from './device.ts';

/** One row of the equipment type table (R11). */
export interface EquipmentType {
  readonly code: string;
  readonly nameZh: string;
  readonly nameEn: string;
  /** `not-counted`: R1 leaves it out. */
  readonly category: Category | 'not-counted';
  /** A category that others may reasonably choose; empty when there is none. */
  readonly alternative: string;
  /** `listing`: named so in published listings; `judgement`: our own. */
  readonly basis: string;
  readonly cloudClass: string;
  /** 台, 套, 座, 条. */
  readonly unit: string;
}

/** One row of the protocol catalogue (R9). */
export interface CatalogueProtocol {
  readonly family: string;
  readonly nameZh: string;
  readonly nameEn: string;
  readonly standardCn: string;
  readonly standardIntl: string;
  readonly variants: readonly string[];
  /** `relayed`: counted only behind somebody else's gateway. */
  readonly adapter: 'built-in' | 'relayed';
}
