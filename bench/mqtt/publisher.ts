import { connect } from 'node:net';

/**
 * Floods a broker with QoS 0 publishes, encoded once and written straight to a socket, so that the publisher is never
 * what is measured. `node bench/mqtt/publisher.ts PORT MESSAGES DEVICES`; ends when the last byte is written.
 */
const [port = 0, messages = 0, devices = 1] = process.argv.slice(2).map(Number);

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
  const device = message % devices;
  const topic = `plants/e${device % 7}/s${device % 13}/device-${device}/telemetry`;
  const payload = JSON.stringify({
    ts: Date.now(),
    metrics: {
      load: ((message * 37) % 1000) / 10,
      temperature: 20 + (message % 400) / 10,
      running: true,
      hours: message,
    },
  });
  return packet(0x30, text(topic), Buffer.from(payload));
}

const socket = connect({ port, host: '127.0.0.1', noDelay: true });
await new Promise<void>((resolve, reject) => {
  socket.once('error', reject);
  socket.once('connect', () => {
    socket.write(packet(0x10, text('MQTT'), Buffer.from([4, 2, 0, 60]), text('bench-publisher')));
  });
  socket.once('data', () => resolve());
});
const CHUNK = 500;
for (let sent = 0; sent < messages; sent += CHUNK) {
  const chunk = Buffer.concat(Array.from({ length: Math.min(CHUNK, messages - sent) }, (_, i) => publish(sent + i)));
  if (!socket.write(chunk)) await new Promise((resolve) => socket.once('drain', resolve));
}
await new Promise<void>((resolve) => socket.end(packet(0xe0), resolve));
