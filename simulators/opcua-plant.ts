import { join } from 'node:path';
import type { INamespace, UAObject, UAVariable } from 'node-opcua-address-space-base';
import { OPCUACertificateManager } from 'node-opcua-certificate-manager';
import { DataType, MessageSecurityMode, SecurityPolicy, StatusCodes, Variant } from 'node-opcua-client';
import { OPCUAServer } from 'node-opcua-server';
import { faultAt, type SimulatedDevice, type Simulator, seeded } from './plan.ts';

export interface OpcuaPlantOptions {
  readonly host: string;
  readonly port: number;
  /** For the server's certificate and its list of trusted clients. */
  readonly folder: string;
  readonly devices: readonly SimulatedDevice[];
  readonly seed: number;
}

/** Also tells how many sessions it has seen. */
export interface OpcuaPlant extends Simulator {
  sessions(): number;
}

export const NAMESPACE_URI = 'urn:rollcall:simulated-plant';

/**
 * An OPC UA server with one object a device under the object `Plant` (`s=Plant`). Each has a nameplate, a property
 * `Simulated` that is true, and three variables that change every interval. Takes any client: it is a toy on loopback.
 */
export async function startOpcuaPlant({ host, port, folder, devices, seed }: OpcuaPlantOptions): Promise<OpcuaPlant> {
  const serverCertificateManager = new OPCUACertificateManager({
    automaticallyAcceptUnknownCertificate: true,
    rootFolder: join(folder, 'pki'),
    keySize: 2048,
  });
  const server = new OPCUAServer({
    port,
    hostname: host,
    host,
    alternateEndpoints: [],
    allowAnonymous: true,
    securityModes: [MessageSecurityMode.None, MessageSecurityMode.SignAndEncrypt],
    securityPolicies: [SecurityPolicy.None, SecurityPolicy.Basic256Sha256],
    serverCertificateManager,
    disableDiscovery: true,
    buildInfo: { productName: 'Rollcall simulated plant', manufacturerName: 'SIMULATED' },
    serverInfo: { applicationUri: 'urn:rollcall:simulated-plant:server' },
  });
  await server.initialize();
  const addressSpace = server.engine.addressSpace;
  if (addressSpace === null) throw new Error('the server has no address space');
  const namespace = addressSpace.registerNamespace(NAMESPACE_URI);
  const plant = namespace.addObject({
    browseName: 'Plant',
    nodeId: 's=Plant',
    organizedBy: addressSpace.rootFolder.objects,
  });
  const startedAtMs = performance.now();
  const machines = devices.map(
    (device, i) => new Machine(namespace, plant, device, seeded(seed * 104_729 + i), startedAtMs),
  );
  const timers = machines.map((machine, i) => setInterval(() => machine.tick(), devices[i]?.intervalMs ?? 1_000));
  await server.start();
  return {
    endpoint: `opc.tcp://${host}:${port}`,
    sessions: () => server.engine.cumulatedSessionCount,
    stop: async () => {
      for (const timer of timers) clearInterval(timer);
      await server.shutdown(0);
    },
  };
}

class Machine {
  readonly #device: SimulatedDevice;
  readonly #random: () => number;
  readonly #startedAtMs: number;
  readonly #load: UAVariable;
  readonly #temperature: UAVariable;
  readonly #cycles: UAVariable;
  #level = 70;
  #degrees = 45;
  #count = 0;

  constructor(
    namespace: INamespace,
    plant: UAObject,
    device: SimulatedDevice,
    random: () => number,
    startedAtMs: number,
  ) {
    this.#device = device;
    this.#random = random;
    this.#startedAtMs = startedAtMs;
    const machine = namespace.addObject({
      browseName: device.id,
      displayName: device.name,
      nodeId: `s=${device.id}`,
      componentOf: plant,
    });
    const { manufacturer, model, serialNumber, type, id } = device;
    const nameplate = {
      Manufacturer: manufacturer,
      Model: model,
      SerialNumber: serialNumber,
      DeviceClass: type,
      ProductInstanceUri: `urn:simulated:${serialNumber}`,
    };
    for (const [name, value] of Object.entries(nameplate)) {
      namespace.addVariable({
        propertyOf: machine,
        browseName: name,
        nodeId: `s=${id}.${name}`,
        dataType: 'String',
        value: { dataType: DataType.String, value },
      });
    }
    namespace.addVariable({
      propertyOf: machine,
      browseName: 'Simulated',
      nodeId: `s=${id}.Simulated`,
      dataType: 'Boolean',
      value: { dataType: DataType.Boolean, value: true },
    });
    const variable = (name: string, dataType: 'Double' | 'UInt32'): UAVariable =>
      namespace.addVariable({
        componentOf: machine,
        browseName: name,
        nodeId: `s=${id}.${name}`,
        dataType,
        minimumSamplingInterval: 100,
      });
    this.#load = variable('Load', 'Double');
    this.#temperature = variable('Temperature', 'Double');
    this.#cycles = variable('Cycles', 'UInt32');
    this.tick();
  }

  /** A silent machine's timestamps stand still; a dead or broken one's values are bad. */
  tick(): void {
    const fault = faultAt(this.#device, (performance.now() - this.#startedAtMs) / 1000);
    if (fault === 'silent') return;
    if (fault !== undefined) {
      const statusCode = fault === 'dead' ? StatusCodes.BadNotConnected : StatusCodes.BadSensorFailure;
      for (const variable of [this.#load, this.#temperature, this.#cycles]) {
        variable.setValueFromSource(new Variant({ dataType: DataType.Null }), statusCode);
      }
      return;
    }
    this.#level = Math.min(100, Math.max(0, this.#level + (this.#random() - 0.5) * 7));
    this.#degrees += (this.#random() - 0.5) * 0.5;
    this.#count += 1;
    set(this.#load, DataType.Double, Math.round(this.#level * 100) / 100);
    set(this.#temperature, DataType.Double, Math.round(this.#degrees * 100) / 100);
    set(this.#cycles, DataType.UInt32, this.#count);
  }
}

function set(variable: UAVariable, dataType: DataType, value: number): void {
  const now = new Date();
  variable.setValueFromSource(new Variant({ dataType, value }), StatusCodes.Good, now);
}
