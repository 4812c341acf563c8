/** What is published in one run; also the arguments of the programs in this folder, in this order. */
export interface Load {
  readonly kind: 'json' | 'sparkplug';
  readonly qos: 0 | 1;
  readonly messages: number;
  readonly devices: number;
  /** Messages a second; as fast as the broker takes them where left out. */
  readonly perSecond?: number;
}

/** The arguments of a program for a load at a broker. */
export function loadArguments(port: number, { kind, qos, messages, devices, perSecond = 0 }: Load): readonly string[] {
  return [port, kind, qos, messages, devices, perSecond].map(String);
}

/** Reads what `loadArguments` wrote. */
export function loadFromArguments(): Load & { readonly port: number } {
  const [port, kind, qos, messages, devices, perSecond] = process.argv.slice(2);
  return {
    port: Number(port),
    kind: kind === 'sparkplug' ? 'sparkplug' : 'json',
    qos: qos === '1' ? 1 : 0,
    messages: Number(messages),
    devices: Number(devices),
    ...(Number(perSecond) > 0 ? { perSecond: Number(perSecond) } : {}),
  };
}

/** The topic filter of a load. */
export function filterOf({ kind }: Pick<Load, 'kind'>): string {
  return kind === 'json' ? 'plants/+/+/+/telemetry' : 'spBv1.0/+/#';
}
