import { opcua } from '../../protocols/opcua/definition.ts';
import { NAMESPACE_URI, startOpcuaPlant } from '../../simulators/opcua-plant.ts';
import type { SimulatedDevice } from '../../simulators/plan.ts';
import { temporaryFolder } from '../support/folder.ts';
import { freePort } from '../support/port.ts';
import { describeAdapterContract, type PeerUnderTest } from './adapter-contract.ts';

function machine(number: number): SimulatedDevice {
  return {
    id: `machine-${number}`,
    name: `machine ${number}`,
    type: 'cnc-machine',
    enterprise: 'e',
    site: 's',
    protocol: 'opcua',
    manufacturer: 'Maker',
    model: 'M1',
    serialNumber: `S${number}`,
    intervalMs: 100,
    faults: [],
  };
}

/** The simulated plant, in this process; killed by ending the server with its sockets. */
async function startPeer(): Promise<PeerUnderTest> {
  const folder = temporaryFolder();
  const port = await freePort();
  const devices = Array.from({ length: 100 }, (_, i) => machine(i));
  const plant = await startOpcuaPlant({ host: '127.0.0.1', port, folder: folder.path, devices, seed: 1 });
  let ended: Promise<void> | undefined;
  const kill = (): Promise<void> => {
    ended ??= plant.stop();
    return ended;
  };
  return {
    adapter: (context) => {
      const config = opcua.configSchema.parse({
        id: 'under-test',
        protocol: 'opcua',
        url: plant.endpoint,
        security: 'none',
        connectTimeout: '5s',
        publishingInterval: '100ms',
        devices: { childrenOf: [`nsu=${NAMESPACE_URI};s=Plant`] },
      });
      return opcua.create(config, context);
    },
    address: `nsu=${NAMESPACE_URI};s=machine-1`,
    connections: () => plant.sessions(),
    flood: (observations) => new Promise((resolve) => setTimeout(resolve, (observations / devices.length) * 100 + 500)),
    kill,
    async close() {
      await kill();
      folder[Symbol.dispose]();
    },
  };
}

describeAdapterContract('OPC UA', startPeer);
