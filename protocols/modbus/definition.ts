import type { ProtocolDefinition } from '../contract.ts';
import { ModbusAdapter } from './adapter.ts';
import { type ModbusConfig, modbusConfig } from './config.ts';
import { addressOfUnit } from './unit.ts';

/** Modbus TCP. */
export const modbus: ProtocolDefinition<ModbusConfig> = {
  protocol: 'modbus',
  configSchema: modbusConfig,
  configuredAddresses: ({ units, cycle }) =>
    units.map((unit) => ({ address: addressOfUnit(unit.unitId), expectedIntervalMs: unit.cycle ?? cycle })),
  endpointOf: ({ host, port }) => `${host}:${port}`,
  create: (config, context) => new ModbusAdapter(config, context),
};
