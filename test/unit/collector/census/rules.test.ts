import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { count, countProtocols } from '../../../../collector/census/count.ts';
import {
  type AddressEvidence,
  CATEGORIES,
  type DeviceEvidence,
  type RegisteredDevice,
  TIERS,
} from '../../../../collector/census/device.ts';
import { type AssessmentContext, assess, DEFAULT_RULES, tierOf } from '../../../../collector/census/rules.ts';

const DAY = 20_000;
const AT = DAY * 86_400_000 + 1_000;

const TYPES: AssessmentContext['types'] = new Map([
  ['pump', { category: 'running' }],
  ['agv', { category: 'moving' }],
  ['plc', { category: 'not-counted' }],
]);

const context: AssessmentContext = { atMs: AT, day: DAY, parameters: DEFAULT_RULES, types: TYPES, demo: false };

function device(fields: Partial<RegisteredDevice> = {}): RegisteredDevice {
  return {
    id: 'pump-1',
    name: 'pump 1',
    enterpriseId: 'e1',
    siteId: 's1',
    typeCode: 'pump',
    categoryChoice: undefined,
    manufacturer: undefined,
    model: undefined,
    serialNumber: undefined,
    assetNumber: undefined,
    unit: '台',
    setId: undefined,
    life: 'in-service',
    retiredOn: undefined,
    marks: [],
    expectedIntervalMs: undefined,
    livenessTimeoutMs: undefined,
    ...fields,
  };
}

function address(fields: Partial<AddressEvidence> = {}): AddressEvidence {
  return {
    sourceId: 'line',
    address: 'unit/1',
    protocol: { family: 'modbus', variant: 'tcp', reach: 'direct' },
    simulated: false,
    identifiedBy: undefined,
    firstGoodAtMs: AT - 1_000,
    lastGoodAtMs: AT - 1_000,
    lastSeenAtMs: AT - 1_000,
    lastDeathAtMs: undefined,
    challengedAtMs: undefined,
    path: { upSinceMs: AT - 100_000, silentWhileUpMs: 0 },
    ...fields,
  };
}

function evidence(fields: Partial<DeviceEvidence> = {}): DeviceEvidence {
  return {
    device: device(),
    site: { id: 's1', enterpriseId: 'e1', name: 'site', kind: 'production' },
    addresses: [address()],
    activeDays: 3,
    lastActiveDay: DAY,
    familiesThisYear: ['modbus'],
    ...fields,
  };
}

function verdict(fields: Partial<DeviceEvidence>, overrides: Partial<AssessmentContext> = {}) {
  const found = assess(evidence(fields), undefined, { ...context, ...overrides });
  return {
    verified: found.verified,
    reasons: [...found.exclusions, ...found.shortcomings].map(({ rule, code }) => `${rule} ${code}`),
  };
}

describe('R1 unit', () => {
  it('leaves out types the table does not count', () => {
    expect(verdict({ device: device({ typeCode: 'plc' }) })).toEqual({
      verified: false,
      reasons: ['R1 not-counted-type'],
    });
  });

  it('never counts a member of a set', () => {
    expect(verdict({ device: device({ setId: 'set-1' }) }).reasons).toEqual(['R8 set-member']);
  });
});

describe('R4 tiers', () => {
  it('climb from configured to challenged, each including those below', () => {
    const down = { upSinceMs: undefined, silentWhileUpMs: 0 };
    const silent = { firstGoodAtMs: undefined, lastGoodAtMs: undefined, lastSeenAtMs: undefined };
    expect(tierOf([])).toBe('configured');
    expect(tierOf([address({ ...silent, path: down })])).toBe('configured');
    expect(tierOf([address(silent)])).toBe('reachable');
    expect(tierOf([address({ ...silent, identifiedBy: 'FC 43/14', challengedAtMs: 1 })])).toBe('reachable');
    expect(tierOf([address()])).toBe('live');
    expect(tierOf([address({ identifiedBy: 'FC 43/14' })])).toBe('identified');
    expect(tierOf([address({ challengedAtMs: 1 })])).toBe('challenged');
  });

  it('never fall when evidence is added', () => {
    const anyAddress = fc.record({
      live: fc.boolean(),
      up: fc.boolean(),
      identified: fc.boolean(),
      challenged: fc.boolean(),
    });
    const made = (parts: { live: boolean; up: boolean; identified: boolean; challenged: boolean }) =>
      address({
        lastGoodAtMs: parts.live ? AT : undefined,
        lastSeenAtMs: parts.live ? AT : undefined,
        path: { upSinceMs: parts.up ? 1 : undefined, silentWhileUpMs: 0 },
        identifiedBy: parts.identified ? 'FC 43/14' : undefined,
        challengedAtMs: parts.challenged ? 1 : undefined,
      });
    fc.assert(
      fc.property(fc.array(anyAddress), anyAddress, (before, added) => {
        const addresses = before.map(made);
        expect(TIERS.indexOf(tierOf([...addresses, made(added)]))).toBeGreaterThanOrEqual(
          TIERS.indexOf(tierOf(addresses)),
        );
      }),
    );
  });
});

