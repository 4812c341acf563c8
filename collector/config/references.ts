import type { SourceConfigBase } from '../../protocols/contract.ts';
import type { AnyProtocolDefinition } from '../../protocols/registry.ts';
import type { Catalogues } from '../catalogues.ts';
import type { ConfigFile } from './schema.ts';

/** Something wrong at a place of the file. */
export interface Finding {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

interface Known {
  readonly catalogues: Catalogues;
  readonly definitions: readonly AnyProtocolDefinition[];
}

type Loose = { readonly [K in 'enterprises' | 'sites' | 'sources' | 'devices']?: unknown };
type Item = Readonly<Record<string, unknown>>;

/**
 * Checks what one part of the file says of another. Works on files with other problems too, so that everything is told
 * at once: what has the wrong form is passed over here and told by the schema.
 */
export function checkReferences(
  read: ConfigFile | unknown,
  known: Known,
): { readonly errors: readonly Finding[]; readonly warnings: readonly Finding[] } {
  const file = isItem(read) ? (read as Loose) : {};
  const [enterprises, sites, sources, devices] = [file.enterprises, file.sites, file.sources, file.devices].map(items);
  if (enterprises === undefined || sites === undefined || sources === undefined || devices === undefined) {
    return { errors: [], warnings: [] };
  }
  const errors = [
    ...duplicates('enterprises', enterprises),
    ...duplicates('sites', sites),
    ...duplicates('sources', sources),
    ...duplicates('devices', devices),
    ...sites.flatMap((site, i) => refers(['sites', i, 'enterprise'], site['enterprise'], enterprises, 'enterprise')),
    ...devices.flatMap((device, i) => deviceErrors(device, i, { enterprises, sites, sources, devices }, known)),
    ...boundTwice(devices),
    ...setCycles(devices),
  ];
  const warnings = devices.flatMap((device, i): Finding[] =>
    items(device['bindings']).length > 0
      ? []
      : [{ path: ['devices', i], message: `device ${String(device['id'])} has no binding: it can never be live` }],
  );
  return { errors, warnings };
}

interface Parts {
  readonly enterprises: readonly Item[];
  readonly sites: readonly Item[];
  readonly sources: readonly Item[];
  readonly devices: readonly Item[];
}

function deviceErrors(device: Item, i: number, parts: Parts, known: Known): Finding[] {
  const at = (key: string): PropertyKey[] => ['devices', i, key];
  const errors = [
    ...refers(at('enterprise'), device['enterprise'], parts.enterprises, 'enterprise'),
    ...refers(at('site'), device['site'], parts.sites, 'site'),
    ...refers(at('set'), device['set'], parts.devices, 'device'),
  ];
  const { type, site, enterprise, life, retiredOn } = device;
  if (typeof type === 'string' && !known.catalogues.equipmentTypes.has(type)) {
    errors.push({
      path: at('type'),
      message: `unknown equipment type ${type}; catalogues/equipment-types.csv lists the codes`,
    });
  }
  const ownerOfSite = parts.sites.find(({ id }) => id === site)?.['enterprise'];
  if (ownerOfSite !== undefined && enterprise !== undefined && ownerOfSite !== enterprise) {
    errors.push({
      path: at('site'),
      message: `site ${String(site)} belongs to enterprise ${String(ownerOfSite)}, not ${String(enterprise)}`,
    });
  }
  if (life === 'retired' && retiredOn === undefined)
    errors.push({ path: at('life'), message: 'a retired device needs retiredOn' });
  if (life !== 'retired' && retiredOn !== undefined)
    errors.push({ path: at('retiredOn'), message: 'goes with life: retired' });
  for (const [b, binding] of items(device['bindings']).entries()) {
    errors.push(...bindingErrors(binding, ['devices', i, 'bindings', b], parts.sources, known));
  }
  return errors;
}

function bindingErrors(binding: Item, path: readonly PropertyKey[], sources: readonly Item[], known: Known): Finding[] {
  const { source: sourceId, address } = binding;
  const errors = refers([...path, 'source'], sourceId, sources, 'source');
  const source = sources.find(({ id }) => id === sourceId);
  const definition = known.definitions.find(({ protocol }) => protocol === source?.['protocol']);
  if (source === undefined || definition === undefined || typeof address !== 'string') return errors;
  const parsed = definition.configSchema.safeParse(source);
  const config = parsed.success ? parsed.data : (source as unknown as SourceConfigBase);
  const configured = safely(() => definition.configuredAddresses(config));
  if (configured === undefined || configured.length === 0 || configured.some((known) => known.address === address))
    return errors;
  const examples = configured
    .slice(0, 3)
    .map((known) => known.address)
    .join(', ');
  const message = `source ${String(sourceId)} has no address ${address}; it has ${examples}${configured.length > 3 ? ', …' : ''}`;
  return [...errors, { path: [...path, 'address'], message }];
}

function refers(path: readonly PropertyKey[], id: unknown, among: readonly Item[], what: string): Finding[] {
  if (typeof id !== 'string' || among.some((item) => item['id'] === id)) return [];
  return [{ path, message: `there is no ${what} ${id}` }];
}

function duplicates(list: string, among: readonly Item[]): Finding[] {
  const seen = new Set<string>();
  return among.flatMap(({ id }, i): Finding[] => {
    if (typeof id !== 'string') return [];
    if (seen.has(id)) return [{ path: [list, i, 'id'], message: `${id} stands here twice` }];
    seen.add(id);
    return [];
  });
}

/** An address belongs to one device. */
function boundTwice(devices: readonly Item[]): Finding[] {
  const owner = new Map<string, unknown>();
  return devices.flatMap((device, i) =>
    items(device['bindings']).flatMap(({ source, address }, b): Finding[] => {
      const key = `${String(source)}\n${String(address)}`;
      if (!owner.has(key)) {
        owner.set(key, device['id']);
        return [];
      }
      const path = ['devices', i, 'bindings', b];
      return [
        {
          path,
          message: `${String(address)} of ${String(source)} is bound to device ${String(owner.get(key))} already`,
        },
      ];
    }),
  );
}

/** R1: a set that is, over some steps, a part of itself would leave everything uncounted. */
function setCycles(devices: readonly Item[]): Finding[] {
  const setOf = new Map(devices.map(({ id, set }) => [id, set]));
  return devices.flatMap(({ id }, i): Finding[] => {
    const passed = new Set<unknown>();
    for (let at = setOf.get(id); at !== undefined; at = setOf.get(at)) {
      if (at === id) return [{ path: ['devices', i, 'set'], message: `${String(id)} is a part of itself` }];
      if (passed.has(at)) return [];
      passed.add(at);
    }
    return [];
  });
}

function items(value: unknown): readonly Item[] {
  return Array.isArray(value) ? value.map((item: unknown) => (isItem(item) ? item : {})) : [];
}

function isItem(value: unknown): value is Item {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function safely<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
