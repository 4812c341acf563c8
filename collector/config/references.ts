import type { AnyProtocolDefinition } from '../../protocols/registry.ts';
import type { Catalogues } from '../catalogues.ts';
import type { Finding } from './document.ts';
import { nearest } from './nearest.ts';

/** Beyond so many names a nearest one is not looked for: it would take long and be found by chance. */
const MAX_SUGGESTED_FROM = 1_000;

interface Known {
  readonly catalogues: Catalogues;
  readonly definitions: readonly AnyProtocolDefinition[];
}

/** An entry of a list as it was written. */
type Item = Readonly<Record<string, unknown>>;

/** One list of the file and its ids. */
interface List {
  readonly name: string;
  /** One of them, for messages. */
  readonly one: string;
  readonly items: readonly Item[];
  readonly byId: ReadonlyMap<unknown, Item>;
}

interface Lists {
  readonly enterprises: List;
  readonly sites: List;
  readonly sources: List;
  readonly devices: List;
}

/** The addresses a source's own configuration names; empty where they are learned from traffic. */
type AddressesOf = (sourceId: unknown) => ReadonlySet<string>;

/**
 * Checks what one part of the file says of another. Works on files with other problems too, so that everything is told
 * at once: what has the wrong form is passed over here and told by the schema.
 */
export function checkReferences(
  written: unknown,
  known: Known,
): { readonly errors: readonly Finding[]; readonly warnings: readonly Finding[] } {
  const file = isItem(written) ? written : {};
  const lists: Lists = {
    enterprises: listOf(file, 'enterprises', 'enterprise'),
    sites: listOf(file, 'sites', 'site'),
    sources: listOf(file, 'sources', 'source'),
    devices: listOf(file, 'devices', 'device'),
  };
  const { enterprises, sites, devices } = lists;
  const addressesOf = configuredAddresses(lists.sources, known.definitions);
  const errors = [
    ...Object.values(lists).flatMap(duplicates),
    ...sites.items.flatMap((site, i) => refers(['sites', i, 'enterprise'], site['enterprise'], enterprises)),
    ...devices.items.flatMap((device, i) => deviceErrors(device, i, lists, known, addressesOf)),
    ...boundTwice(devices.items),
    ...setCycles(devices),
  ];
  return { errors, warnings: [...deviceWarnings(devices.items), ...sourceWarnings(lists)] };
}

function deviceErrors(device: Item, i: number, lists: Lists, known: Known, addressesOf: AddressesOf): Finding[] {
  const { type, site, enterprise, set, life, retiredOn } = device;
  const at = (key: string): PropertyKey[] => ['devices', i, key];
  const errors = [
    ...refers(at('enterprise'), enterprise, lists.enterprises),
    ...refers(at('site'), site, lists.sites),
    ...refers(at('set'), set, lists.devices),
    ...typeErrors(at('type'), type, known.catalogues),
  ];
  const owner = lists.sites.byId.get(site)?.['enterprise'];
  if (typeof owner === 'string' && typeof enterprise === 'string' && owner !== enterprise) {
    const message = `site ${String(site)} belongs to enterprise ${owner}, not ${enterprise}`;
    errors.push({ path: at('site'), message });
  }
  if (life === 'retired' && retiredOn === undefined) {
    errors.push({ path: at('life'), message: 'a retired device needs retiredOn, the first day it does not count' });
  }
  if (life !== 'retired' && retiredOn !== undefined) {
    errors.push({ path: at('retiredOn'), message: 'goes with life: retired' });
  }
  for (const [b, { source, address }] of itemsOf(device['bindings']).entries()) {
    const path = ['devices', i, 'bindings', b];
    errors.push(...refers([...path, 'source'], source, lists.sources));
    const addresses = addressesOf(source);
    if (typeof address !== 'string' || addresses.size === 0 || addresses.has(address)) continue;
    const shown = [...addresses].slice(0, 3).join(', ');
    const message = `source ${String(source)} has no address ${address}; it has ${shown}${addresses.size > 3 ? ', …' : ''}`;
    errors.push({ path: [...path, 'address'], message });
  }
  return errors;
}

function typeErrors(path: readonly PropertyKey[], type: unknown, { equipmentTypes }: Catalogues): Finding[] {
  if (typeof type !== 'string' || equipmentTypes.has(type)) return [];
  const meant = nearest(type, [...equipmentTypes.keys()]);
  const suggestion = meant === undefined ? 'catalogues/equipment-types.csv lists the codes' : `did you mean ${meant}?`;
  return [{ path, message: `unknown equipment type ${type}; ${suggestion}` }];
}

