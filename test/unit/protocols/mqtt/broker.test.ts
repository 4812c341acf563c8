import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { describe, expect, test } from 'vitest';
import { ProtocolError } from '../../../../protocols/errors.ts';
import { type EmbeddedBroker, startEmbeddedBroker } from '../../../../protocols/mqtt/broker.ts';
import { brokerConfig } from '../../../../protocols/mqtt/broker-config.ts';
import { passwordLine } from '../../../../protocols/mqtt/passwords.ts';
import { TEST_CERTIFICATES } from '../../../support/certificates.ts';
import { freePort } from '../../../support/port.ts';
import { until } from '../../../support/wait.ts';

const [OURS, THEIRS] = TEST_CERTIFICATES;
const log = { debug: () => {}, info: () => {}, warn: () => {} };

/** A broker on a free port, with the files it may read; `close` is called when disposed of. */
async function startBroker(change: Record<string, unknown>, files: Record<string, string> = {}) {
  const config = brokerConfig.parse({ port: await freePort(), ...change });
  const broker = await startEmbeddedBroker(config, {
    log,
    readFile: (path) => {
      const text = files[path];
      return text === undefined
        ? Promise.reject(new ProtocolError('refused', `reading ${path}: no such file`))
        : Promise.resolve(Buffer.from(text));
    },
  });
  return { ...broker, [Symbol.asyncDispose]: () => broker.close() };
}

/** A client that is connected, or the code by which it was refused. */
async function connect({ url }: EmbeddedBroker, options: IClientOptions = {}) {
  const client = mqtt.connect(url, { reconnectPeriod: 0, ...options });
  const outcome = await new Promise<unknown>((resolve) => {
    client.once('connect', () => resolve('connected'));
    client.once('error', (error) => resolve('code' in error ? error.code : error.message));
    client.once('close', () => resolve('closed'));
  });
  return { client, outcome, [Symbol.asyncDispose]: () => client.endAsync(true) };
}

function closed(client: MqttClient): Promise<void> {
  return new Promise((resolve) => client.once('close', () => resolve()));
}

