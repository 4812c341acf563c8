import { CATEGORIES, type Category, type DeviceEvidence, TIERS, type Tier } from './device.ts';
import type { Assessment } from './rules.ts';

/** Devices registered, online now, and verified under R7. */
export interface CategoryCount {
  registered: number;
  online: number;
  verified: number;
}

/** The headline numbers. `total` is the sum of the categories by construction (R10). */
export interface HeadCount {
  readonly total: CategoryCount;
  readonly byCategory: Record<Category, CategoryCount>;
  /** Registered devices by the tier they reached; the sum is `total.registered`. */
  readonly byTier: Record<Tier, number>;
  /** Devices left out by R1, R8 and R15. */
  readonly excluded: number;
  readonly protocols: ReadonlyMap<string, FamilyCount>;
}

/** R9: one protocol family among the counted devices. */
export interface FamilyCount {
  devices: number;
  online: number;
  verified: number;
  /** Counted devices that exchanged decoded data over it in the as-of year. */
  exchanged: number;
  /** Verified devices among them; one makes the family *verified*. */
  exchangedVerified: number;
}

/**
 * R10: counts assessed devices. A device is counted once whatever the number of its addresses, under exactly one
 * category; a protocol family counts a device once whatever the number of addresses it has there.
 */
export function count(
  devices: Iterable<{ readonly evidence: DeviceEvidence; readonly assessment: Assessment }>,
): HeadCount {
  const byCategory = emptyCategories();
  const byTier = Object.fromEntries(TIERS.map((tier) => [tier, 0])) as Record<Tier, number>;
  const protocols = new Map<string, FamilyCount>();
  let excluded = 0;
  for (const { evidence, assessment } of devices) {
    const { category } = assessment.category;
    if (assessment.exclusions.length > 0 || category === 'not-counted') {
      excluded += 1;
      continue;
    }
    add(byCategory[category], assessment);
    byTier[assessment.tier] += 1;
    for (const family of new Set(evidence.addresses.map((address) => address.protocol.family))) {
      const found = protocols.get(family) ?? { devices: 0, online: 0, verified: 0, exchanged: 0, exchangedVerified: 0 };
      protocols.set(family, found);
      const exchanged = evidence.familiesThisYear.includes(family);
      found.devices += 1;
      found.online += isOnlineOver(family, evidence, assessment) ? 1 : 0;
      found.verified += assessment.verified ? 1 : 0;
      found.exchanged += exchanged ? 1 : 0;
      found.exchangedVerified += exchanged && assessment.verified ? 1 : 0;
    }
  }
  return { total: sum(byCategory), byCategory, byTier, excluded, protocols };
}

/** R9: families that at least one counted device exchanged data over in the year, and those a verified device did. */
export function countProtocols(protocols: ReadonlyMap<string, FamilyCount>): { compatible: number; verified: number } {
  let compatible = 0;
  let verified = 0;
  for (const family of protocols.values()) {
    if (family.exchanged > 0) compatible += 1;
    if (family.exchangedVerified > 0) verified += 1;
  }
  return { compatible, verified };
}

function isOnlineOver(family: string, evidence: DeviceEvidence, assessment: Assessment): boolean {
  return evidence.addresses.some(
    (address, index) => address.protocol.family === family && assessment.addressStatuses[index] === 'online',
  );
}

function emptyCategories(): Record<Category, CategoryCount> {
  return Object.fromEntries(
    CATEGORIES.map((category) => [category, { registered: 0, online: 0, verified: 0 }]),
  ) as Record<Category, CategoryCount>;
}

function add(into: CategoryCount, assessment: Assessment): void {
  into.registered += 1;
  if (assessment.status === 'online') into.online += 1;
  if (assessment.verified) into.verified += 1;
}

function sum(categories: Record<Category, CategoryCount>): CategoryCount {
  const total = { registered: 0, online: 0, verified: 0 };
  for (const category of CATEGORIES) {
    total.registered += categories[category].registered;
    total.online += categories[category].online;
    total.verified += categories[category].verified;
  }
  return total;
}
