import { dayOfText } from './calendar.ts';
import type { EquipmentType } from './catalogue.ts';
import { type CategoryFinding, categoryOf } from './category.ts';
import { type AddressEvidence, type DeviceEvidence, type Status, TIERS, type Tier } from './device.ts';
import { addressStatus, deviceStatus, livenessTimeoutMs } from './presence.ts';

/** The version of the rule texts in `docs/counting-rules.md`; it goes into every count together with the parameters' hash. */
export const RULES_VERSION = 'v1';

/** The parameters of R6 and R7. Their hash is part of every count. */
export interface RuleParameters {
  readonly minTier: Tier;
  /** Active days in the as-of year. */
  readonly minActiveDays: number;
  /** Days between the last active day and the as-of date. */
  readonly activeWithinDays: number;
  /** Slots with live evidence that make a day active. */
  readonly minSlotsPerDay: number;
}

export const DEFAULT_RULES: RuleParameters = {
  minTier: 'live',
  minActiveDays: 3,
  activeWithinDays: 30,
  minSlotsPerDay: 1,
};

/** What an assessment needs besides the device. */
export interface AssessmentContext {
  readonly atMs: number;
  /** Local day of `atMs`. */
  readonly day: number;
  readonly parameters: RuleParameters;
  readonly types: ReadonlyMap<string, Pick<EquipmentType, 'category'>>;
  /** R15: only here do simulated devices count, and everything is watermarked. */
  readonly demo: boolean;
}

/** Why a device is left out or not verified: the rule and a word for the reason. */
export interface Reason {
  readonly rule: 'R1' | 'R4' | 'R7' | 'R8' | 'R15';
  readonly code:
    | 'not-counted-type'
    | 'set-member'
    | 'planned'
    | 'retired'
    | 'virtual'
    | 'it-equipment'
    | 'consumer'
    | 'laboratory-site'
    | 'demo-site'
    | 'simulated'
    | 'no-owner'
    | 'no-site'
    | 'unclassified'
    | 'tier-too-low'
    | 'too-few-active-days'
    | 'not-active-lately';
}

/** One device under the rules at one instant. */
export interface Assessment {
  readonly category: CategoryFinding;
  readonly status: Status;
  readonly addressStatuses: readonly Status[];
  readonly tier: Tier;
  /** Why it is in no list at all; empty for a device that is counted as registered. */
  readonly exclusions: readonly Reason[];
  /** Why it is not verified although registered; empty when verified, and when excluded. */
  readonly shortcomings: readonly Reason[];
  readonly verified: boolean;
}

/** All rules for one device. Pure: the same evidence, parameters and instant give the same assessment. */
export function assess(
  evidence: DeviceEvidence,
  claimedType: string | undefined,
  context: AssessmentContext,
): Assessment {
  const category = categoryOf(evidence.device, context.types, claimedType);
  const timeoutMs = livenessTimeoutMs(evidence.device);
  const addressStatuses = evidence.addresses.map((address) => addressStatus(address, timeoutMs, context.atMs));
  const tier = tierOf(evidence.addresses);
  const exclusions = exclusionsOf(evidence, category, context);
  const shortcomings = exclusions.length > 0 ? [] : shortcomingsOf(evidence, category, tier, context);
  return {
    category,
    status: deviceStatus(addressStatuses),
    addressStatuses,
    tier,
    exclusions,
    shortcomings,
    verified: exclusions.length === 0 && shortcomings.length === 0,
  };
}

/** R4. Each tier includes those below it: a device that said who it is but never gave a good value is not *identified*. */
export function tierOf(addresses: readonly AddressEvidence[]): Tier {
  const live = addresses.filter((address) => address.lastGoodAtMs !== undefined);
  if (live.some((address) => address.challengedAtMs !== undefined)) return 'challenged';
  if (live.some((address) => address.identifiedBy !== undefined)) return 'identified';
  if (live.length > 0) return 'live';
  const reachable = addresses.some(
    (address) => address.path.upSinceMs !== undefined || address.lastSeenAtMs !== undefined,
  );
  return reachable ? 'reachable' : 'configured';
}

/** R1, R8 and R15: reasons that keep a device out of every number. */
function exclusionsOf(evidence: DeviceEvidence, category: CategoryFinding, context: AssessmentContext): Reason[] {
  const { device, site, addresses } = evidence;
  const reasons: Reason[] = [];
  if (category.category === 'not-counted') reasons.push({ rule: 'R1', code: 'not-counted-type' });
  if (device.setId !== undefined) reasons.push({ rule: 'R8', code: 'set-member' });
  if (device.life === 'planned') reasons.push({ rule: 'R8', code: 'planned' });
  if (device.life === 'retired' && !(dayOfText(device.retiredOn ?? '') > context.day)) {
    reasons.push({ rule: 'R8', code: 'retired' });
  }
  for (const mark of device.marks) reasons.push({ rule: 'R8', code: mark });
  if (site?.kind === 'laboratory') reasons.push({ rule: 'R8', code: 'laboratory-site' });
  if (site?.kind === 'demo') reasons.push({ rule: 'R8', code: 'demo-site' });
  if (!context.demo && addresses.some((address) => address.simulated)) reasons.push({ rule: 'R15', code: 'simulated' });
  return reasons;
}

/** R7: what a registered device still lacks. */
function shortcomingsOf(
  evidence: DeviceEvidence,
  category: CategoryFinding,
  tier: Tier,
  { day, parameters }: AssessmentContext,
): Reason[] {
  const reasons: Reason[] = [];
  if (evidence.device.enterpriseId === undefined) reasons.push({ rule: 'R7', code: 'no-owner' });
  if (evidence.site === undefined) reasons.push({ rule: 'R7', code: 'no-site' });
  if (category.basis === 'unclassified') reasons.push({ rule: 'R7', code: 'unclassified' });
  if (TIERS.indexOf(tier) < TIERS.indexOf(parameters.minTier)) reasons.push({ rule: 'R4', code: 'tier-too-low' });
  if (evidence.activeDays < parameters.minActiveDays) reasons.push({ rule: 'R7', code: 'too-few-active-days' });
  if (evidence.lastActiveDay === undefined || day - evidence.lastActiveDay > parameters.activeWithinDays) {
    reasons.push({ rule: 'R7', code: 'not-active-lately' });
  }
  return reasons;
}
