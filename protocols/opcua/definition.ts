import type { ProtocolDefinition } from '../contract.ts';
import { OpcuaAdapter } from './adapter.ts';
import { type OpcuaConfig, opcuaConfig } from './config.ts';

/** OPC UA over opc.tcp. The client library is loaded when a source first connects. */
export const opcua: ProtocolDefinition<OpcuaConfig> = {
  protocol: 'opcua',
  configSchema: opcuaConfig,
  configuredAddresses: ({ devices }) =>
    devices.childrenOf.length > 0
      ? []
      : devices.nodes.map(({ nodeId, expectedInterval }) => ({
          address: nodeId,
          expectedIntervalMs: expectedInterval,
        })),
  endpointOf: ({ url }) => url,
  create: (config, context) => new OpcuaAdapter(config, context),
};
