import type { ProtocolDefinition } from './contract.ts';
import { modbus } from './modbus/definition.ts';
import { mqtt } from './mqtt/definition.ts';
import { opcua } from './opcua/definition.ts';

export { type BrokerConfig, brokerConfig, startEmbeddedBroker } from './mqtt/definition.ts';

/** A protocol of whatever configuration; its own schema has checked what its methods are given. */
export type AnyProtocolDefinition = ProtocolDefinition;

/** The one place that names the protocols. A new protocol is a folder beside these and a line here. */
export const PROTOCOLS: readonly AnyProtocolDefinition[] = [mqtt, opcua, modbus];
