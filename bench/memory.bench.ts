import { readFileSync } from 'node:fs';
import { CollectorProgram } from '../test/support/collector.ts';
import { temporaryFolder } from '../test/support/folder.ts';
import { freePort } from '../test/support/port.ts';
import { Program } from '../test/support/program.ts';
import { until } from '../test/support/wait.ts';
import type { Bench } from './contract.ts';
import { startMosquitto } from './mosquitto.ts';

const MQTT_DEVICES = 500;
const LINES = 5;
const UNITS_PER_LINE = 100;
const BUDGET_MIB = 150;
/** The highest of the samples counts, once everything is online. */
const SAMPLES = 60;

/** The collector as an operator runs it, with 1,000 devices on MQTT and Modbus, each heard once a second. */
export const bench: Bench = {
  name: 'memory',
  about: `resident memory with ${MQTT_DEVICES} MQTT and ${LINES * UNITS_PER_LINE} Modbus devices, without OPC UA`,
  async run(report) {
    using folder = temporaryFolder();
    await using broker = await startMosquitto(folder.path);
    const modbusPort = 20_000 + ((await freePort()) % 20_000);
    const counts = [broker.port, modbusPort, MQTT_DEVICES, LINES, UNITS_PER_LINE].map(String);
    await using load = new Program(process.execPath, [new URL('memory/load.ts', import.meta.url).pathname, ...counts]);
    await load.says(/loaded/, 60_000);
    await using bare = new Program(process.execPath, ['--eval', 'setInterval(() => {}, 1000)']);
    // The very first start also compiles; what is measured is every start after it.
    await (await CollectorProgram.start(folder.path, plant(broker.port, modbusPort)))[Symbol.asyncDispose]();
    await using collector = await CollectorProgram.start(folder.path, plant(broker.port, modbusPort));
    const devices = MQTT_DEVICES + LINES * UNITS_PER_LINE;
    await until('data of 1,000 addresses', async () => (await addresses(collector)) === devices, 60_000);
    let highest = 0;
    for (let i = 0; i < SAMPLES; i++) {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      highest = Math.max(highest, residentMiB(collector.program));
    }
    const missing = devices - (await online(collector));
    if (missing > 0) throw new Error(`not a fair run: ${missing} of ${devices} devices are not online`);
    const baseline = residentMiB(bare);
    report({
      name: 'resident memory',
      measured: highest,
      baseline,
      unit: 'MiB, bare Node',
      ratio: highest / baseline,
      budget: `≤ ${BUDGET_MIB} MiB`,
      pass: highest <= BUDGET_MIB,
    });
  },
};

function plant(brokerPort: number, modbusPort: number): Record<string, unknown> {
  const lines = Array.from({ length: LINES }, (_, line) => ({
    id: `line-${line}`,
    protocol: 'modbus',
    host: '127.0.0.1',
    port: modbusPort + line,
    cycle: '1s',
    units: Array.from({ length: UNITS_PER_LINE }, (_, i) => ({
      unitId: i + 1,
      points: [
        {
          name: 'load',
          address: 0,
          type: 'f32',
        },
      ],
    })),
  }));
  const bus = {
    id: 'bus',
    protocol: 'mqtt',
    url: `mqtt://127.0.0.1:${brokerPort}`,
    topics: [
      {
        template: 'plants/{enterprise}/{site}/{device}/telemetry',
        values: '/metrics',
        time: '/ts',
      },
    ],
  };
  const device = (id: string, source: string, address: string) => ({
    id,
    name: id,
    type: 'pump',
    enterprise: 'works',
    site: 'hall',
    bindings: [
      {
        source,
        address,
      },
    ],
  });
  return {
    enterprises: [{ id: 'works', name: 'Works' }],
    sites: [{ id: 'hall', enterprise: 'works', name: 'Hall' }],
    sources: [bus, ...lines],
    devices: [
      ...Array.from({ length: MQTT_DEVICES }, (_, i) => device(`mqtt-${i}`, 'bus', `works/hall/mqtt-${i}`)),
      ...lines.flatMap(({ id, units }) => units.map(({ unitId }) => device(`${id}-${unitId}`, id, `unit/${unitId}`))),
    ],
  };
}

/** Addresses that were heard, over all sources: a light question, so that the asking is not what is measured. */
async function addresses(collector: CollectorProgram): Promise<number> {
  const { items } = await collector.get<{ items: { addresses: number; observations: number }[] }>('/sources');
  return items.reduce((sum, source) => sum + (source.observations > 0 ? source.addresses : 0), 0);
}

/** The simulators say what they are, so outside the demo nothing of them is counted: status is looked at device by device. */
async function online(collector: CollectorProgram): Promise<number> {
  const { items } = await collector.get<{ items: { status: string }[] }>('/devices?limit=1000&status=online');
  return items.length;
}

/** VmRSS of a process, from Linux. */
function residentMiB(program: Program): number {
  const status = readFileSync(`/proc/${program.child.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}
