import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PayloadReason } from '../../protocols/mqtt/payload-reason.ts';
import { startMqttFleet } from '../../simulators/mqtt-fleet.ts';
import type { SimulatedDevice } from '../../simulators/plan.ts';
import { temporaryFolder } from '../support/folder.ts';
import { freePort } from '../support/port.ts';
import { SourceUnderTest } from '../support/source-under-test.ts';
import { until } from '../support/wait.ts';
import { control, Mosquitto, makeCertificates, passwordFile, publish, withRoles } from './mqtt-peers.ts';

const TOPIC = 'plants/yu/hall/press-7/telemetry';
const ADDRESS = 'yu/hall/press-7';

function sourceAt(url: string, change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: 'broker',
    protocol: 'mqtt',
    url,
    topics: [
      {
        template: 'plants/{enterprise}/{site}/{device}/telemetry',
        values: '/metrics',
        time: '/ts',
        status: { template: 'plants/{enterprise}/{site}/{device}/status' },
      },
    ],
    ...change,
  };
}

function values(load: number, more: Record<string, unknown> = {}): string {
  return JSON.stringify({ ts: Date.now(), metrics: { load }, ...more });
}

function machine(id: string): SimulatedDevice {
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
    intervalMs: 1_000,
    faults: [],
  };
}

async function connected(source: SourceUnderTest): Promise<void> {
  await until('the connection', () => source.task.state === 'up');
}

