import { ProtocolError } from '../errors.ts';
import type { IdentityClaims } from '../identity.ts';
import { throwIfException } from './read.ts';

/** Read Device Identification: function 43, MEI type 14 (MODBUS Application Protocol V1.1b3, 6.21). */
const FUNCTION_CODE = 0x2b;
const MEI_TYPE = 0x0e;
/** Categories for stream access. */
const CATEGORY = { basic: 1, regular: 2, extended: 3 } as const;
/** One object by itself, where the conformity level has the highest bit. */
const INDIVIDUAL = 4;
const INDIVIDUAL_ACCESS = 0x80;
const MORE_FOLLOWS = 0xff;
/** Rounds of `moreFollows` and objects taken from one device; a device that announces more is not believed. */
const MAX_ROUNDS = 16;
const MAX_OBJECTS = 128;
const HEADER_BYTES = 7;

/** One answer of possibly several. */
interface IdentificationPart {
  readonly conformity: number;
  readonly objects: ReadonlyMap<number, string>;
  /** Where the next round begins; undefined when this was the last. */
  readonly nextObjectId: number | undefined;
}

function identificationRequest(category: number, objectId: number): Uint8Array {
  return Uint8Array.of(FUNCTION_CODE, MEI_TYPE, category, objectId);
}

/** Parses one answer. Throws `ModbusException` or `ProtocolError('violation')`; never reads beyond the answer. */
export function parseIdentification(pdu: Uint8Array): IdentificationPart {
  throwIfException(FUNCTION_CODE, pdu);
  const violation = (what: string): ProtocolError =>
    new ProtocolError('violation', `reading device identification: ${what}`);
  if (pdu.length < HEADER_BYTES || pdu[0] !== FUNCTION_CODE || pdu[1] !== MEI_TYPE)
    throw violation('the header is not complete');
  const objects = new Map<number, string>();
  const count = pdu[6] ?? 0;
  let at = HEADER_BYTES;
  for (let i = 0; i < count; i++) {
    const [id, length] = [pdu[at], pdu[at + 1]];
    if (id === undefined || length === undefined || at + 2 + length > pdu.length)
      throw violation(`object ${i + 1} of ${count} is cut off`);
    objects.set(id, Buffer.from(pdu.subarray(at + 2, at + 2 + length)).toString('utf8'));
    at += 2 + length;
  }
  return { conformity: pdu[3] ?? 0, objects, nextObjectId: pdu[4] === MORE_FOLLOWS ? (pdu[5] ?? 0) : undefined };
}

/**
 * Reads all objects a device has, round by round, with `ask` making one exchange: the extended category, or what the
 * device's conformity level allows of it. `wanted` is asked for by itself where the stream did not bring it and the
 * device takes such questions. Ends at the bounds, when a round brings nothing new, or when the device falls silent
 * after the first round; what was read by then is returned. Throws what `ask` and `parseIdentification` throw.
 */
export async function readIdentification(
  wanted: number | undefined,
  ask: (request: Uint8Array) => Promise<Uint8Array>,
): Promise<ReadonlyMap<number, string>> {
  const all = new Map<number, string>();
  const conformity = await readStream(all, ask);
  const isIndividual = (conformity & INDIVIDUAL_ACCESS) !== 0;
  if (wanted === undefined || all.has(wanted) || !isIndividual) return all;
  try {
    const { objects } = parseIdentification(await ask(identificationRequest(INDIVIDUAL, wanted)));
    const text = objects.get(wanted);
    if (text !== undefined) all.set(wanted, text);
  } catch (error) {
    if (!isSilenceOrRefusal(error)) throw error;
  }
  return all;
}

/** Fills `all`, and returns the conformity level that the device announced. */
async function readStream(
  all: Map<number, string>,
  ask: (request: Uint8Array) => Promise<Uint8Array>,
): Promise<number> {
  // A device may refuse a category that is above its level, though it should answer with what it has (6.21).
  for (const category of [CATEGORY.extended, CATEGORY.regular, CATEGORY.basic]) {
    try {
      return await readCategory(category, all, ask);
    } catch (error) {
      const isRefused = error instanceof ProtocolError && error.code === 'exception';
      if (!isRefused || category === CATEGORY.basic) throw error;
    }
  }
  return 0;
}

async function readCategory(
  category: number,
  all: Map<number, string>,
  ask: (request: Uint8Array) => Promise<Uint8Array>,
): Promise<number> {
  let conformity = 0;
  let objectId = 0;
  for (let round = 0; round < MAX_ROUNDS && all.size < MAX_OBJECTS; round++) {
    let part: IdentificationPart;
    try {
      part = parseIdentification(await ask(identificationRequest(category, objectId)));
    } catch (error) {
      if (round > 0 && isSilenceOrRefusal(error)) break;
      throw error;
    }
    conformity = part.conformity;
    const before = all.size;
    for (const [id, text] of part.objects) all.set(id, text);
    if (part.nextObjectId === undefined || all.size === before) break;
    objectId = part.nextObjectId;
  }
  return conformity;
}

function isSilenceOrRefusal(error: unknown): boolean {
  return error instanceof ProtocolError && ['timeout', 'exception', 'violation'].includes(error.code);
}

/**
 * Objects as claims: vendor, product code, revision and model (V1.1b3, 6.21, table of object ids). The standard has no
 * object for the serial number; `serialNumberObject` is the manufacturer's private one, where he has one.
 */
export function claimsOfObjects(
  objects: ReadonlyMap<number, string>,
  serialNumberObject: number | undefined,
): IdentityClaims {
  const text = (id: number): string | undefined => {
    const value = objects.get(id)?.replaceAll('\0', '').trim();
    return value === undefined || value === '' ? undefined : value;
  };
  const claims: { -readonly [K in keyof IdentityClaims]: IdentityClaims[K] } = {};
  const manufacturer = text(0x00);
  const model = text(0x05) ?? text(0x01);
  const softwareVersion = text(0x02);
  const serialNumber = serialNumberObject === undefined ? undefined : text(serialNumberObject);
  if (manufacturer !== undefined) claims.manufacturer = manufacturer;
  if (model !== undefined) claims.model = model;
  if (softwareVersion !== undefined) claims.softwareVersion = softwareVersion;
  if (serialNumber !== undefined) claims.serialNumber = serialNumber;
  if ([...objects.values()].some((value) => /\bSIMULATED\b/i.test(value))) claims.simulated = true;
  return claims;
}
