import { createServer, type Socket } from 'node:net';
import { Aedes } from 'aedes';
import { mqtt } from '../../protocols/mqtt/definition.ts';
import { describeAdapterContract, type PeerUnderTest } from './adapter-contract.ts';

/** A broker that publishes for one device itself, so that the only client is the adapter. */
async function startPeer(): Promise<PeerUnderTest> {
  const aedes = await Aedes.createBroker();
  const sockets = new Set<Socket>();
  let connections = 0;
  let messages = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    aedes.handle(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  const publish = (): Promise<void> =>
    new Promise((resolve, reject) => {
      messages += 1;
      const payload = Buffer.from(JSON.stringify({ ts: Date.now(), metrics: { load: messages } }));
      const packet = { cmd: 'publish', topic: 'plants/north/press-7/telemetry', payload, qos: 0 } as const;
      aedes.publish({ ...packet, dup: false, retain: false }, (error) => (error ? reject(error) : resolve()));
    });
  const timer = setInterval(() => void publish(), 50);
  let killed = false;
  const kill = async (): Promise<void> => {
    if (killed) return;
    killed = true;
    clearInterval(timer);
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    await new Promise<void>((resolve) => aedes.close(resolve));
  };
  return {
    adapter: (context) => {
      const config = mqtt.configSchema.parse({
        id: 'under-test',
        protocol: 'mqtt',
        url: `mqtt://127.0.0.1:${address.port}`,
        topics: [{ template: 'plants/{site}/{device}/telemetry', values: '/metrics', time: '/ts' }],
      });
      return mqtt.create(config, context);
    },
    address: 'north/press-7',
    connections: () => connections,
    flood: async (observations) => {
      for (let i = 0; i < observations; i++) await publish();
    },
    kill,
    close: kill,
  };
}

describeAdapterContract('MQTT', startPeer);