describe('the embedded broker', () => {
  test('passes messages on', async () => {
    await using broker = await startBroker({ access: 'anonymous' });
    await using a = await connect(broker);
    await using b = await connect(broker);
    const got: string[] = [];
    b.client.on('message', (topic, payload) => got.push(`${topic} ${payload.toString()}`));
    await b.client.subscribeAsync('plants/#', { qos: 1 });
    await a.client.publishAsync('plants/x', '1', { qos: 1 });
    await until('the message', () => got.length > 0);
    expect(got).toEqual(['plants/x 1']);
  });

  test('lets in users of its password file only', async () => {
    const files = { users: await passwordLine('press-7', 'correct horse') };
    await using broker = await startBroker({ passwordFile: 'users' }, files);
    await using right = await connect(broker, { username: 'press-7', password: 'correct horse' });
    await using wrong = await connect(broker, { username: 'press-7', password: 'battery staple' });
    await using nobody = await connect(broker);
    expect([right.outcome, wrong.outcome, nobody.outcome]).toEqual(['connected', 5, 5]);
  });

  test('holds its users to their topics', async () => {
    const files = { users: `${await passwordLine('press-7', 'a')}\n${await passwordLine('collector', 'b')}` };
    const permissions = [
      { user: 'press-7', publish: ['plants/{user}/#'] },
      { user: 'collector', subscribe: ['plants/#'] },
    ];
    await using broker = await startBroker({ passwordFile: 'users', permissions }, files);
    await using device = await connect(broker, { username: 'press-7', password: 'a' });
    await using collector = await connect(broker, { username: 'collector', password: 'b' });
    await expect(device.client.subscribeAsync('plants/#')).rejects.toThrow();
    const got: string[] = [];
    collector.client.on('message', (topic) => got.push(topic));
    await collector.client.subscribeAsync('plants/#');
    await device.client.publishAsync('plants/press-7/t', '1', { qos: 1 });
    await until('the message', () => got.length > 0);
    const cut = closed(device.client);
    device.client.publish('plants/press-8/t', '1');
    await cut;
    expect(got).toEqual(['plants/press-7/t']);
  });

  test('keeps the topics of brokers for itself', async () => {
    await using broker = await startBroker({ access: 'anonymous' });
    await using sender = await connect(broker);
    const cut = closed(sender.client);
    sender.client.publish('$SYS/uptime', '1');
    await cut;
  });

  test('cuts a client off that announces a packet beyond the limit', async () => {
    await using broker = await startBroker({ access: 'anonymous', maxPacketBytes: 1_024 });
    await using sender = await connect(broker);
    const cut = closed(sender.client);
    sender.client.publish('a', Buffer.alloc(2_000));
    await cut;
  });

  test('keeps no more retained messages than it may, and no sessions', async () => {
    await using broker = await startBroker({ access: 'anonymous', maxRetained: 2 });
    await using a = await connect(broker, { clientId: 'a', clean: false });
    await a.client.subscribeAsync('s', { qos: 1 });
    for (const topic of ['r/1', 'r/2', 'r/3']) await a.client.publishAsync(topic, '1', { qos: 1, retain: true });
    await a.client.publishAsync('r/1', '', { qos: 1, retain: true });
    await a.client.publishAsync('r/4', '1', { qos: 1, retain: true });
    await using b = await connect(broker);
    const got: string[] = [];
    b.client.on('message', (topic, _payload, { retain }) => got.push(`${topic} ${retain}`));
    await b.client.subscribeAsync('r/#');
    await until('the retained messages', () => got.length >= 2);
    expect(got.sort()).toEqual(['r/2 true', 'r/4 true']);
    await a.client.endAsync(true);
    const again = mqtt.connect(broker.url, { clientId: 'a', clean: false, reconnectPeriod: 0 });
    const { sessionPresent } = await new Promise<{ sessionPresent: boolean }>((resolve) =>
      again.once('connect', resolve),
    );
    expect(sessionPresent).toBe(false);
    await again.endAsync(true);
  });

  test('takes no more connections than it may', async () => {
    await using broker = await startBroker({ access: 'anonymous', maxConnections: 1 });
    await using first = await connect(broker);
    await using second = await connect(broker);
    expect(first.outcome).toBe('connected');
    expect(second.outcome).not.toBe('connected');
  });

  test('speaks TLS, and asks for client certificates when told to', async () => {
    const files = { cert: OURS.certificate, key: OURS.key, clients: THEIRS.certificate };
    const tls = { certificate: 'cert', key: 'key', clientAuthority: 'clients' };
    await using broker = await startBroker({ access: 'anonymous', tls }, files);
    expect(broker.url).toMatch(/^mqtts:/);
    await using known = await connect(broker, { ca: OURS.certificate, cert: THEIRS.certificate, key: THEIRS.key });
    await using unknown = await connect(broker, { ca: OURS.certificate });
    expect(known.outcome).toBe('connected');
    expect(unknown.outcome).not.toBe('connected');
  });

  test('says what is wrong with its port and files', async () => {
    await using broker = await startBroker({ access: 'anonymous' });
    const port = Number(new URL(broker.url).port);
    await expect(startBroker({ access: 'anonymous', port })).rejects.toMatchObject({ code: 'unreachable' });
    await expect(startBroker({ passwordFile: 'users' })).rejects.toMatchObject({ code: 'refused' });
    const tls = { certificate: 'cert', key: 'key' };
    const files = { cert: OURS.certificate, key: THEIRS.key };
    await expect(startBroker({ access: 'anonymous', tls }, files)).rejects.toMatchObject({ code: 'configuration' });
  });

  test('frees its port when closed, also while clients are connected', async () => {
    const port = await freePort();
    for (let i = 0; i < 2; i++) {
      await using broker = await startBroker({ access: 'anonymous', port });
      const { outcome } = await connect(broker);
      expect(outcome).toBe('connected');
    }
  });
});

describe('the configuration of the broker', () => {
  test.each([
    [{}, /name a password file/],
    [{ access: 'anonymous', host: '0.0.0.0' }, /loopback only/],
    [{ access: 'anonymous', host: '127.evil.example' }, /loopback only/],
    [{ access: 'anonymous', passwordFile: 'users' }, /does not go with a password file/],
    [{ access: 'anonymous', permissions: [{ user: 'u' }] }, /nobody is somebody/],
    [{ passwordFile: 'users', permissions: [{ user: 'u', publish: ['a#'] }] }, /is not a topic filter/],
  ])('%j is refused', (config, why) => {
    const parsed = brokerConfig.safeParse(config);
    expect(parsed.error?.issues.map(({ message }) => message).join()).toMatch(why);
  });
});