describe('Mosquitto, with mosquitto_pub as the device', () => {
  test.each([
    ['3.1.1', '311'],
    ['5', '5'],
  ])('over MQTT %s, is counted by what it publishes', async (version, theirName) => {
    using folder = temporaryFolder();
    await using broker = await Mosquitto.start(folder.path);
    publish(broker.port, TOPIC, values(0), '-r', '-q', '1');
    await using source = new SourceUnderTest(
      sourceAt(`mqtt://127.0.0.1:${broker.port}`, { version, qos: 1 }),
      folder.path,
    );
    await connected(source);
    await until('the retained message', () => source.row(ADDRESS)?.weightless === 1);
    expect(source.row(ADDRESS)).toMatchObject({ good: 0, lastStatusCode: PayloadReason.retained });
    for (const load of [1, 2, 2, 3]) {
      publish(
        broker.port,
        TOPIC,
        values(load, { serialNumber: 'SN-7', manufacturer: 'Yu' }),
        '-q',
        '1',
        '-V',
        theirName,
      );
    }
    publish(broker.port, TOPIC, '{"metrics":');
    await until('all of them', () => source.row(ADDRESS)?.bad === 1);
    expect(source.row(ADDRESS)).toMatchObject({ good: 4, bad: 1, weightless: 1 });
    expect(source.row(ADDRESS)?.changes).toBe(2);
    expect(source.claims(ADDRESS)).toMatchObject({ claims: { serialNumber: 'SN-7', manufacturer: 'Yu' } });
    const entry = source.books.find('broker', ADDRESS);
    expect(entry?.protocol).toEqual({ family: 'mqtt', variant: version === '5' ? '5.0' : '3.1.1', reach: 'direct' });
    publish(broker.port, 'plants/yu/hall/press-7/status', 'offline');
    await until('the death', () => source.tally.sightings(entry?.index ?? -1).lastDeathAtMs > 0);
  });

  test('over websockets, is counted as well', async () => {
    using folder = temporaryFolder();
    const plainPort = await freePort();
    const settings = ['protocol websockets', `listener ${plainPort} 127.0.0.1`, 'allow_anonymous true'];
    await using broker = await Mosquitto.start(folder.path, settings);
    await using source = new SourceUnderTest(sourceAt(`ws://127.0.0.1:${broker.port}/mqtt`), folder.path);
    await connected(source);
    publish(plainPort, TOPIC, values(1));
    await until('it', () => source.row(ADDRESS)?.good === 1);
  });

  test('that denies one topic filter names it, and counts from the other, also after a reconnect', async () => {
    using folder = temporaryFolder();
    await using broker = await Mosquitto.start(folder.path, withRoles(folder.path));
    const dynsec = (...command: string[]): void => control(broker.port, ...command);
    const grant = (client: string, kind: string, filter: string): void => {
      dynsec('createClient', client, '-p', client);
      dynsec('createRole', client);
      dynsec('addRoleACL', client, kind, filter, 'allow');
      dynsec('addClientRole', client, client);
    };
    grant('collector', 'subscribePattern', 'plants/#');
    grant('device', 'publishClientSend', '#');
    const source = {
      ...sourceAt(`mqtt://127.0.0.1:${broker.port}`, { version: 5, username: 'collector', password: 'env:PW' }),
      topics: [{ template: 'plants/{e}/{s}/{d}/telemetry' }, { template: 'secret/{x}' }],
    };
    await using watched = new SourceUnderTest(source, folder.path, { 'env:PW': 'collector' });
    for (const round of [1, 2]) {
      await connected(watched);
      await until('the notice', () => watched.task.notices.length > 0);
      expect(watched.task.notices).toMatchObject([
        { code: 'subscription-refused', message: expect.stringContaining('secret/+ (not authorized)') },
      ]);
      publish(broker.port, 'secret/x', values(1), '-u', 'device', '-P', 'device');
      publish(broker.port, TOPIC, values(round), '-u', 'device', '-P', 'device');
      await until('the allowed one', () => watched.row(ADDRESS)?.good === round);
      expect(watched.row('x')).toBeUndefined();
      if (round === 1) await broker.restart('SIGKILL', () => until('the loss', () => watched.task.state !== 'up'));
    }
  });

  test('that refuses the password says so in words', async () => {
    using folder = temporaryFolder();
    const settings = ['allow_anonymous false', `password_file ${passwordFile(folder.path)}`];
    await using broker = await Mosquitto.start(folder.path, settings);
    const config = sourceAt(`mqtt://127.0.0.1:${broker.port}`, { username: 'collector', password: 'env:PW' });
    await using source = new SourceUnderTest(config, folder.path, { 'env:PW': 'wrong' });
    await until('the refusal', () => source.task.lastFailure !== undefined);
    expect(source.task.lastFailure).toMatchObject({
      code: 'refused',
      message: expect.stringContaining('not authorized'),
    });
  });

  test.each(['SIGKILL', 'SIGTERM'] as const)(
    'that restarts (%s) without persistence is subscribed anew; the time between is a gap',
    async (how) => {
      using folder = temporaryFolder();
      await using broker = await Mosquitto.start(folder.path);
      await using source = new SourceUnderTest(sourceAt(`mqtt://127.0.0.1:${broker.port}`), folder.path);
      await connected(source);
      publish(broker.port, TOPIC, values(1));
      await until('the first', () => source.row(ADDRESS)?.good === 1);
      await broker.restart(how, () => until('the loss', () => source.task.state !== 'up'));
      await connected(source);
      publish(broker.port, TOPIC, values(2));
      await until('the second', () => source.row(ADDRESS)?.good === 2);
      expect(source.journal.takeGaps()).toMatchObject([{ sourceId: 'broker', reason: 'source-down' }]);
    },
  );

  test('that keeps our session hands over what waited, and none of it weighs', async () => {
    using folder = temporaryFolder();
    const persistence = ['allow_anonymous true', 'persistence true', `persistence_location ${folder.path}/`];
    await using broker = await Mosquitto.start(folder.path, persistence);
    const config = sourceAt(`mqtt://127.0.0.1:${broker.port}`, {
      version: 5,
      qos: 1,
      session: 'persistent',
      sessionExpiry: '1h',
      clientId: 'rollcall-interop',
      ownStatus: 'rollcall/interop/status',
    });
    {
      await using first = new SourceUnderTest(config, folder.path);
      await connected(first);
      publish(broker.port, TOPIC, values(1), '-q', '1');
      await until('the first', () => first.row(ADDRESS)?.good === 1);
    }
    for (const load of [2, 3]) publish(broker.port, TOPIC, values(load), '-q', '1');
    await broker.restart('SIGTERM');
    await using second = new SourceUnderTest(config, folder.path);
    await until('what waited', () => second.row(ADDRESS)?.weightless === 2);
    expect(second.row(ADDRESS)).toMatchObject({ good: 0, lastStatusCode: PayloadReason.queued });
    await until('our own status', () => {
      publish(broker.port, TOPIC, values(4), '-q', '1');
      return (second.row(ADDRESS)?.good ?? 0) > 0;
    });
  });

  test('that loses our session (a wiped broker) is subscribed anew, and what comes weighs', async () => {
    using folder = temporaryFolder();
    await using broker = await Mosquitto.start(folder.path);
    const config = sourceAt(`mqtt://127.0.0.1:${broker.port}`, {
      qos: 1,
      session: 'persistent',
      clientId: 'rollcall-interop',
      ownStatus: 'rollcall/interop/status',
    });
    await using source = new SourceUnderTest(config, folder.path);
    await connected(source);
    await broker.restart('SIGKILL');
    await until('the loss', () => source.task.state !== 'up' || source.task.reconnects > 0);
    await connected(source);
    publish(broker.port, TOPIC, values(1), '-q', '1');
    await until('it', () => source.row(ADDRESS)?.good === 1);
  });

  test('where a cloned client id pushes us out again and again: told, although this broker gives no reason', async () => {
    using folder = temporaryFolder();
    await using broker = await Mosquitto.start(folder.path);
    const url = `mqtt://127.0.0.1:${broker.port}`;
    await using source = new SourceUnderTest(sourceAt(url, { version: 5, clientId: 'same' }), folder.path);
    for (const round of [1, 2, 3]) {
      await connected(source);
      publish(broker.port, 'other', 'x', '-i', 'same', '-V', '5');
      await until('the loss', () => source.task.reconnects >= round || source.task.state !== 'up');
    }
    await until('the notice', () => source.task.notices.some(({ code }) => code === 'client-id-doubted'));
  });

  test('shares the messages between two collectors', async () => {
    using folder = temporaryFolder();
    await using broker = await Mosquitto.start(folder.path);
    const config = sourceAt(`mqtt://127.0.0.1:${broker.port}`, { version: 5, share: 'rollcall', qos: 1 });
    await using one = new SourceUnderTest({ ...config, id: 'one' }, folder.path);
    await using two = new SourceUnderTest({ ...config, id: 'two' }, folder.path);
    await connected(one);
    await connected(two);
    for (let load = 0; load < 10; load++) publish(broker.port, TOPIC, values(load), '-q', '1');
    const good = () => [one.row(ADDRESS)?.good ?? 0, two.row(ADDRESS)?.good ?? 0] as const;
    await until('all of them', () => good()[0] + good()[1] === 10);
    expect(Math.min(...good())).toBeGreaterThan(0);
  });
});

