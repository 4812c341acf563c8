import mqtt from 'mqtt';
import { filterOf, loadFromArguments } from './load.ts';
import { Meter } from './meter.ts';

/** The baseline: MQTT.js that only counts. `node bench/mqtt/bare-subscriber.ts PORT KIND QOS MESSAGES DEVICES`. */
const load = loadFromArguments();
const { port, messages, qos } = load;
const meter = new Meter(messages);
// Without the empty log the library formats a debug line for every packet; ours does without, so the baseline does.
const options = { clientId: 'bench-bare', reconnectPeriod: 0, log: () => {} };
const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, options);
client.on('message', () => meter.count(1));
await new Promise<void>((resolve) => client.once('connect', () => resolve()));
await client.subscribeAsync(filterOf(load), { qos });
meter.watch();
console.log('subscribed');
await meter.finished;
await client.endAsync(true);
