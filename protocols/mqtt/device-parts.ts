import { follow } from './json-pointer.ts';
import { PayloadReason } from './payload-reason.ts';

/** Of a device's name in a payload. */
const MAX_KEY_LENGTH = 256;

/** Where in a payload the devices stand. */
export interface PartsLayout {
  /** An array, or an object by name; undefined: the payload is of one device. */
  readonly at: readonly string[] | undefined;
  /** Within one device, what names it; undefined: its name in the object. */
  readonly key: readonly string[] | undefined;
  readonly records: 'one' | 'many';
}

/**
 * Calls `visit` for each record with what names its device; `visit` returns false when that is no name. Returns why
 * something was passed over; `none` when nothing was.
 */
export function forEachPart(
  document: unknown,
  { at, key, records }: PartsLayout,
  maxParts: number,
  visit: (name: unknown, record: unknown) => boolean,
): PayloadReason {
  let reason: PayloadReason = PayloadReason.none;
  let count = 0;
  const take = (name: unknown, record: unknown): boolean => {
    count += 1;
    if (count > maxParts) {
      reason = PayloadReason.tooManyDevices;
      return false;
    }
    if (!visit(key === undefined ? name : follow(record, key), record)) reason = PayloadReason.noDevice;
    return true;
  };
  for (const [name, part] of partsAt(document, at)) {
    const all = records === 'many' && Array.isArray(part) ? part : [part];
    for (const record of all) if (!take(name, record)) return reason;
  }
  return count === 0 ? PayloadReason.noDevice : reason;
}

/**
 * A device's name as a part of an address: text or a whole number. `/` and `%` are percent-encoded, so that no name
 * in a payload reads like several levels. Undefined for what is no name.
 */
export function deviceKey(name: unknown): string | undefined {
  const text = typeof name === 'number' && Number.isSafeInteger(name) ? String(name) : name;
  if (typeof text !== 'string' || text === '' || text.length > MAX_KEY_LENGTH) return undefined;
  return text.replaceAll('%', '%25').replaceAll('/', '%2F');
}

function partsAt(document: unknown, at: readonly string[] | undefined): Iterable<readonly [unknown, unknown]> {
  if (at === undefined) return [[undefined, document]];
  const found = follow(document, at);
  if (Array.isArray(found)) return found.map((part: unknown) => [undefined, part] as const);
  if (found instanceof Map) return found;
  return typeof found === 'object' && found !== null ? Object.entries(found) : [];
}