describe('Mosquitto with TLS', () => {
  const listener = (c: ReturnType<typeof makeCertificates>, ...more: string[]) => [
    'allow_anonymous true',
    `certfile ${c.serverCertificate}`,
    `keyfile ${c.serverKey}`,
    ...more,
  ];

  test('is trusted by its authority alone', async () => {
    using folder = temporaryFolder();
    const certificates = makeCertificates(join(folder.path, 'pki'));
    await using broker = await Mosquitto.start(folder.path, listener(certificates));
    const url = `mqtts://127.0.0.1:${broker.port}`;
    await using trusting = new SourceUnderTest(sourceAt(url, { tls: { ca: certificates.ca } }), folder.path);
    await using doubting = new SourceUnderTest(sourceAt(url), folder.path);
    await using elsewhere = new SourceUnderTest(
      sourceAt(url, { tls: { ca: certificates.ca, servername: 'other.example' } }),
      folder.path,
    );
    await connected(trusting);
    publish(broker.port, TOPIC, values(1), '--cafile', certificates.ca, '-h', '127.0.0.1');
    await until('it', () => trusting.row(ADDRESS)?.good === 1);
    for (const source of [doubting, elsewhere]) {
      await until('the doubt', () => source.task.lastFailure !== undefined);
      expect(source.task.lastFailure).toMatchObject({ code: 'untrusted' });
    }
  });

  test('that asks for a client certificate takes ours and no stranger’s', async () => {
    using folder = temporaryFolder();
    const certificates = makeCertificates(join(folder.path, 'pki'));
    const { ca, clientCertificate, clientKey, strangerCertificate, strangerKey } = certificates;
    await using broker = await Mosquitto.start(
      folder.path,
      listener(certificates, `cafile ${ca}`, 'require_certificate true', 'use_identity_as_username true'),
    );
    const url = `mqtts://127.0.0.1:${broker.port}`;
    const withCertificate = (certificate: string, key: string) =>
      sourceAt(url, { tls: { ca, certificate, key, servername: 'broker.plant.example', minVersion: '1.3' } });
    await using ours = new SourceUnderTest(withCertificate(clientCertificate, clientKey), folder.path);
    await using strangers = new SourceUnderTest(withCertificate(strangerCertificate, strangerKey), folder.path);
    await connected(ours);
    await until('the refusal', () => strangers.task.lastFailure !== undefined);
    expect(strangers.task.reconnects).toBe(0);
    expect(strangers.row(ADDRESS)).toBeUndefined();
  });
});

describe('the simulated fleet on Mosquitto', () => {
  test('1,000 machines over shared connections are all live', async () => {
    using folder = temporaryFolder();
    await using broker = await Mosquitto.start(folder.path);
    const url = `mqtt://127.0.0.1:${broker.port}`;
    await using source = new SourceUnderTest(sourceAt(url), folder.path);
    await connected(source);
    const devices = Array.from({ length: 1_000 }, (_, i) => machine(`m${i}`));
    const fleet = await startMqttFleet({ url, devices, seed: 1, sharedConnections: 8 });
    try {
      await until('all of them', () => devices.every(({ id }) => (source.row(`yu/hall/${id}`)?.good ?? 0) > 0), 20_000);
    } finally {
      await fleet.stop();
    }
    expect(source.task.dropped).toBe(0);
    expect(source.claims('yu/hall/m999')).toMatchObject({ claims: { simulated: true, serialNumber: 'SN-m999' } });
  });
});
