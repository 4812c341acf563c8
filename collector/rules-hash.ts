import { createHash } from 'node:crypto';
import { RULES_VERSION, type RuleParameters } from './census/rules.ts';

/**
 * Lower-case hex SHA-256 over everything that decides a count besides the evidence: the version of the rule texts, the
 * parameters in a fixed order, and the catalogues. It stands in every count.
 */
export function rulesSha256(parameters: RuleParameters, cataloguesSha256: string): string {
  const { minTier, minActiveDays, activeWithinDays, minSlotsPerDay } = parameters;
  const text = JSON.stringify([
    RULES_VERSION,
    minTier,
    minActiveDays,
    activeWithinDays,
    minSlotsPerDay,
    cataloguesSha256,
  ]);
  return createHash('sha256').update(text).digest('hex');
}
