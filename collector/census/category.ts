import type { EquipmentType } from './catalogue.ts';
import type { Category, RegisteredDevice } from './device.ts';

/** R11: the category of a device and where it comes from. */
export interface CategoryFinding {
  readonly category: Category | 'not-counted';
  readonly basis: 'operator' | 'type-table' | 'device' | 'unclassified';
}

/**
 * R11, in order: the operator's choice with a reason; the type table by the registered type; the type table by what
 * the device says of itself; else *other*, marked unclassified.
 */
export function categoryOf(
  device: Pick<RegisteredDevice, 'categoryChoice' | 'typeCode'>,
  types: ReadonlyMap<string, Pick<EquipmentType, 'category'>>,
  claimedType: string | undefined,
): CategoryFinding {
  if (device.categoryChoice !== undefined) return { category: device.categoryChoice.category, basis: 'operator' };
  const registered = device.typeCode === undefined ? undefined : types.get(device.typeCode);
  if (registered !== undefined) return { category: registered.category, basis: 'type-table' };
  const claimed = claimedType === undefined ? undefined : types.get(claimedType);
  if (claimed !== undefined) return { category: claimed.category, basis: 'device' };
  return { category: 'other', basis: 'unclassified' };
}
