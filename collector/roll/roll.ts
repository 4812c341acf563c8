import type { IdentityClaims } from '../../protocols/identity.ts';
import type { Calendar } from '../census/calendar.ts';
import type { EquipmentType } from '../census/catalogue.ts';
import { count, type HeadCount } from '../census/count.ts';
import type { AddressEvidence, DeviceEvidence, Enterprise, RegisteredDevice, Site } from '../census/device.ts';
import { identifyingMethod } from '../census/identification.ts';
import { silenceWhileUp } from '../census/presence.ts';
import { type Assessment, type AssessmentContext, assess, type RuleParameters } from '../census/rules.ts';
import type { Register } from '../store/contract.ts';
import { type ActiveDays, unitedSlots, withToday } from './active-days.ts';
import type { AddressSightings, EvidenceSource } from './evidence-source.ts';

/** One device when the roll is called: what is known and what follows from it under the rules. */
export interface RollEntry {
  readonly evidence: DeviceEvidence;
  readonly assessment: Assessment;
}

/** All devices at one instant, in order of id. */
export interface RollCall {
  readonly atMs: number;
  readonly entries: readonly RollEntry[];
  readonly head: HeadCount;
}

/** What a source is to the rules. */
export interface RollSource {
  readonly family: string;
  readonly simulated: boolean;
}

/** What the store or the intake says of an address besides sightings. */
export interface AddressFacts {
  readonly protocol: AddressEvidence['protocol'];
  readonly claims: IdentityClaims | undefined;
  readonly claimsBy: string | undefined;
}

export interface RollParts {
  readonly register: Register;
  readonly calendar: Calendar;
  readonly types: ReadonlyMap<string, EquipmentType>;
  readonly parameters: RuleParameters;
  readonly demo: boolean;
  readonly sources: ReadonlyMap<string, RollSource>;
  readonly factsOf: (sourceId: string, address: string) => AddressFacts | undefined;
}

/** Brings register and evidence together and applies the rules: the one place where a device becomes a number. */
export class Roll {
  readonly enterprises: ReadonlyMap<string, Enterprise>;
  readonly sites: ReadonlyMap<string, Site>;
  /** Devices in order of id (by code unit). */
  readonly devices: readonly RegisteredDevice[];
  readonly #parts: RollParts;
  readonly #addresses = new Map<string, { readonly sourceId: string; readonly address: string }[]>();
  readonly #owner = new Map<string, string>();

  constructor(parts: RollParts) {
    this.#parts = parts;
    const { enterprises, sites, devices, bindings } = parts.register;
    this.enterprises = new Map(enterprises.map((enterprise) => [enterprise.id, enterprise]));
    this.sites = new Map(sites.map((site) => [site.id, site]));
    this.devices = [...devices].sort((a, b) => (a.id < b.id ? -1 : 1));
    for (const { deviceId, sourceId, address } of bindings) {
      const bound = this.#addresses.get(deviceId);
      if (bound === undefined) this.#addresses.set(deviceId, [{ sourceId, address }]);
      else bound.push({ sourceId, address });
      this.#owner.set(`${sourceId}\n${address}`, deviceId);
    }
  }

  /** The device an address is bound to. */
  deviceAt(sourceId: string, address: string): string | undefined {
    return this.#owner.get(`${sourceId}\n${address}`);
  }

  /** True for a device that is bound to more than one address. */
  hasSeveralAddresses(deviceId: string): boolean {
    return (this.#addresses.get(deviceId)?.length ?? 0) > 1;
  }

  /** Calls the roll. Pure in its arguments and the register. */
  call(source: EvidenceSource, earlierDays: ReadonlyMap<string, ActiveDays>): RollCall {
    const { calendar, parameters, types, demo } = this.#parts;
    const day = calendar.dayAt(source.atMs);
    const yearStartMs = calendar.startOfDay(calendar.yearOf(day).firstDay);
    const context: AssessmentContext = { atMs: source.atMs, day, parameters, types, demo };
    const entries = this.devices.map((device) => this.#entry(device, source, earlierDays, context, yearStartMs));
    return { atMs: source.atMs, entries, head: count(entries) };
  }

  #entry(
    device: RegisteredDevice,
    source: EvidenceSource,
    earlierDays: ReadonlyMap<string, ActiveDays>,
    context: AssessmentContext,
    yearStartMs: number,
  ): RollEntry {
    const bound = this.#addresses.get(device.id) ?? [];
    const sightings = bound.map(({ sourceId, address }) => source.sightings(sourceId, address));
    const facts = bound.map(({ sourceId, address }) => this.#parts.factsOf(sourceId, address));
    const addresses = bound.map(({ sourceId, address }, i) =>
      this.#address(sourceId, address, source, sightings[i], facts[i]),
    );
    const slotsToday = unitedSlots(sightings.map((seen) => seen?.slotsToday));
    const active = withToday(earlierDays.get(device.id), context.day, slotsToday, context.parameters.minSlotsPerDay);
    const evidence: DeviceEvidence = {
      device,
      site: device.siteId === undefined ? undefined : this.sites.get(device.siteId),
      addresses,
      activeDays: active.count,
      lastActiveDay: active.lastDay,
      familiesThisYear: familiesSince(addresses, yearStartMs),
    };
    const claimedType = facts.find((fact) => fact?.claims?.deviceType !== undefined)?.claims?.deviceType;
    return { evidence, assessment: assess(evidence, claimedType, context) };
  }

  #address(
    sourceId: string,
    address: string,
    source: EvidenceSource,
    seen: AddressSightings | undefined,
    facts: AddressFacts | undefined,
  ): AddressEvidence {
    const configured = this.#parts.sources.get(sourceId);
    const path = source.path(sourceId);
    return {
      sourceId,
      address,
      protocol: facts?.protocol ?? { family: configured?.family ?? 'unknown', variant: '', reach: 'direct' },
      simulated: configured?.simulated === true || facts?.claims?.simulated === true,
      identifiedBy: facts?.claimsBy === undefined ? undefined : identifyingMethod(facts.claimsBy),
      firstGoodAtMs: seen?.firstGoodAtMs,
      lastGoodAtMs: seen?.lastGoodAtMs,
      lastSeenAtMs: seen?.lastSeenAtMs,
      lastDeathAtMs: seen?.lastDeathAtMs,
      challengedAtMs: undefined,
      path: { upSinceMs: path.upSinceMs, silentWhileUpMs: silenceWhileUp(path.decisive, seen?.lastGoodAtMs) },
    };
  }
}

/** R9: the families over which a good observation arrived since the year began. */
function familiesSince(addresses: readonly AddressEvidence[], yearStartMs: number): string[] {
  const families = new Set<string>();
  for (const { protocol, lastGoodAtMs } of addresses) {
    if (lastGoodAtMs !== undefined && lastGoodAtMs >= yearStartMs) families.add(protocol.family);
  }
  return [...families];
}
