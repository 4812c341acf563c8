import { parseArgs } from 'node:util';
import { demoFleet } from './fleet.ts';
import { startModbusLine } from './modbus-line.ts';
import { startMqttFleet } from './mqtt-fleet.ts';
import { startOpcuaPlant } from './opcua-plant.ts';
import type { Simulator } from './plan.ts';

const USAGE = `usage: node simulators/run.ts PART [options]
  PART                 mqtt, opcua or modbus: the part of the demo's fleet to run
  --url URL            mqtt: the broker to publish to
  --host HOST          opcua, modbus: where to listen (127.0.0.1)
  --port PORT          opcua, modbus: where to listen
  --folder FOLDER      opcua: where the plant keeps its certificate
  --seed N             seed of all values (1)

Ends on Ctrl-C, and when the program that started it ends.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: 'string' },
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string' },
    folder: { type: 'string' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
});

function required(name: 'url' | 'port' | 'folder'): string {
  const value = values[name];
  if (value === undefined) fail(`--${name} is needed`);
  return value;
}

function fail(message: string): never {
  console.error(`${message}\n\n${USAGE}`);
  process.exit(2);
}

async function start(part: string): Promise<Simulator> {
  const seed = Number(values.seed);
  const devices = demoFleet(seed).filter((device) => device.protocol === part);
  switch (part) {
    case 'mqtt':
      return startMqttFleet({ url: required('url'), devices, seed });
    case 'opcua':
      return startOpcuaPlant({
        host: values.host,
        port: Number(required('port')),
        folder: required('folder'),
        devices,
        seed,
      });
    case 'modbus':
      return startModbusLine({ host: values.host, port: Number(required('port')), devices, seed });
    default:
      return fail(`there is no part ${part}`);
  }
}

if (values.help) {
  console.log(USAGE);
} else {
  const simulator = await start(positionals[0] ?? fail('which part?'));
  console.log(`simulated ${positionals[0]}: ${simulator.endpoint}`);
  const stop = (): void => {
    void simulator.stop().finally(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  // A Ctrl-C in the terminal reaches the whole group; the program that started us decides when we end.
  process.on('SIGINT', () => {
    if (!process.connected) stop();
  });
  process.once('disconnect', stop);
  process.send?.('ready');
}