describe('R7 verified', () => {
  it('needs owner, site, category, tier, active days and recent activity, and names each that is missing', () => {
    expect(verdict({})).toEqual({ verified: true, reasons: [] });
    expect(verdict({ device: device({ enterpriseId: undefined }) }).reasons).toEqual(['R7 no-owner']);
    expect(verdict({ site: undefined }).reasons).toEqual(['R7 no-site']);
    expect(verdict({ device: device({ typeCode: undefined }) }).reasons).toEqual(['R7 unclassified']);
    expect(verdict({ activeDays: 2 }).reasons).toEqual(['R7 too-few-active-days']);
    expect(verdict({ lastActiveDay: DAY - 30 }).verified).toBe(true);
    expect(verdict({ lastActiveDay: DAY - 31 }).reasons).toEqual(['R7 not-active-lately']);
    expect(verdict({ lastActiveDay: undefined, activeDays: 0, addresses: [] }).reasons).toEqual([
      'R4 tier-too-low',
      'R7 too-few-active-days',
      'R7 not-active-lately',
    ]);
  });

  it('follows the parameters it is given', () => {
    const parameters = { ...DEFAULT_RULES, minTier: 'identified' as const, minActiveDays: 4 };
    expect(verdict({}, { parameters }).reasons).toEqual(['R4 tier-too-low', 'R7 too-few-active-days']);
  });
});

describe('R8 exclusions', () => {
  it('each name their reason', () => {
    expect(verdict({ device: device({ marks: ['virtual', 'consumer'] }) }).reasons).toEqual([
      'R8 virtual',
      'R8 consumer',
    ]);
    const laboratory = { id: 's1', enterpriseId: 'e1', name: 'lab', kind: 'laboratory' as const };
    expect(verdict({ site: laboratory }).reasons).toEqual(['R8 laboratory-site']);
    expect(verdict({ device: device({ life: 'planned' }) }).reasons).toEqual(['R8 planned']);
  });

  it('count a retired device up to the day before it retires', () => {
    const retired = (retiredOn: string) => verdict({ device: device({ life: 'retired', retiredOn }) }).verified;
    expect(retired('2024-10-05')).toBe(true);
    expect(retired('2024-10-04')).toBe(false);
    expect(retired('2024-10-03')).toBe(false);
  });
});

describe('R11 category', () => {
  const basis = (fields: Partial<RegisteredDevice>, claimed?: string) =>
    assess(evidence({ device: device(fields) }), claimed, context).category;

  it('is the operator’s choice, then the type table, then the device’s word, then other', () => {
    const categoryChoice = { category: 'moving', reason: 'mounted on a truck' } as const;
    expect(basis({ categoryChoice })).toEqual({ category: 'moving', basis: 'operator' });
    expect(basis({}, 'agv')).toEqual({ category: 'running', basis: 'type-table' });
    expect(basis({ typeCode: undefined }, 'agv')).toEqual({ category: 'moving', basis: 'device' });
    expect(basis({ typeCode: undefined }, 'toaster')).toEqual({ category: 'other', basis: 'unclassified' });
  });
});

describe('R15 simulated', () => {
  it('are left out everywhere outside the demo, and count in it', () => {
    const simulated = { addresses: [address(), address({ simulated: true })] };
    expect(verdict(simulated)).toEqual({ verified: false, reasons: ['R15 simulated'] });
    expect(verdict(simulated, { demo: true }).verified).toBe(true);
  });
});

const anyDevice = fc.record({
  typeCode: fc.constantFrom('pump', 'agv', 'plc', undefined),
  simulated: fc.boolean(),
  activeDays: fc.nat(5),
  family: fc.constantFrom('mqtt', 'modbus', 'opcua'),
  live: fc.boolean(),
});

describe('R10 totals', () => {
  const roll = (
    devices: { typeCode: string | undefined; simulated: boolean; activeDays: number; family: string; live: boolean }[],
  ) =>
    devices.map(({ typeCode, simulated, activeDays, family, live }) => {
      const at = address({
        simulated,
        protocol: { family, variant: '', reach: 'direct' },
        lastGoodAtMs: live ? AT : undefined,
      });
      const found = evidence({
        device: device({ typeCode }),
        addresses: [at],
        activeDays,
        familiesThisYear: live ? [family] : [],
      });
      return { evidence: found, assessment: assess(found, undefined, context) };
    });

  it('total is the sum of the categories and of the tiers, and nobody is lost', () => {
    fc.assert(
      fc.property(fc.array(anyDevice, { maxLength: 60 }), (devices) => {
        const head = count(roll(devices));
        for (const key of ['registered', 'online', 'verified'] as const) {
          expect(head.total[key]).toBe(CATEGORIES.reduce((sum, category) => sum + head.byCategory[category][key], 0));
        }
        expect(TIERS.reduce((sum, tier) => sum + head.byTier[tier], 0)).toBe(head.total.registered);
        expect(head.total.registered + head.excluded).toBe(devices.length);
        expect(head.total.verified).toBeLessThanOrEqual(head.total.registered);
      }),
    );
  });

  it('the same devices give the same count in any order', () => {
    fc.assert(
      fc.property(fc.array(anyDevice, { maxLength: 30 }), (devices) => {
        expect(count(roll(devices.toReversed()))).toEqual(count(roll(devices)));
      }),
    );
  });
});

describe('R9 protocols', () => {
  it('are compatible by an exchange with a counted device, verified by an exchange with a verified one', () => {
    const entry = (fields: Partial<DeviceEvidence>) => {
      const found = evidence(fields);
      return { evidence: found, assessment: assess(found, undefined, context) };
    };
    const verified = entry({});
    const unverified = entry({
      activeDays: 0,
      familiesThisYear: ['mqtt'],
      addresses: [address({ protocol: { family: 'mqtt', variant: '5.0', reach: 'direct' } })],
    });
    const silent = entry({
      familiesThisYear: [],
      addresses: [address({ protocol: { family: 'opcua', variant: 'None', reach: 'direct' } })],
    });
    const excluded = entry({
      familiesThisYear: ['s7'],
      addresses: [address({ simulated: true, protocol: { family: 's7', variant: '', reach: 'relayed' } })],
    });
    expect(countProtocols(count([verified, unverified, silent, excluded]).protocols)).toEqual({
      compatible: 2,
      verified: 1,
    });
  });
});
