import type { ProtocolDefinition } from '../contract.ts';
import { MqttAdapter } from './adapter.ts';
import { type MqttConfig, mqttConfig } from './config.ts';

export { startEmbeddedBroker } from './broker.ts';
export { type BrokerConfig, brokerConfig } from './broker-config.ts';

/** MQTT 3.1.1 and 5.0. */
export const mqtt: ProtocolDefinition<MqttConfig> = {
  protocol: 'mqtt',
  configSchema: mqttConfig,
  configuredAddresses: () => [],
  endpointOf: ({ url }) => url,
  create: (config, context) => new MqttAdapter(config, context),
};
