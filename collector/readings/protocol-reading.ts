import type { CatalogueProtocol } from '../census/catalogue.ts';
import type { AddressEvidence, DeviceEvidence } from '../census/device.ts';
import type { ProtocolReading } from '../reading.ts';
import type { RollCall } from '../roll/roll.ts';

/** R9: every family of the catalogue, and every family met that the catalogue does not know, with the evidence for it. */
export function protocolReadings(
  call: RollCall,
  catalogue: ReadonlyMap<string, CatalogueProtocol>,
): readonly ProtocolReading[] {
  const usage = usageOf(call);
  const families = [...new Set([...catalogue.keys(), ...usage.keys()])];
  return families.map((family) => {
    const known = catalogue.get(family);
    const used = usage.get(family);
    const counted = call.head.protocols.get(family);
    return {
      family,
      nameZh: known?.nameZh ?? family,
      nameEn: known?.nameEn ?? family,
      standards: [known?.standardCn ?? '', known?.standardIntl ?? ''].filter((standard) => standard !== ''),
      adapter: known?.adapter === 'built-in' ? 'built-in' : 'relayed',
      state: stateOf(counted),
      variants: [...(used?.variants ?? [])].map(([variant, devices]) => ({ variant, devices: devices.size })),
      devices: counted?.devices ?? 0,
      online: counted?.online ?? 0,
      verified: counted?.verified ?? 0,
      firstExchangeAtMs: used?.firstExchangeAtMs,
      lastExchangeAtMs: used?.lastExchangeAtMs,
    };
  });
}

interface Usage {
  readonly variants: Map<string, Set<DeviceEvidence>>;
  firstExchangeAtMs: number | undefined;
  lastExchangeAtMs: number | undefined;
}

function stateOf(counted: { exchanged: number; exchangedVerified: number } | undefined): ProtocolReading['state'] {
  if (counted === undefined || counted.exchanged === 0) return 'not-in-use';
  return counted.exchangedVerified > 0 ? 'verified' : 'compatible';
}

/** Variants and exchanges among the devices that are in a list at all. */
function usageOf(call: RollCall): ReadonlyMap<string, Usage> {
  const usage = new Map<string, Usage>();
  for (const { evidence, assessment } of call.entries) {
    if (assessment.exclusions.length > 0) continue;
    for (const address of evidence.addresses) addUsage(usage, evidence, address);
  }
  return usage;
}

function addUsage(usage: Map<string, Usage>, device: DeviceEvidence, address: AddressEvidence): void {
  const { family, variant } = address.protocol;
  const used = usage.get(family) ?? { variants: new Map(), firstExchangeAtMs: undefined, lastExchangeAtMs: undefined };
  usage.set(family, used);
  if (variant !== '') {
    const devices = used.variants.get(variant) ?? new Set();
    devices.add(device);
    used.variants.set(variant, devices);
  }
  const { firstGoodAtMs, lastGoodAtMs } = address;
  if (firstGoodAtMs !== undefined)
    used.firstExchangeAtMs = Math.min(used.firstExchangeAtMs ?? firstGoodAtMs, firstGoodAtMs);
  if (lastGoodAtMs !== undefined) used.lastExchangeAtMs = Math.max(used.lastExchangeAtMs ?? lastGoodAtMs, lastGoodAtMs);
}
