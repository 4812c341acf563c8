import { temporaryFolder } from '../test/support/folder.ts';
import type { Bench, BenchRow } from './contract.ts';
import { startMosquitto } from './mosquitto.ts';
import type { Load } from './mqtt/load.ts';
import { type Figure, measureSubscriber, median, medianOfPairs } from './mqtt/measure.ts';

const ROUNDS = 3;
/** Budgets: throughput and CPU against the bare subscriber, and memory where every device is held. */
const MIN_RATIO = 0.8;
const MAX_RSS_MIB = 500;

const LOADS: readonly { readonly name: string; readonly load: Load }[] = [
  { name: 'JSON QoS 1, 1,000 devices', load: { kind: 'json', qos: 1, messages: 100_000, devices: 1_000 } },
  { name: 'Sparkplug, 1,000 devices', load: { kind: 'sparkplug', qos: 0, messages: 150_000, devices: 1_000 } },
  { name: 'JSON, 100,000 devices', load: { kind: 'json', qos: 0, messages: 300_000, devices: 100_000 } },
];

/** Other payloads, deliveries and numbers of devices than `mqtt-intake`, against the same bare subscriber. */
export const bench: Bench = {
  name: 'mqtt-kinds',
  about: 'QoS 1, Sparkplug and 100,000 devices from socket to tally, against a bare MQTT.js subscriber; memory',
  async run(report) {
    using folder = temporaryFolder();
    await using broker = await startMosquitto(folder.path);
    for (const { name, load } of LOADS) {
      const [bare, ours]: [Figure[], Figure[]] = [[], []];
      for (let round = 0; round < ROUNDS; round++) {
        bare.push(await measureSubscriber(broker.port, 'bare-subscriber.ts', load));
        ours.push(await measureSubscriber(broker.port, 'rollcall-subscriber.ts', load));
      }
      for (const row of rowsOf(name, ours, bare)) report(row);
      if (load.devices >= 100_000) report(memoryRow(name, ours, bare));
    }
  },
};

function rowsOf(name: string, ours: readonly Figure[], bare: readonly Figure[]): BenchRow[] {
  const throughput = medianOfPairs(ours, bare, (a, b) => a.perSecond / b.perSecond);
  const cpu = medianOfPairs(ours, bare, (a, b) => b.cpuUsPerMessage / a.cpuUsPerMessage);
  const budget = `≥ ${MIN_RATIO} of bare`;
  return [
    {
      name: `${name}: throughput`,
      measured: median(ours.map(({ perSecond }) => perSecond)),
      baseline: median(bare.map(({ perSecond }) => perSecond)),
      unit: 'messages/s',
      ratio: throughput,
      budget,
      pass: throughput >= MIN_RATIO,
    },
    {
      name: `${name}: CPU`,
      measured: median(ours.map(({ cpuUsPerMessage }) => cpuUsPerMessage)),
      baseline: median(bare.map(({ cpuUsPerMessage }) => cpuUsPerMessage)),
      unit: 'µs/message',
      ratio: cpu,
      budget: 'for comparison',
      pass: true,
    },
  ];
}

function memoryRow(name: string, ours: readonly Figure[], bare: readonly Figure[]): BenchRow {
  const measured = Math.max(...ours.map(({ rssMiB }) => rssMiB));
  const baseline = Math.max(...bare.map(({ rssMiB }) => rssMiB));
  return {
    name: `${name}: memory`,
    measured,
    baseline,
    unit: 'MiB RSS',
    ratio: measured / MAX_RSS_MIB,
    budget: `≤ ${MAX_RSS_MIB} MiB`,
    pass: measured <= MAX_RSS_MIB,
  };
}