/** Parses each source once, however many devices are bound to it. */
function configuredAddresses(sources: List, definitions: readonly AnyProtocolDefinition[]): AddressesOf {
  const known = new Map<unknown, ReadonlySet<string>>();
  const read = (source: Item | undefined): ReadonlySet<string> => {
    const definition = definitions.find(({ protocol }) => protocol === source?.['protocol']);
    const parsed = definition?.configSchema.safeParse(source);
    if (definition === undefined || parsed?.success !== true) return new Set();
    return new Set(definition.configuredAddresses(parsed.data).map(({ address }) => address));
  };
  return (sourceId) => {
    const addresses = known.get(sourceId) ?? read(sources.byId.get(sourceId));
    known.set(sourceId, addresses);
    return addresses;
  };
}

/** What may be so on purpose, but keeps a device from ever counting. */
function deviceWarnings(devices: readonly Item[]): Finding[] {
  return devices.flatMap((device, i): Finding[] => {
    if (device['life'] === 'retired' || device['life'] === 'planned') return [];
    const path = ['devices', i];
    const warnings: Finding[] = [];
    if (itemsOf(device['bindings']).length === 0) {
      warnings.push({ path, message: 'has no binding: it can never be live (R3)' });
    }
    const missing = ['enterprise', 'site'].filter((key) => device[key] === undefined);
    if (device['type'] === undefined && device['category'] === undefined) missing.push('type');
    if (missing.length > 0) {
      warnings.push({ path, message: `has no ${missing.join(' and no ')}: it can never be verified (R7)` });
    }
    return warnings;
  });
}

function sourceWarnings({ sources, devices }: Lists): Finding[] {
  const bound = new Set(devices.items.flatMap((device) => itemsOf(device['bindings']).map(({ source }) => source)));
  return sources.items.flatMap(({ id }, i): Finding[] =>
    bound.has(id)
      ? []
      : [{ path: ['sources', i], message: 'no device is bound to it: it is watched and counts nothing' }],
  );
}

function refers(path: readonly PropertyKey[], id: unknown, { one, byId }: List): Finding[] {
  if (typeof id !== 'string' || byId.has(id)) return [];
  const meant = byId.size > MAX_SUGGESTED_FROM ? undefined : nearest(id, [...byId.keys()].map(String));
  return [{ path, message: `there is no ${one} ${id}${meant === undefined ? '' : `; did you mean ${meant}?`}` }];
}

function duplicates({ name, items }: List): Finding[] {
  const seen = new Set<string>();
  return items.flatMap(({ id }, i): Finding[] => {
    if (typeof id !== 'string') return [];
    if (seen.has(id)) return [{ path: [name, i, 'id'], message: `${id} stands in ${name} twice` }];
    seen.add(id);
    return [];
  });
}

/** An address belongs to one device. */
function boundTwice(devices: readonly Item[]): Finding[] {
  const owner = new Map<string, string>();
  return devices.flatMap(({ id, bindings }, i) =>
    itemsOf(bindings).flatMap(({ source, address }, b): Finding[] => {
      if (typeof id !== 'string' || typeof source !== 'string' || typeof address !== 'string') return [];
      const key = `${source}\n${address}`;
      const first = owner.get(key);
      owner.set(key, first ?? id);
      if (first === undefined) return [];
      const message = `${address} of ${source} is bound to device ${first} already`;
      return [{ path: ['devices', i, 'bindings', b], message }];
    }),
  );
}

/** R1: a set that is, over some steps, a part of itself would leave everything uncounted. Told once for each circle. */
function setCycles({ items, byId }: List): Finding[] {
  const indexes = new Map(items.map(({ id }, i) => [id, i]));
  const followedFrom = new Map<string, number>();
  return items.flatMap(({ id }, i): Finding[] => {
    let at = id;
    while (typeof at === 'string' && !followedFrom.has(at)) {
      followedFrom.set(at, i);
      at = byId.get(at)?.['set'];
    }
    const index = indexes.get(at);
    if (typeof at !== 'string' || index === undefined || followedFrom.get(at) !== i) return [];
    return [{ path: ['devices', index, 'set'], message: `${at} is a part of itself` }];
  });
}

function listOf(file: Item, name: string, one: string): List {
  const items = itemsOf(file[name]);
  const byId = new Map<unknown, Item>();
  for (const item of items) if (typeof item['id'] === 'string' && !byId.has(item['id'])) byId.set(item['id'], item);
  return { name, one, items, byId };
}

function itemsOf(value: unknown): readonly Item[] {
  return Array.isArray(value) ? value.map((item: unknown) => (isItem(item) ? item : {})) : [];
}

function isItem(value: unknown): value is Item {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
