import { createServer, type Socket } from 'node:net';
import { modbus } from '../../protocols/modbus/definition.ts';
import { until } from '../support/wait.ts';
import { describeAdapterContract, type PeerUnderTest } from './adapter-contract.ts';

/** A device that answers every read with counting registers; written from the specification, without the product's code. */
async function startPeer(): Promise<PeerUnderTest> {
  const sockets = new Set<Socket>();
  let connections = 0;
  let answers = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      for (let at = 0; at + 12 <= chunk.length; at += 12) {
        const count = chunk.readUInt16BE(at + 10);
        const answer = Buffer.alloc(9 + count * 2);
        chunk.copy(answer, 0, at, at + 8);
        answer.writeUInt16BE(3 + count * 2, 4);
        answer.writeUInt8(count * 2, 8);
        answers += 1;
        for (let i = 0; i < count; i++) answer.writeUInt16BE((answers + i) & 0xffff, 9 + i * 2);
        socket.write(answer);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  const units = Array.from({ length: 32 }, (_, i) => ({ unitId: i + 1, points: [{ name: 'load', address: 0 }] }));
  const kill = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    adapter: (context) => {
      const config = modbus.configSchema.parse({
        id: 'under-test',
        protocol: 'modbus',
        host: '127.0.0.1',
        port: address.port,
        cycle: '100ms',
        units,
      });
      return modbus.create(config, context);
    },
    address: 'unit/1',
    connections: () => connections,
    async flood(observations) {
      const enough = answers + observations;
      await until('enough answers', () => answers >= enough, 30_000);
    },
    kill,
    close: kill,
  };
}

describeAdapterContract('Modbus TCP', startPeer);
