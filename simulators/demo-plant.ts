import { demoFleet, ENTERPRISES } from './fleet.ts';
import type { SimulatedDevice } from './plan.ts';

/** Where the demo's three simulators and its broker are. */
export interface DemoEndpoints {
  readonly host: string;
  readonly brokerPort: number;
  readonly opcuaPort: number;
  readonly modbusPort: number;
}

/** Liveness in the demo: short, so that a visitor sees a silent machine go offline while he looks. */
const LIVENESS_TIMEOUT = '20s';

/**
 * The demo's plant in the words of `rollcall.yaml`, as a plain value: it takes the way of any customer's configuration,
 * and what is wrong with it would be told like any customer's.
 */
export function demoPlant(seed: number, endpoints: DemoEndpoints): Record<string, unknown> {
  const fleet = demoFleet(seed);
  const { host, brokerPort, opcuaPort, modbusPort } = endpoints;
  return {
    timeZone: 'Asia/Shanghai',
    origin: 'demo.rollcall.example',
    broker: { host, port: brokerPort, access: 'anonymous' },
    enterprises: ENTERPRISES.map(({ id, name, creditCode }) => ({ id, name, creditCode })),
    sites: ENTERPRISES.flatMap(({ id: enterprise, sites }) => sites.map(({ id, name }) => ({ id, enterprise, name }))),
    sources: [
      {
        id: 'workshop-mqtt',
        name: '车间消息总线',
        protocol: 'mqtt',
        simulated: true,
        url: `mqtt://${host}:${brokerPort}`,
        // The embedded broker speaks 3.1.1.
        version: '3.1.1',
        topics: [
          {
            template: 'plants/{enterprise}/{site}/{device}/telemetry',
            payload: 'json',
            values: '/metrics',
            time: '/ts',
            status: { template: 'plants/{enterprise}/{site}/{device}/status', dead: 'offline' },
          },
        ],
      },
      {
        id: 'moulding-opcua',
        name: '加工与注塑 OPC UA',
        protocol: 'opcua',
        simulated: true,
        url: `opc.tcp://${host}:${opcuaPort}`,
        security: 'none',
        devices: { childrenOf: ['nsu=urn:rollcall:simulated-plant;s=Plant'] },
        publishingInterval: '1s',
      },
      {
        id: 'utilities-modbus',
        name: '公用动力 Modbus 网关',
        protocol: 'modbus',
        simulated: true,
        transport: 'tcp',
        host,
        port: modbusPort,
        cycle: '2s',
        requestTimeout: '500ms',
        units: fleet
          .filter(isModbus)
          .map(({ unitId }) => ({ unitId, serialNumberObject: 0x80, points: MODBUS_POINTS })),
      },
    ],
    devices: machinesOf(fleet),
  };
}

/** The registers every unit of the simulated line has. */
const MODBUS_POINTS = [
  { name: 'load', table: 'holding-register', address: 0, type: 'f32', unit: '%' },
  { name: 'temperature', table: 'holding-register', address: 2, type: 'f32', unit: '°C' },
  { name: 'running-time', table: 'holding-register', address: 4, type: 'u32', unit: 's' },
];

function isModbus(device: SimulatedDevice): boolean {
  return device.protocol === 'modbus';
}

/** One register entry a machine, with every address it answers at. */
function machinesOf(fleet: readonly SimulatedDevice[]): unknown[] {
  return [...Map.groupBy(fleet, ({ id }) => id).values()].flatMap((spoken) => {
    const machine = spoken[0];
    if (machine === undefined) return [];
    const { id, name, type, enterprise, site, manufacturer, model, serialNumber } = machine;
    return [
      {
        id,
        name,
        type,
        enterprise,
        site,
        manufacturer,
        model,
        serialNumber,
        livenessTimeout: LIVENESS_TIMEOUT,
        bindings: spoken.map(bindingOf),
      },
    ];
  });
}

function bindingOf(device: SimulatedDevice): { source: string; address: string } {
  switch (device.protocol) {
    case 'mqtt':
      return { source: 'workshop-mqtt', address: `${device.enterprise}/${device.site}/${device.id}` };
    case 'opcua':
      return { source: 'moulding-opcua', address: `nsu=urn:rollcall:simulated-plant;s=${device.id}` };
    default:
      return { source: 'utilities-modbus', address: `unit/${device.unitId}` };
  }
}
