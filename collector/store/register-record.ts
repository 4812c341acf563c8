import type { RegisteredDevice } from '../census/device.ts';
import type { Register, RegisterChange } from './contract.ts';

/** One difference between the register as it is and as it shall be; records as JSON. */
export type Difference = Pick<RegisterChange, 'subject' | 'id' | 'before' | 'after'>;

/**
 * What has to change, in the order in which it must be written. Devices that are no longer given retire on `retireOn`,
 * and stay as they are when they had retired before; everything else that is not given is removed.
 */
export function differencesOf(is: Register, shall: Register, retireOn: string): readonly Difference[] {
  const given = new Set(shall.devices.map(({ id }) => id));
  const retired = is.devices
    .filter(({ id }) => !given.has(id))
    .map((device) =>
      device.life === 'retired' ? device : { ...device, life: 'retired' as const, retiredOn: retireOn },
    );
  return [
    ...compare('enterprise', is.enterprises, shall.enterprises, ({ id }) => id),
    ...compare('site', is.sites, shall.sites, ({ id }) => id),
    ...compare('device', is.devices, [...shall.devices, ...retired], ({ id }) => id),
    ...compare('binding', is.bindings, shall.bindings, ({ sourceId, address }) => `${sourceId} ${address}`),
  ];
}

function compare<T extends object>(
  subject: Difference['subject'],
  is: readonly T[],
  shall: readonly T[],
  idOf: (record: T) => string,
): Difference[] {
  const before = new Map(is.map((record) => [idOf(record), recordText(record)]));
  const after = new Map(shall.map((record) => [idOf(record), recordText(record)]));
  if (after.size !== shall.length) {
    throw new RangeError(`the register names a ${subject} twice: ${twice(shall.map(idOf))}`);
  }
  return [...new Set([...before.keys(), ...after.keys()])]
    .sort()
    .filter((id) => before.get(id) !== after.get(id))
    .map((id) => ({ subject, id, before: before.get(id), after: after.get(id) }));
}

function twice(ids: readonly string[]): string {
  const seen = new Set<string>();
  return ids.find((id) => seen.size === seen.add(id).size) ?? '';
}

/** A record as JSON with keys sorted at every depth, so that equal records are equal texts; absent and undefined are the same. */
export function recordText(record: object): string {
  return JSON.stringify(record, (_, value: unknown) => {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** The stored record with every key present; keys that later versions add have their defaults here. */
export function deviceOf(record: string): RegisteredDevice {
  return { ...ABSENT, ...(JSON.parse(record) as RegisteredDevice) };
}

const ABSENT = {
  enterpriseId: undefined,
  siteId: undefined,
  typeCode: undefined,
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
} as const satisfies Partial<RegisteredDevice>;

/** What `DeviceQuery.text` looks into, one field a line. */
export function searchTextOf(device: RegisteredDevice): string {
  const { id, name, manufacturer, model, serialNumber, assetNumber } = device;
  return searchable(
    [id, name, manufacturer, model, serialNumber, assetNumber].filter((field) => field !== undefined).join('\n'),
  );
}

/** Without regard to case, nor to whether letters are full-width, as both input methods and name plates mix them. */
export function searchable(text: string): string {
  return text.normalize('NFKC').toLowerCase();
}
