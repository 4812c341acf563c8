import type { ProtocolDefinition } from './contract.ts';

/** The one place that names the protocols. A new protocol is a folder beside these and a line here. */
export const PROTOCOLS = [] as const satisfies readonly ProtocolDefinition<never>[];

/** A protocol of whatever configuration; its own schema has checked what its methods are given. */
export type AnyProtocolDefinition = ProtocolDefinition;
