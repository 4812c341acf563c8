import { createServer } from 'node:net';
import { Aedes, type AedesPublishPacket } from 'aedes';
import { expect, test } from 'vitest';
import { startMqttFleet } from '../../../simulators/mqtt-fleet.ts';
import type { Fault, SimulatedDevice } from '../../../simulators/plan.ts';
import { until } from '../../support/wait.ts';

interface Said {
  readonly topic: string;
  readonly text: string;
  readonly clientId: string | undefined;
}

/** A broker that keeps what its clients say; wills come without a client. */
async function startBroker() {
  const aedes = await Aedes.createBroker();
  const server = createServer(aedes.handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  const said: Said[] = [];
  const clients = new Set<string>();
  aedes.on('clientReady', ({ id }) => clients.add(id));
  aedes.on('publish', ({ topic, payload }: AedesPublishPacket, client) => {
    if (!topic.startsWith('$')) said.push({ topic, text: payload.toString(), clientId: client?.id });
  });
  return {
    url: `mqtt://127.0.0.1:${address.port}`,
    said,
    clients,
    of: (id: string, leaf = 'telemetry') => said.filter(({ topic }) => topic === `plants/yu/hall/${id}/${leaf}`),
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => aedes.close(resolve));
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function device(id: string, faults: Fault[] = []): SimulatedDevice {
  return {
    id,
    name: id,
    type: 'agv',
    enterprise: 'yu',
    site: 'hall',
    protocol: 'mqtt',
    manufacturer: 'Xingzhe',
    model: 'AG-500',
    serialNumber: `SN-${id}`,
    intervalMs: 20,
    faults,
  };
}

async function startFleet(url: string, devices: readonly SimulatedDevice[], sharedConnections?: number) {
  const shared = sharedConnections === undefined ? {} : { sharedConnections };
  const fleet = await startMqttFleet({ url, devices, seed: 7, ...shared });
  return { ...fleet, [Symbol.asyncDispose]: () => fleet.stop() };
}

test('every machine says on its own topic that it is simulated, and first who it is', async () => {
  await using broker = await startBroker();
  await using fleet = await startFleet(broker.url, [device('a'), device('b')]);
  expect(fleet.endpoint).toBe(broker.url);
  await until('values of both', () => broker.of('a').length >= 3 && broker.of('b').length >= 3);
  const [first, second, third] = broker.of('a').map(({ text }) => JSON.parse(text));
  expect(first).toMatchObject({ simulated: true, manufacturer: 'Xingzhe', serialNumber: 'SN-a', type: 'agv' });
  expect(second).toMatchObject({ simulated: true, metrics: { cycles: 2 } });
  expect(second).not.toHaveProperty('serialNumber');
  expect(third.metrics).not.toEqual(second.metrics);
  expect(Math.abs(first.ts - Date.now())).toBeLessThan(10_000);
});

test('the same seed gives the same values', async () => {
  const valuesOf = async (): Promise<unknown[]> => {
    await using broker = await startBroker();
    await using _fleet = await startFleet(broker.url, [device('a')]);
    await until('five messages', () => broker.of('a').length >= 5);
    return broker
      .of('a')
      .slice(0, 5)
      .map(({ text }) => JSON.parse(text).metrics);
  };
  expect(await valuesOf()).toEqual(await valuesOf());
});

test('a silent machine says nothing and keeps its connection', async () => {
  await using broker = await startBroker();
  await using _fleet = await startFleet(broker.url, [device('a', [{ kind: 'silent', afterS: 0 }]), device('b')]);
  await until('the other', () => broker.of('b').length >= 5);
  expect(broker.of('a')).toEqual([]);
  expect(broker.clients).toContain('simulated-a');
});

test('bad values are no JSON', async () => {
  await using broker = await startBroker();
  await using _fleet = await startFleet(broker.url, [device('a', [{ kind: 'bad-values', afterS: 0 }])]);
  await until('one', () => broker.of('a').length > 0);
  expect(() => JSON.parse(broker.of('a')[0]?.text ?? '')).toThrow(SyntaxError);
});

test('a dead machine leaves its will, comes back and says again who it is', async () => {
  await using broker = await startBroker();
  const faults: Fault[] = [{ kind: 'dead', afterS: 0.2, forS: 0.2 }];
  await using _fleet = await startFleet(broker.url, [device('a', faults)]);
  await until('the will', () => broker.of('a', 'status').some(({ text }) => text === 'offline'));
  const before = broker.of('a').length;
  await until('its return', () => broker.of('a').length > before);
  expect(JSON.parse(broker.of('a')[before]?.text ?? '')).toMatchObject({
    serialNumber: 'SN-a',
    metrics: { cycles: 1 },
  });
});

test('many machines may share a few connections, and a gateway says which of them is dead', async () => {
  await using broker = await startBroker();
  const devices = Array.from({ length: 200 }, (_, i) => device(`m${i}`, i === 3 ? [{ kind: 'dead', afterS: 0 }] : []));
  await using _fleet = await startFleet(broker.url, devices, 4);
  await until('all others', () => devices.every(({ id }, i) => i === 3 || broker.of(id).length > 0));
  await until('the dead one', () => broker.of('m3', 'status').length > 0);
  expect(broker.of('m3')).toEqual([]);
  expect(broker.clients.size).toBe(4);
});

test('machines connect when the broker comes later, and stop without one', async () => {
  await using broker = await startBroker();
  const { url } = broker;
  await broker[Symbol.asyncDispose]();
  const starting = startMqttFleet({ url, devices: [device('a')], seed: 1 });
  const server = createServer((await Aedes.createBroker()).handle);
  await new Promise<void>((resolve) => server.listen(Number(new URL(url).port), '127.0.0.1', resolve));
  const fleet = await starting;
  await fleet.stop();
  await new Promise((resolve) => server.close(resolve));
});
