import type { ProtocolDefinition } from '../contract.ts';
import { ModbusAdapter } from './adapter.ts';
import { lineSettingsOf, type ModbusConfig, modbusConfig } from './config.ts';
import { Lines } from './line.ts';
import { endpointName } from './transport.ts';
import { addressOfUnit } from './unit.ts';

/** The lines of this process: sources that name the same endpoint share its one connection. */
const lines = new Lines();

/** Modbus TCP, RTU over TCP, and RTU on a serial line. */
export const modbus: ProtocolDefinition<ModbusConfig> = {
  protocol: 'modbus',
  configSchema: modbusConfig,
  configuredAddresses: ({ units, cycle }) =>
    units.map((unit) => ({ address: addressOfUnit(unit.unitId), expectedIntervalMs: unit.cycle ?? cycle })),
  endpointOf: (config) => endpointName(lineSettingsOf(config).endpoint),
  create: (config, context) => new ModbusAdapter(config, context, lines),
};
