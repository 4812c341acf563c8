import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { CollectorProgram } from '../test/support/collector.ts';
import { temporaryFolder } from '../test/support/folder.ts';
import { until } from '../test/support/wait.ts';
import type { Bench } from './contract.ts';
import { startMosquitto } from './mosquitto.ts';
import type { Load } from './mqtt/load.ts';
import { measureSubscriber, median, publishLoad } from './mqtt/measure.ts';

const SHARE_OF_RATE = 0.8;
const SECONDS = Number(process.env['SOAK_SECONDS'] ?? 600);
const SAMPLE_MS = 2_000;
/** Compiling, first days and slots: what grows once. */
const WARM_UP_SHARE = 0.2;
/** Memory of the last fifth of the run against that of the first fifth after the warm-up. */
const FLAT = 1.1;
const FLOOD: Load = { kind: 'json', qos: 0, messages: 300_000, devices: 1_000 };

/** The collector as an operator runs it, store and all, at four fifths of what the broker forwards at most. */
export const bench: Bench = {
  name: 'mqtt-soak',
  about: `${SECONDS / 60} minutes at 80 % of the broker's rate: nothing lost, memory flat`,
  async run(report) {
    using folder = temporaryFolder();
    await using broker = await startMosquitto(folder.path);
    const rates: number[] = [];
    for (let round = 0; round < 3; round++) {
      rates.push((await measureSubscriber(broker.port, 'bare-subscriber.ts', FLOOD)).perSecond);
    }
    const perSecond = Math.round(median(rates) * SHARE_OF_RATE);
    const messages = perSecond * SECONDS;
    await using collector = await CollectorProgram.start(folder.path, plant(broker.port));
    await until('the connection', async () => (await source(collector)).state === 'up');
    const samples: number[] = [];
    const startedAtMs = performance.now();
    const sampling = setInterval(() => samples.push(residentMiB(collector)), SAMPLE_MS);
    try {
      if (!(await publishLoad(broker.port, { ...FLOOD, messages, perSecond }))) throw new Error('the publisher failed');
    } finally {
      clearInterval(sampling);
    }
    const seconds = (performance.now() - startedAtMs) / 1_000;
    let last = -1;
    // The broker hands over what it still holds; the collector is done when no more comes.
    await until(
      'the last message',
      async () => {
        const { observations, dropped } = await source(collector);
        const isOver = observations + dropped >= messages || observations === last;
        last = observations;
        if (!isOver) await delay(SAMPLE_MS);
        return isOver;
      },
      120_000,
    );
    const { observations, dropped } = await source(collector);
    const settled = samples.slice(Math.floor(samples.length * WARM_UP_SHARE));
    const fifth = Math.ceil(settled.length / 5);
    const [before, after] = [median(settled.slice(0, fifth)), median(settled.slice(-fifth))];
    report({
      name: 'rate held',
      measured: messages / seconds,
      baseline: median(rates),
      unit: 'messages/s',
      ratio: messages / seconds / median(rates),
      budget: '≥ 0.75 of the broker',
      pass: messages / seconds / median(rates) >= 0.75,
    });
    report({
      name: 'messages folded',
      measured: observations,
      baseline: messages,
      unit: `messages, ${dropped} dropped`,
      ratio: observations / messages,
      budget: '= 1',
      pass: observations === messages && dropped === 0,
    });
    report({
      name: 'memory, end of the run',
      measured: after,
      baseline: before,
      unit: `MiB RSS, at most ${Math.round(Math.max(...samples))}`,
      ratio: after / before,
      budget: `≤ ${FLAT} of its beginning`,
      pass: after / before <= FLAT,
    });
  },
};

function plant(port: number): Record<string, unknown> {
  return {
    sources: [
      {
        id: 'bus',
        protocol: 'mqtt',
        url: `mqtt://127.0.0.1:${port}`,
        topics: [{ template: 'plants/{enterprise}/{site}/{device}/telemetry', values: '/metrics', time: '/ts' }],
      },
    ],
  };
}

interface Source {
  readonly state: string;
  readonly observations: number;
  readonly dropped: number;
}

async function source(collector: CollectorProgram): Promise<Source> {
  const { items } = await collector.get<{ items: Source[] }>('/sources');
  const [first] = items;
  if (first === undefined) throw new Error('there is no source');
  return first;
}

/** VmRSS of the collector, from Linux. */
function residentMiB({ program }: CollectorProgram): number {
  const status = readFileSync(`/proc/${program.child.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}
