/**
 * A collector's metrics without a collector: adds numbered points through the spool, prints how far they are on disk
 * and how far they are written, and ends when everything was written. It is made to be killed.
 */

import { systemClock } from '../../collector/clock.ts';
import type { InfluxConfig } from '../../collector/config/config.ts';
import { LoopWatch } from '../../collector/health/loop-watch.ts';
import { influxWriter } from '../../collector/metrics/influx.ts';
import { until } from './wait.ts';

const [folder = '', url = '', first = '0', end = '0', perCall = '5000'] = process.argv.slice(2);
const AT_MS = 1_767_225_600_000;
const SERIES = 1_000;

const log = {
  warn: (_: object, message: string) => console.log(message),
  info: (_: object, message: string) => console.log(message),
};
const spool = { place: 'disk', sync: 'never', maxBytes: 1_073_741_824 } as const;
const config: InfluxConfig = {
  dialect: 'v1',
  url,
  database: 'rollcall',
  interval: 1_000,
  tags: {},
  deviceActivity: false,
  history: 'store',
  maxSeries: 100_000,
  spool,
};
const writer = await influxWriter({
  config,
  folder,
  readSecret: () => Promise.reject(new Error('no secret is asked for')),
  clock: systemClock,
  log,
  random: Math.random,
  watch: new LoopWatch(systemClock),
});
writer.start();
for (let number = Number(first); number < Number(end); ) {
  const lines = Array.from({ length: Math.min(Number(perCall), Number(end) - number) }, () => {
    const line = `m,series=s${number % SERIES} v=${number}i ${AT_MS + Math.floor(number / SERIES) * 1_000}`;
    number += 1;
    return line;
  });
  writer.add(lines, AT_MS + number);
  await writer.kept();
  console.log(`has ${number};`);
}
console.log('added all');
await until('everything is written', () => writer.status.lines === 0, 600_000);
await writer.stop(10_000);
const { written, rejected, dropped } = writer.status;
console.log(`done: written ${written}, rejected ${rejected}, dropped ${dropped}`);
