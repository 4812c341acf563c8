import type { ClientSession, ReferenceDescription } from 'node-opcua-client';
import { AttributeIds, BrowseDirection, NodeClass } from 'node-opcua-client';
import type { OpcuaConfig } from './config.ts';
import { Namespaces } from './namespaces.ts';

/** OPC 10000-5: Server_NamespaceArray. */
const NAMESPACE_ARRAY = 'i=2255';
/** OPC 10000-5, 7: HierarchicalReferences and HasProperty. */
const HIERARCHICAL = 'i=33';
const HAS_PROPERTY = 'i=46';
/** Levels below a device that are looked through for variables. */
const MAX_DEPTH = 3;
/** Objects of one parent that are taken for devices. */
const MAX_CHILDREN = 10_000;
/** Nodes looked at for one device. */
const MAX_NODES = 2_000;

/** One device on the server and the variables that speak for it, in the server's own node ids. */
export interface FoundDevice {
  /** With the namespace URI; what the register binds to. */
  readonly address: string;
  readonly nodeId: string;
  readonly values: readonly string[];
}

/** What could not be found, in words. */
export interface Discovery {
  readonly devices: readonly FoundDevice[];
  readonly problems: readonly string[];
}

export async function readNamespaces(session: ClientSession): Promise<Namespaces> {
  const { value } = await session.read({ nodeId: NAMESPACE_ARRAY, attributeId: AttributeIds.Value });
  return new Namespaces((value.value as string[] | null) ?? []);
}

/** Finds the configured devices. One node that is not there does not lose the others. */
export async function discover(session: ClientSession, config: OpcuaConfig): Promise<Discovery> {
  const namespaces = await readNamespaces(session);
  const devices = new Map<string, FoundDevice>();
  const problems: string[] = [];
  const attempt = async (what: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      problems.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const add = async (nodeId: string, given: readonly string[] | undefined): Promise<void> => {
    const address = namespaces.toAddress(nodeId);
    const values =
      given?.map((text) => namespaces.toServer(text)) ??
      (await variablesBelow(session, nodeId, config.limits.valuesPerDevice));
    if (values.length === 0) problems.push(`${address}: it has no variables`);
    else devices.set(address, { address, nodeId, values });
  };
  for (const node of config.devices.nodes) {
    await attempt(node.nodeId, () => add(namespaces.toServer(node.nodeId), node.values));
  }
  for (const parent of config.devices.childrenOf) {
    await attempt(parent, async () => {
      const children = await browse(session, namespaces.toServer(parent), HIERARCHICAL);
      const objects = children.filter((child) => isClass(child, NodeClass.Object)).slice(0, MAX_CHILDREN);
      if (objects.length === 0) problems.push(`${parent}: no objects below it`);
      for (const object of objects)
        await attempt(object.nodeId.toString(), () => add(object.nodeId.toString(), undefined));
    });
  }
  return { devices: [...devices.values()], problems };
}

/** Compared as numbers: two packages of the library each have an enum of their own for them. */
function isClass({ nodeClass }: { readonly nodeClass: number }, wanted: number): boolean {
  return nodeClass === wanted;
}

/** Variables below a node that are not properties, nearest first. */
async function variablesBelow(session: ClientSession, nodeId: string, most: number): Promise<string[]> {
  const found: string[] = [];
  const seen = new Set([nodeId]);
  let level = [nodeId];
  for (let depth = 0; depth < MAX_DEPTH && level.length > 0 && found.length < most; depth++) {
    const next: string[] = [];
    for (const parent of level) {
      const properties = new Set((await browse(session, parent, HAS_PROPERTY)).map((child) => child.nodeId.toString()));
      for (const child of await browse(session, parent, HIERARCHICAL)) {
        const id = child.nodeId.toString();
        if (seen.has(id) || seen.size >= MAX_NODES || properties.has(id)) continue;
        seen.add(id);
        if (isClass(child, NodeClass.Variable)) found.push(id);
        else if (isClass(child, NodeClass.Object)) next.push(id);
      }
    }
    level = next;
  }
  return found.slice(0, most);
}

/** Forward references of a type and its subtypes, over as many rounds as the server needs. Throws when the node is not there. */
export async function browse(
  session: ClientSession,
  nodeId: string,
  referenceTypeId: string,
): Promise<ReferenceDescription[]> {
  let result = await session.browse({
    nodeId,
    referenceTypeId,
    includeSubtypes: true,
    browseDirection: BrowseDirection.Forward,
    resultMask: 63,
  });
  if (!result.statusCode.isGood()) throw new Error(result.statusCode.name);
  const references = [...(result.references ?? [])];
  while (
    result.continuationPoint !== undefined &&
    result.continuationPoint !== null &&
    result.continuationPoint.length > 0
  ) {
    result = await session.browseNext(result.continuationPoint, references.length >= MAX_CHILDREN);
    references.push(...(result.references ?? []));
  }
  return references;
}
