import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { get } from 'sparkplug-payload';
import { loadFromArguments } from './load.ts';

/**
 * Floods a broker with publishes, encoded once and written straight to a socket, so that the publisher is never what
 * is measured. `node bench/mqtt/publisher.ts PORT KIND QOS MESSAGES DEVICES [PER-SECOND]`; ends when the last byte is written.
 */
const { port, kind, qos, messages, devices, perSecond = Infinity } = loadFromArguments();
/** Sparkplug devices are behind edge nodes, so many behind each. */
const DEVICES_PER_NODE = 100;
/** Sparkplug 3.0, 6.4.1: sequence numbers are 0 to 255. */
const SEQUENCE = 256;

/** MQTT 3.1.1, 2.2.3: the remaining length as a variable-length integer. */
function remainingLength(length: number): number[] {
  const bytes: number[] = [];
  let rest = length;
  do {
    const digit = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? digit | 128 : digit);
  } while (rest > 0);
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
}

function packet(firstByte: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([firstByte, ...remainingLength(body.length)]), body]);
}

function publish(message: number): Buffer {
  const [topic, payload] = kind === 'json' ? jsonMessage(message) : sparkplugMessage(message);
  if (qos === 0) return packet(0x30, text(topic), payload);
  const id = (message % 65_535) + 1;
  return packet(0x32, text(topic), Buffer.from([id >> 8, id & 255]), payload);
}

function jsonMessage(message: number): readonly [string, Buffer] {
  const device = message % devices;
  const payload = {
    ts: Date.now(),
    metrics: {
      load: ((message * 37) % 1000) / 10,
      temperature: 20 + (message % 400) / 10,
      running: true,
      hours: message,
    },
  };
  return [`plants/e${device % 7}/s${device % 13}/device-${device}/telemetry`, Buffer.from(JSON.stringify(payload))];
}

const nodes = Math.ceil(devices / DEVICES_PER_NODE);
const sequences = new Uint32Array(nodes);
/** One payload for each sequence number and kind of message, encoded before the first is sent. */
const encoded = new Map<string, Buffer>();

/** The births of all nodes and devices, then data in turn. */
function sparkplugMessage(message: number): readonly [string, Buffer] {
  if (message < nodes) return [`spBv1.0/G/NBIRTH/n${message}`, sparkplugPayload('birth', sequenceOf(message))];
  const device = (message - nodes) % devices;
  const node = Math.floor(device / DEVICES_PER_NODE);
  const isBirth = message < nodes + devices;
  const topic = `spBv1.0/G/${isBirth ? 'DBIRTH' : 'DDATA'}/n${node}/d${device}`;
  return [topic, sparkplugPayload(isBirth ? 'birth' : 'data', sequenceOf(node))];
}

function sequenceOf(node: number): number {
  const seq = sequences[node] ?? 0;
  sequences[node] = (seq + 1) % SEQUENCE;
  return seq;
}

function sparkplugPayload(what: 'birth' | 'data', seq: number): Buffer {
  const key = `${what} ${seq}`;
  let bytes = encoded.get(key);
  if (bytes === undefined) {
    const metrics = ['load', 'temperature', 'running', 'hours'].map((name, alias) => {
      const value = { type: 'Double' as const, value: seq + alias / 10 };
      return what === 'birth' ? { name, alias, ...value } : { alias, ...value };
    });
    bytes = Buffer.from(get('spBv1.0')?.encodePayload({ timestamp: Date.now(), seq, metrics }) ?? []);
    encoded.set(key, bytes);
  }
  return bytes;
}

const socket = connect({ port, host: '127.0.0.1', noDelay: true });
await new Promise<void>((resolve, reject) => {
  socket.once('error', reject);
  socket.once('connect', () => {
    socket.write(packet(0x10, text('MQTT'), Buffer.from([4, 2, 0, 60]), text('bench-publisher')));
  });
  socket.once('data', () => resolve());
});
// acknowledgements of QoS 1 are taken and forgotten
socket.resume();
const CHUNK = 500;
const startedAtMs = performance.now();
for (let sent = 0; sent < messages; sent += CHUNK) {
  const earlyMs = (sent / perSecond) * 1000 - (performance.now() - startedAtMs);
  if (earlyMs > 1) await delay(earlyMs);
  const chunk = Buffer.concat(Array.from({ length: Math.min(CHUNK, messages - sent) }, (_, i) => publish(sent + i)));
  if (!socket.write(chunk)) await new Promise((resolve) => socket.once('drain', resolve));
}
await new Promise<void>((resolve) => socket.end(packet(0xe0), resolve));
