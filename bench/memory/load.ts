import { startModbusLine } from '../../simulators/modbus-line.ts';
import { startMqttFleet } from '../../simulators/mqtt-fleet.ts';
import type { SimulatedDevice } from '../../simulators/plan.ts';

/** The equipment of the memory benchmark. `node bench/memory/load.ts BROKER-PORT FIRST-MODBUS-PORT MQTT-DEVICES LINES UNITS-A-LINE`. */
const [brokerPort = 0, modbusPort = 0, mqttDevices = 0, lines = 0, unitsPerLine = 0] = process.argv
  .slice(2)
  .map(Number);

function device(id: string, protocol: 'mqtt' | 'modbus', unitId?: number): SimulatedDevice {
  return {
    id,
    protocol,
    name: id,
    type: 'pump',
    enterprise: 'works',
    site: 'hall',
    manufacturer: 'Maker',
    model: 'M1',
    serialNumber: `S-${id}`,
    intervalMs: 1_000,
    faults: [],
    ...(unitId === undefined ? {} : { unitId }),
  };
}

for (let line = 0; line < lines; line++) {
  const devices = Array.from({ length: unitsPerLine }, (_, i) => device(`unit-${line}-${i + 1}`, 'modbus', i + 1));
  await startModbusLine({ host: '127.0.0.1', port: modbusPort + line, devices, seed: line });
}
const fleet = Array.from({ length: mqttDevices }, (_, i) => device(`mqtt-${i}`, 'mqtt'));
await startMqttFleet({ url: `mqtt://127.0.0.1:${brokerPort}`, devices: fleet, seed: 1 });
console.log('loaded');
