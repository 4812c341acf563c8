import type { ClientSession, DataValue } from 'node-opcua-client';
import { AttributeIds } from 'node-opcua-client';
import { ProtocolError } from '../errors.ts';
import type { IdentityClaims } from '../identity.ts';
import { browse } from './discovery.ts';

const HIERARCHICAL = 'i=33';
/** OPC 40001-1, 8: the folder a machine's identification stands in. */
const IDENTIFICATION = 'Identification';
const MAX_TEXT = 500;

/** Names of OPC 10000-100 (DI), 4.5.2 and OPC 40001-1 by the claim they make. */
const CLAIM_OF = {
  Manufacturer: 'manufacturer',
  Model: 'model',
  SerialNumber: 'serialNumber',
  ProductInstanceUri: 'productInstanceUri',
  DeviceClass: 'deviceType',
  SoftwareRevision: 'softwareVersion',
  AssetId: 'assetNumber',
} as const;

/** Ours: a Boolean that simulators set (R15). */
const SIMULATED = 'Simulated';

/** What a device's own nodes say it is. */
export interface Nameplate {
  readonly claims: IdentityClaims;
  readonly method: 'DI nameplate' | 'Machinery nameplate';
  /** Node ids, values, status codes and times as read, as JSON. */
  readonly raw: Uint8Array;
}

/** Reads a device's nameplate. Throws `ProtocolError('unsupported')` when it has none. */
export async function readNameplate(session: ClientSession, nodeId: string): Promise<Nameplate> {
  const children = await browse(session, nodeId, HIERARCHICAL);
  const folder = children.find((child) => child.browseName.name === IDENTIFICATION);
  const inFolder = folder === undefined ? [] : await browse(session, folder.nodeId.toString(), HIERARCHICAL);
  const wanted = new Map<string, string>();
  for (const child of [...children, ...inFolder]) {
    const name = child.browseName.name ?? '';
    if (name === SIMULATED || Object.hasOwn(CLAIM_OF, name)) wanted.set(name, child.nodeId.toString());
  }
  const names = [...wanted.keys()];
  const values = await session.read(
    [...wanted.values()].map((id) => ({ nodeId: id, attributeId: AttributeIds.Value })),
    0,
  );
  const claims: Record<string, string | boolean> = {};
  names.forEach((name, i) => {
    const value = values[i];
    if (value === undefined || !value.statusCode.isGood()) return;
    if (name === SIMULATED) {
      if (value.value.value === true) claims['simulated'] = true;
      return;
    }
    const text = textOf(value);
    if (text !== '') claims[CLAIM_OF[name as keyof typeof CLAIM_OF]] = text;
  });
  if (Object.keys(claims).length === 0) {
    throw new ProtocolError('unsupported', `asking ${nodeId} who it is: it has no nameplate`);
  }
  const read = names.map((name, i) => ({ name, nodeId: wanted.get(name), dataValue: values[i]?.toJSON() }));
  const method = inFolder.length > 0 ? 'Machinery nameplate' : 'DI nameplate';
  return { claims, method, raw: Buffer.from(JSON.stringify(read)).subarray(0, 65_536) };
}

/** A String, or the text of a LocalizedText. */
function textOf(value: DataValue): string {
  const held: unknown = value.value.value;
  const text = typeof held === 'object' && held !== null && 'text' in held ? held.text : held;
  return typeof text === 'string' || typeof text === 'number' ? String(text).trim().slice(0, MAX_TEXT) : '';
}
