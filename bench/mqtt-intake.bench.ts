import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { temporaryFolder } from '../test/support/folder.ts';
import type { Bench } from './contract.ts';
import { startMosquitto } from './mosquitto.ts';

const MESSAGES = 200_000;
const DEVICES = 1_000;
const ROUNDS = 5;
/** `sysconf(_SC_CLK_TCK)` on Linux. */
const TICKS_PER_SECOND = 100;

interface Figure {
  readonly perSecond: number;
  readonly cpuUsPerMessage: number;
}

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
    const figures = { bare: [] as Figure[], ours: [] as Figure[], c: [] as Figure[] };
    for (let round = 0; round <= ROUNDS; round++) {
      const bare = await subscriber(port, 'bare-subscriber.ts');
      const ours = await subscriber(port, 'rollcall-subscriber.ts');
      const c = await mosquittoSub(port);
      if (round === 0) continue;
      figures.bare.push(bare);
      figures.ours.push(ours);
      figures.c.push(c);
    }
    const throughput = median(
      figures.ours.map((ours, i) => ours.perSecond / (figures.bare[i]?.perSecond ?? Number.NaN)),
    );
    const cpu = median(
      figures.ours.map((ours, i) => (figures.bare[i]?.cpuUsPerMessage ?? Number.NaN) / ours.cpuUsPerMessage),
    );
    const cpuOf = (of: Figure[]): number => median(of.map((figure) => figure.cpuUsPerMessage));
    const rateOf = (of: Figure[]): number => median(of.map((figure) => figure.perSecond));
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

function runPublisher(port: number, messages: number): Promise<boolean> {
  const publisher = join(import.meta.dirname, 'mqtt', 'publisher.ts');
  const child = spawn(process.execPath, [publisher, String(port), String(messages), String(DEVICES)], {
    stdio: 'ignore',
  });
  return new Promise((resolve) => child.once('exit', (code) => resolve(code === 0)));
}

/** Runs one of our subscriber programs over all messages. */
async function subscriber(port: number, file: string): Promise<Figure> {
  const program = join(import.meta.dirname, 'mqtt', file);
  const child = spawn(process.execPath, [program, String(port), String(MESSAGES)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let figure: Figure | undefined;
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  for await (const line of createInterface(child.stdout)) {
    if (line === 'subscribed') void runPublisher(port, MESSAGES);
    if (!line.startsWith('{')) continue;
    const { messages, seconds, cpuUs } = JSON.parse(line) as { messages: number; seconds: number; cpuUs: number };
    figure = { perSecond: messages / seconds, cpuUsPerMessage: cpuUs / messages };
  }
  const code = await exited;
  if (figure === undefined || code !== 0) throw new Error(`${file} ended with ${code} before it had all messages`);
  return figure;
}

/** mosquitto_sub ends by itself after the last message; its CPU is read from the kernel's accounting while it lives. */
async function mosquittoSub(port: number): Promise<Figure> {
  const options = ['-p', String(port), '-t', 'plants/+/+/+/telemetry', '-C', String(MESSAGES), '-F', '%l'];
  const child = spawn('mosquitto_sub', options, { stdio: ['ignore', 'ignore', 'inherit'] });
  let ticks = 0;
  const sample = setInterval(() => {
    ticks = processTicks(child.pid) ?? ticks;
  }, 5);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await new Promise((resolve) => setTimeout(resolve, 500));
  const startedAtMs = performance.now();
  void runPublisher(port, MESSAGES);
  await exited;
  clearInterval(sample);
  const seconds = (performance.now() - startedAtMs) / 1000;
  return { perSecond: MESSAGES / seconds, cpuUsPerMessage: (ticks / TICKS_PER_SECOND) * (1e6 / MESSAGES) };
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

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}
