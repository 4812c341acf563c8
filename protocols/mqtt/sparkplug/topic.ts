/** Sparkplug 3.0, 4.1: the namespace of payload definition B. */
export const NAMESPACE = 'spBv1.0';

const NODE_VERBS = ['NBIRTH', 'NDATA', 'NDEATH', 'NCMD'] as const;
const DEVICE_VERBS = ['DBIRTH', 'DDATA', 'DDEATH', 'DCMD'] as const;

export type NodeVerb = (typeof NODE_VERBS)[number];
export type DeviceVerb = (typeof DEVICE_VERBS)[number];

/** A topic of an edge node or of a device behind one. */
export type SparkplugTopic =
  | { readonly verb: NodeVerb; readonly group: string; readonly edgeNode: string; readonly device: undefined }
  | { readonly verb: DeviceVerb; readonly group: string; readonly edgeNode: string; readonly device: string };

/** Sparkplug 3.0, 4.2: `spBv1.0/GROUP/VERB/NODE[/DEVICE]`. Undefined for anything else, STATE included. */
export function parseSparkplugTopic(topic: string): SparkplugTopic | undefined {
  const [namespace, group, verb, edgeNode, device, ...rest] = topic.split('/');
  if (namespace !== NAMESPACE || !group || !edgeNode || rest.length > 0) return undefined;
  const nodeVerb = NODE_VERBS.find((known) => known === verb);
  if (nodeVerb !== undefined) return device === undefined ? { verb: nodeVerb, group, edgeNode, device } : undefined;
  const deviceVerb = DEVICE_VERBS.find((known) => known === verb);
  return deviceVerb === undefined || !device ? undefined : { verb: deviceVerb, group, edgeNode, device };
}

/** Sparkplug 3.0, 4.3.4: where commands to an edge node go. */
export function nodeCommandTopic(group: string, edgeNode: string): string {
  return `${NAMESPACE}/${group}/NCMD/${edgeNode}`;
}

/** Sparkplug 3.0, 4.5: where a host application says whether it is online. */
export function stateTopic(hostId: string): string {
  return `${NAMESPACE}/STATE/${hostId}`;
}
