import { createServer, type Server, type Socket } from 'node:net';

/** Packet types (MQTT 5.0, 2.1.2). */
export const PacketType = {
  connect: 1,
  publish: 3,
  subscribe: 8,
  unsubscribe: 10,
  pingreq: 12,
  disconnect: 14,
} as const;

/** A packet as it came: type, flags and the bytes after the fixed header. */
export interface RawPacket {
  readonly type: number;
  readonly flags: number;
  readonly body: Buffer;
}

/**
 * A broker that does exactly what a test says, written from the specification without any MQTT library: for what no
 * well-behaved broker would do.
 */
export class ScriptedBroker {
  readonly url: string;
  readonly received: RawPacket[] = [];
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.url = `mqtt://127.0.0.1:${port}`;
  }

  /** `onPacket` is called for every packet and answers, or does not, by writing to the socket. */
  static async start(onPacket: (packet: RawPacket, socket: Socket) => void): Promise<ScriptedBroker> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port was given');
    const broker = new ScriptedBroker(server, address.port);
    server.on('connection', (socket) => broker.#accept(socket, onPacket));
    return broker;
  }

  packets(type: number): RawPacket[] {
    return this.received.filter((packet) => packet.type === type);
  }

  /** Cuts all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(socket: Socket, onPacket: (packet: RawPacket, socket: Socket) => void): void {
    this.connections += 1;
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => this.#sockets.delete(socket));
    let gathered = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      gathered = Buffer.concat([gathered, chunk]);
      for (let parsed = parse(gathered); parsed !== undefined; parsed = parse(gathered)) {
        gathered = gathered.subarray(parsed.size);
        this.received.push(parsed.packet);
        onPacket(parsed.packet, socket);
      }
    });
  }
}

function parse(bytes: Buffer): { packet: RawPacket; size: number } | undefined {
  let length = 0;
  for (let at = 1, shift = 0; at < bytes.length && at < 5; at++, shift += 7) {
    const byte = bytes[at] ?? 0;
    length += (byte & 0x7f) << shift;
    if ((byte & 0x80) !== 0) continue;
    const size = at + 1 + length;
    if (bytes.length < size) return undefined;
    const first = bytes[0] ?? 0;
    return { packet: { type: first >> 4, flags: first & 15, body: bytes.subarray(at + 1, size) }, size };
  }
  return undefined;
}

export function packet(firstByte: number, ...parts: (Buffer | number[])[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const length: number[] = [];
  for (let rest = body.length; ; rest = Math.floor(rest / 128)) {
    length.push(rest >= 128 ? (rest % 128) | 128 : rest);
    if (rest < 128) break;
  }
  return Buffer.concat([Buffer.from([firstByte, ...length]), body]);
}

/** A string with its length before it (MQTT 5.0, 1.5.4). */
export function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
}

/** CONNACK of MQTT 3.1.1 (3.2); with `properties: true` that of 5.0. */
export function connack(code = 0, options: { sessionPresent?: boolean; properties?: boolean } = {}): Buffer {
  return packet(0x20, [options.sessionPresent === true ? 1 : 0, code, ...(options.properties === true ? [0] : [])]);
}

/** SUBACK of MQTT 3.1.1 (3.9) to a SUBSCRIBE. */
export function suback(subscribe: RawPacket, ...codes: number[]): Buffer {
  return packet(0x90, subscribe.body.subarray(0, 2), codes);
}

/** The topic filters of a SUBSCRIBE of MQTT 3.1.1 (3.8.3). */
export function filtersOf({ body }: RawPacket): string[] {
  const filters: string[] = [];
  for (let at = 2; at + 2 < body.length; ) {
    const length = body.readUInt16BE(at);
    filters.push(body.toString('utf8', at + 2, at + 2 + length));
    at += 2 + length + 1;
  }
  return filters;
}

/** PUBLISH at QoS 0 (MQTT 3.1.1, 3.3). */
export function publish(topic: string | Buffer, payload: string, flags = 0): Buffer {
  const name = Buffer.from(topic);
  return packet(0x30 | flags, [name.length >> 8, name.length & 255], name, Buffer.from(payload));
}
