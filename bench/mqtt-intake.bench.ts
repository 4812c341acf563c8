import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { temporaryFolder } from '../test/support/folder.ts';
import type { Bench } from './contract.ts';
import { startMosquitto } from './mosquitto.ts';
import { filterOf, type Load } from './mqtt/load.ts';
import { type Figure, measureSubscriber, median, medianOfPairs, publishLoad } from './mqtt/measure.ts';

const LOAD: Load = { kind: 'json', qos: 0, messages: 200_000, devices: 1_000 };
const ROUNDS = 5;
/** `sysconf(_SC_CLK_TCK)` on Linux. */
const TICKS_PER_SECOND = 100;

/** What can be told of a program that is not ours. */
type SubFigure = Omit<Figure, 'rssMiB'>;

/**
 * The same messages, through the same Mosquitto, to a bare MQTT.js subscriber, to ours and to mosquitto_sub, in turn.
 * The broker holds what a subscriber has not taken yet, so every subscriber runs as fast as it can.
 */
export const bench: Bench = {
  name: 'mqtt-intake',
  about: 'observations per second and CPU per message, from socket to tally, against a bare MQTT.js subscriber',
  async run(report) {
    using folder = temporaryFolder();
    await using broker = await startMosquitto(folder.path);
    const { port } = broker;
    const figures = { bare: [] as Figure[], ours: [] as Figure[], c: [] as SubFigure[] };
    for (let round = 0; round <= ROUNDS; round++) {
      const bare = await measureSubscriber(port, 'bare-subscriber.ts', LOAD);
      const ours = await measureSubscriber(port, 'rollcall-subscriber.ts', LOAD);
      const c = await mosquittoSub(port);
      if (round === 0) continue;
      figures.bare.push(bare);
      figures.ours.push(ours);
      figures.c.push(c);
    }
    const throughput = medianOfPairs(figures.ours, figures.bare, (ours, bare) => ours.perSecond / bare.perSecond);
    const cpu = medianOfPairs(figures.ours, figures.bare, (ours, bare) => bare.cpuUsPerMessage / ours.cpuUsPerMessage);
    const cpuOf = (of: readonly SubFigure[]): number => median(of.map((figure) => figure.cpuUsPerMessage));
    const rateOf = (of: readonly SubFigure[]): number => median(of.map((figure) => figure.perSecond));
    report({
      name: 'throughput',
      measured: rateOf(figures.ours),
      baseline: rateOf(figures.bare),
      unit: 'messages/s',
      ratio: throughput,
      budget: '≥ 0.8 of bare',
      pass: throughput >= 0.8,
    });
    report({
      name: 'CPU',
      measured: cpuOf(figures.ours),
      baseline: cpuOf(figures.bare),
      unit: 'µs/message',
      ratio: cpu,
      budget: 'bare/ours ≥ 0.8',
      pass: cpu >= 0.8,
    });
    report({
      name: 'CPU, mosquitto_sub',
      measured: cpuOf(figures.ours),
      baseline: cpuOf(figures.c),
      unit: 'µs/message',
      ratio: cpuOf(figures.c) / cpuOf(figures.ours),
      budget: 'for comparison',
      pass: true,
    });
  },
};

/** mosquitto_sub ends by itself after the last message; its CPU is read from the kernel's accounting while it lives. */
async function mosquittoSub(port: number): Promise<SubFigure> {
  const options = ['-p', String(port), '-t', filterOf(LOAD), '-C', String(LOAD.messages), '-F', '%l'];
  const child = spawn('mosquitto_sub', options, { stdio: ['ignore', 'ignore', 'inherit'] });
  let ticks = 0;
  const sample = setInterval(() => {
    ticks = processTicks(child.pid) ?? ticks;
  }, 5);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await new Promise((resolve) => setTimeout(resolve, 500));
  const startedAtMs = performance.now();
  void publishLoad(port, LOAD);
  await exited;
  clearInterval(sample);
  const seconds = (performance.now() - startedAtMs) / 1000;
  return { perSecond: LOAD.messages / seconds, cpuUsPerMessage: (ticks / TICKS_PER_SECOND) * (1e6 / LOAD.messages) };
}

/** User and system time of a process in clock ticks: fields 14 and 15 of `/proc/PID/stat`. */
function processTicks(pid: number | undefined): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11]) + Number(fields[12]);
  } catch {
    return undefined;
  }
}
