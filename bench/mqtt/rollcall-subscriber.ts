import { Calendar } from '../../collector/census/calendar.ts';
import { systemClock } from '../../collector/clock.ts';
import { AddressBooks } from '../../collector/intake/address-book.ts';
import { Journal } from '../../collector/intake/journal.ts';
import { Supervisor } from '../../collector/intake/supervisor.ts';
import { Tally } from '../../collector/intake/tally.ts';
import { mqtt } from '../../protocols/mqtt/definition.ts';
import { loadFromArguments } from './load.ts';
import { Meter } from './meter.ts';

/** Ours, from socket to tally, with the parts of the collector as it runs them. `node bench/mqtt/rollcall-subscriber.ts PORT KIND QOS MESSAGES DEVICES`. */
const { port, kind, qos, messages } = loadFromArguments();
const meter = new Meter(messages);
const log = { debug: () => {}, info: () => console.log('subscribed'), warn: console.error };
const tally = new Tally(new Calendar('Asia/Shanghai'), Date.now());
const config = mqtt.configSchema.parse({
  id: 'bench',
  protocol: 'mqtt',
  url: `mqtt://127.0.0.1:${port}`,
  qos,
  ...(kind === 'sparkplug'
    ? { sparkplug: {} }
    : {
        topics: [
          {
            template: 'plants/{enterprise}/{site}/{device}/telemetry',
            payload: 'json',
            values: '/metrics',
            time: '/ts',
          },
        ],
      }),
});
const supervisor = new Supervisor([{ config, definition: mqtt, addressesPerSource: 200_000, queueBatches: 64 }], {
  books: new AddressBooks(() => Date.now()),
  tally,
  journal: new Journal(),
  clock: systemClock,
  random: Math.random,
  log,
  readSecret: () => Promise.reject(new Error('the benchmark has no secrets')),
  readFile: () => Promise.reject(new Error('the benchmark has no files')),
  stateFolderOf: () => '/nonexistent',
});
let seen = 0;
const fold = tally.fold.bind(tally);
tally.fold = (batch) => {
  const bad = fold(batch);
  meter.count(tally.observations - seen);
  seen = tally.observations;
  return bad;
};
supervisor.start();
meter.watch();
await meter.finished;
await supervisor.stop();
const task = supervisor.tasks.get('bench');
if (task === undefined || task.dropped > 0 || task.bad > 0) {
  console.error(`not a fair run: ${task?.dropped} dropped, ${task?.bad} bad`);
  process.exitCode = 1;
}
