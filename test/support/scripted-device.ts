import { createServer, type Socket } from 'node:net';

/** A Modbus request as a scripted device sees it. */
export interface SeenRequest {
  readonly transactionId: number;
  readonly unitId: number;
  readonly pdu: Buffer;
}

/** A TCP device that does whatever a test says: for faults that no honest device shows. */
export class ScriptedDevice {
  readonly requests: SeenRequest[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server;
  connections = 0;
  /** Called with each connection before anything is read from it. */
  onConnection: (socket: Socket) => void = () => {};

  constructor(answer: (request: SeenRequest, socket: Socket) => void) {
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      this.onConnection(socket);
      socket.on('error', () => {});
      socket.once('close', () => this.#sockets.delete(socket));
      let held = Buffer.alloc(0);
      socket.on('data', (chunk) => {
        held = Buffer.concat([held, chunk]);
        while (held.length >= 6 && held.length >= 6 + held.readUInt16BE(4)) {
          const end = 6 + held.readUInt16BE(4);
          const request = {
            transactionId: held.readUInt16BE(0),
            unitId: held.readUInt8(6),
            pdu: Buffer.from(held.subarray(7, end)),
          };
          held = held.subarray(end);
          this.requests.push(request);
          answer(request, socket);
        }
      });
    });
  }

  /** Connections that are open. */
  get open(): number {
    return this.#sockets.size;
  }

  /** Resets every connection. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('no port was given');
    return address.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** The bytes of a Modbus TCP frame. */
export function frame(transactionId: number, unitId: number, pdu: readonly number[], protocolId = 0): Buffer {
  const bytes = Buffer.alloc(7 + pdu.length);
  bytes.writeUInt16BE(transactionId, 0);
  bytes.writeUInt16BE(protocolId, 2);
  bytes.writeUInt16BE(pdu.length + 1, 4);
  bytes.writeUInt8(unitId, 6);
  bytes.set(pdu, 7);
  return bytes;
}

/** An honest device's answer: every register of a read holds `register`; anything but a read is an illegal function. */
export function registersOf({ pdu }: SeenRequest, register: number): number[] {
  const functionCode = pdu[0] ?? 0;
  if (functionCode !== 3 && functionCode !== 4) return [functionCode | 0x80, 1];
  const count = pdu.readUInt16BE(3);
  return [functionCode, count * 2, ...Array.from({ length: count }, () => [register >> 8, register & 0xff]).flat()];
}
