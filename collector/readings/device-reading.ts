import type { Assessment, Reason } from '../census/rules.ts';
import type { HeldIdentity } from '../intake/journal.ts';
import type { DeviceDetail, DeviceReading } from '../reading.ts';
import type { Roll, RollEntry } from '../roll/roll.ts';
import type { RegisterChange, TallyRow } from '../store/contract.ts';

/** One device as the lists show it. */
export function deviceReading({ evidence, assessment }: RollEntry, roll: Roll): DeviceReading {
  const { device, addresses } = evidence;
  const enterprise = device.enterpriseId === undefined ? undefined : roll.enterprises.get(device.enterpriseId);
  return {
    id: device.id,
    name: device.name,
    enterprise: enterprise === undefined ? undefined : { id: enterprise.id, name: enterprise.name },
    site: evidence.site === undefined ? undefined : { id: evidence.site.id, name: evidence.site.name },
    type: device.typeCode,
    category: assessment.category.category,
    categoryBasis: assessment.category.basis,
    manufacturer: device.manufacturer,
    model: device.model,
    serialNumber: device.serialNumber,
    unit: device.unit,
    status: assessment.status,
    tier: assessment.tier,
    verified: assessment.verified,
    reasons: reasonsOf(assessment),
    lastLiveAtMs: latest(addresses.map((address) => address.lastGoodAtMs)),
    lastSeenAtMs: latest(addresses.map((address) => address.lastSeenAtMs)),
    protocols: distinctLines(addresses.map((address) => address.protocol)),
  };
}

/** What is known of one address besides the evidence: today's row and the last claims. */
export interface AddressDetail {
  readonly row: TallyRow | undefined;
  readonly identity: HeldIdentity | undefined;
}

/** One device with its addresses and its history. */
export function deviceDetail(
  entry: RollEntry,
  roll: Roll,
  changes: readonly RegisterChange[],
  detailOf: (sourceId: string, address: string) => AddressDetail,
): DeviceDetail {
  const { evidence, assessment } = entry;
  return {
    ...deviceReading(entry, roll),
    addresses: evidence.addresses.map((address, position) => {
      const { row, identity } = detailOf(address.sourceId, address.address);
      return {
        source: address.sourceId,
        address: address.address,
        ...address.protocol,
        status: assessment.addressStatuses[position] ?? 'never',
        lastLiveAtMs: address.lastGoodAtMs,
        lastSeenAtMs: address.lastSeenAtMs,
        today: {
          good: row?.good ?? 0,
          uncertain: row?.uncertain ?? 0,
          bad: row?.bad ?? 0,
          weightless: row?.weightless ?? 0,
          changes: row?.changes ?? 0,
        },
        claims: identity === undefined ? undefined : { ...identity.claims },
        claimsBy: identity?.method,
      };
    }),
    activeDays: evidence.activeDays,
    changes,
  };
}

/** Reasons as stable texts, `R8 retired`. */
function reasonsOf({ exclusions, shortcomings }: Assessment): string[] {
  return [...exclusions, ...shortcomings].map(({ rule, code }: Reason) => `${rule} ${code}`);
}

function latest(instants: readonly (number | undefined)[]): number | undefined {
  const known = instants.filter((instant) => instant !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

function distinctLines(lines: DeviceReading['protocols']): DeviceReading['protocols'] {
  return [...new Map(lines.map((line) => [`${line.family}\n${line.variant}\n${line.reach}`, line])).values()];
}
