import { type ChildProcess, fork } from 'node:child_process';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { runCollector } from '../collector/main.ts';
import { demoPlant } from '../simulators/demo-plant.ts';
import { announcement } from './announcement.ts';
import { freePort } from './free-port.ts';
import { PAGE_FOLDER, problemLine, readPlantText, shippedCatalogues } from './plant.ts';

const HOST = '127.0.0.1';
const SEED = 1;
const DEFAULT_FOLDER = 'data/demo';
/** Asked for first; another is taken when it is not free. */
const PREFERRED_PORTS = { broker: 18_883, opcua: 48_400, modbus: 15_020 };
const SIMULATOR_START_MS = 8_000;
const SIMULATOR_STOP_MS = 2_000;
const RUN = fileURLToPath(new URL('../simulators/run.ts', import.meta.url));

export interface DemoOptions {
  readonly dataFolder: string | undefined;
  readonly port: number | undefined;
  readonly version: string;
}

/**
 * The demo: a plant whose machines are three programs of their own, reached over real sockets. It takes the way of any
 * plant: its configuration is text that is checked like a customer's. Resolves with the exit code.
 */
export async function startDemo(options: DemoOptions): Promise<number> {
  const brokerPort = await freePort(HOST, PREFERRED_PORTS.broker);
  const opcuaPort = await freePort(HOST, PREFERRED_PORTS.opcua);
  const modbusPort = await freePort(HOST, PREFERRED_PORTS.modbus);
  const catalogues = shippedCatalogues();
  const text = stringify(demoPlant(SEED, { host: HOST, brokerPort, opcuaPort, modbusPort }));
  const read = readPlantText(text, 'demo', process.cwd(), catalogues);
  if (!read.ok) throw new Error(`the demo's own configuration is wrong:\n${read.problems.map(problemLine).join('\n')}`);
  const dataFolder = options.dataFolder ?? resolve(DEFAULT_FOLDER);
  const simulators = startSimulators({ brokerPort, opcuaPort, modbusPort }, join(dataFolder, 'simulator'));
  await Promise.all([ready(simulators.opcua), ready(simulators.modbus)]);
  return runCollector({
    config: read.config,
    catalogues,
    dataFolder,
    host: HOST,
    port: options.port ?? read.config.api.port,
    version: options.version,
    demo: true,
    pageFolder: PAGE_FOLDER,
    announce: (service) => [
      ...announcement(service, dataFolder),
      '',
      '演示：48 台模拟设备，数字不作为任何依据。Demo: 48 simulated machines; its numbers prove nothing.',
      `Kill a part of the plant and watch: ${Object.entries(simulators)
        .map(([part, { pid }]) => `${part} is process ${pid}`)
        .join(', ')}`,
    ],
    whenStopping: async () => {
      await Promise.all(Object.values(simulators).map(stopSimulator));
    },
  });
}

/** One program a protocol, so that each can be killed without the others. The MQTT machines wait for the broker by themselves. */
function startSimulators(
  ports: { readonly brokerPort: number; readonly opcuaPort: number; readonly modbusPort: number },
  folder: string,
): Record<'opcua' | 'modbus' | 'mqtt', ChildProcess> {
  const start = (...part: string[]): ChildProcess =>
    fork(RUN, [...part, '--seed', String(SEED)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] });
  return {
    opcua: start('opcua', '--port', String(ports.opcuaPort), '--folder', folder),
    modbus: start('modbus', '--port', String(ports.modbusPort)),
    mqtt: start('mqtt', '--url', `mqtt://${HOST}:${ports.brokerPort}`),
  };
}

/** Resolves when the simulator listens, when it ended, or after a while: the sources are tried again anyway. */
function ready(simulator: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, SIMULATOR_START_MS);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    simulator.once('message', done);
    simulator.once('exit', done);
  });
}

/** A simulator ends when its parent lets go of it; it is killed when it does not. */
function stopSimulator(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((done) => {
    const hard = setTimeout(() => child.kill('SIGKILL'), SIMULATOR_STOP_MS);
    child.once('exit', () => {
      clearTimeout(hard);
      done();
    });
    if (child.connected) child.disconnect();
    else child.kill('SIGTERM');
  });
}
