import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { MqttAdapter } from '../../../../protocols/mqtt/adapter.ts';
import { PayloadReason } from '../../../../protocols/mqtt/payload-reason.ts';
import { Quality } from '../../../../protocols/observation.ts';
import { until } from '../../../support/wait.ts';
import {
  connack,
  filtersOf,
  PacketType,
  packet,
  publish,
  type RawPacket,
  ScriptedBroker,
  suback,
  text,
} from './scripted-broker.ts';
import { testConfig, testContext, Watched } from './support.ts';

const TOPIC = 'plants/north/press-7/telemetry';

/** A broker of good manners; `change` takes over the packets it returns true for. */
function mannered(change: (packet: RawPacket, socket: Socket) => boolean = () => false) {
  return ScriptedBroker.start((packet, socket) => {
    if (change(packet, socket)) return;
    if (packet.type === PacketType.connect) socket.write(connack());
    if (packet.type === PacketType.subscribe) socket.write(suback(packet, 0));
    if (packet.type === PacketType.disconnect) socket.end();
  });
}

function watch(broker: ScriptedBroker, change: Record<string, unknown> = {}, context = testContext()) {
  return new Watched(new MqttAdapter(testConfig(broker.url, change), context), context);
}

describe('subscribing', () => {
  test('one denied filter in a multi-filter SUBSCRIBE silently drops the others: one filter a packet, the denied one named', async () => {
    await using broker = await mannered((packet, socket) => {
      if (packet.type !== PacketType.subscribe || filtersOf(packet)[0] !== 'secret/+') return false;
      socket.write(suback(packet, 128));
      return true;
    });
    const topics = [{ template: 'plants/{site}/{device}/telemetry' }, { template: 'secret/{x}' }];
    await using watched = watch(broker, { topics });
    await until('the notice', () => watched.notice('subscription-refused') !== undefined);
    const subscribes = broker.packets(PacketType.subscribe);
    expect(subscribes.map((packet) => filtersOf(packet).length)).toEqual([1, 1]);
    expect(watched.notice('subscription-refused')).toMatchObject({
      level: 'error',
      message: 'the broker refuses 1 of 2 topic filters: secret/+ (refused without a reason)',
    });
    expect(watched.eventsOf('connected')).toMatchObject([{ detail: expect.stringContaining('1 of 2') }]);
  });

  test('a filter that is granted at the next connection takes the notice back', async () => {
    let code = 128;
    await using broker = await mannered((packet, socket) => {
      if (packet.type !== PacketType.subscribe || filtersOf(packet)[0] !== 'secret/+') return false;
      socket.write(suback(packet, code));
      return true;
    });
    const context = testContext();
    const topics = [{ template: 'plants/{site}/{device}/telemetry' }, { template: 'secret/{x}' }];
    const adapter = new MqttAdapter(testConfig(broker.url, { topics }), context);
    {
      await using first = new Watched(adapter, context);
      await until('the notice', () => first.notice('subscription-refused')?.level === 'error');
      broker.cut();
      await until('the loss', () => first.ended);
    }
    code = 0;
    await using second = new Watched(adapter, context);
    await until('the notice', () => second.notice('subscription-refused')?.level === 'cleared');
    expect(broker.packets(PacketType.subscribe)).toHaveLength(4);
  });

  test('is refused altogether when every filter is', async () => {
    await using broker = await mannered((packet, socket) => {
      if (packet.type === PacketType.subscribe) socket.write(suback(packet, 128));
      return packet.type === PacketType.subscribe;
    });
    await using watched = watch(broker);
    await until('the end', () => watched.ended);
    expect(watched.failure).toMatchObject({ code: 'refused', hint: expect.stringContaining('plants/+/+/telemetry') });
    expect(watched.eventsOf('connected')).toEqual([]);
  });

  test('to a broker that never answers ends after the deadline', async () => {
    await using broker = await mannered((packet) => packet.type === PacketType.subscribe);
    await using watched = watch(broker, { connectTimeout: '1s' });
    await until('the end', () => watched.ended);
    expect(watched.failure).toMatchObject({ code: 'timeout' });
  });

  test('cut off by the broker is a lost connection, not a refusal', async () => {
    await using broker = await mannered((packet, socket) => {
      if (packet.type === PacketType.subscribe) socket.destroy();
      return packet.type === PacketType.subscribe;
    });
    await using watched = watch(broker);
    await until('the end', () => watched.ended);
    expect(watched.failure).toMatchObject({ code: 'connection-lost' });
  });

  test('shares the work of several collectors under a name, except for our own status', async () => {
    await using broker = await mannered();
    await using watched = watch(broker, { share: 'rollcall', ownStatus: 'rollcall/a' });
    await until('the connection', () => watched.eventsOf('connected').length > 0);
    expect(broker.packets(PacketType.subscribe).flatMap(filtersOf)).toEqual([
      '$share/rollcall/plants/+/+/telemetry',
      'rollcall/a',
    ]);
  });
});

describe('connecting', () => {
  test.each([
    [1, 'refused', /unacceptable protocol version/],
    [2, 'refused', /client identifier rejected/],
    [3, 'unreachable', /server unavailable/],
    [4, 'refused', /bad user name or password/],
    [5, 'refused', /not authorized/],
  ])('answered with return code %d is %s', async (code, errorCode, message) => {
    await using broker = await mannered((packet, socket) => {
      if (packet.type === PacketType.connect) socket.end(connack(code));
      return packet.type === PacketType.connect;
    });
    await using watched = watch(broker);
    await until('the end', () => watched.ended);
    expect(watched.failure).toMatchObject({ code: errorCode, message: expect.stringMatching(message) });
  });

  test('to something that is no broker is a failure in words', async () => {
    await using broker = await ScriptedBroker.start((_packet, socket) => {
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    await using watched = watch(broker);
    await until('the end', () => watched.ended);
    expect(watched.failure).toMatchObject({ name: 'ProtocolError', code: 'unreachable' });
  });

  test('to something silent ends after the deadline', async () => {
    await using broker = await ScriptedBroker.start(() => {});
    await using watched = watch(broker, { connectTimeout: '1s' });
    await until('the end', () => watched.ended);
    expect(watched.failure).toMatchObject({ code: 'timeout', message: expect.stringContaining('no answer') });
  });

  test('stopped while nobody answers ends at once and quietly', async () => {
    await using broker = await ScriptedBroker.start(() => {});
    const watched = watch(broker, { connectTimeout: '1m' });
    await until('the connection', () => broker.connections > 0);
    await watched[Symbol.asyncDispose]();
    expect(watched).toMatchObject({ ended: true, failure: undefined });
  });

  test('with a secret that cannot be read is refused before a byte is sent', async () => {
    await using broker = await mannered();
    await using watched = watch(broker, { username: 'u', password: 'env:ABSENT' });
    await until('the end', () => watched.ended);
    expect(watched.failure).toMatchObject({ code: 'refused', message: expect.stringContaining('env:ABSENT') });
    expect(broker.connections).toBe(0);
  });

  test('uses one client id at every connection, and another for another source', async () => {
    await using broker = await mannered();
    const idsOf = async (sourceId: string): Promise<string> => {
      const context = testContext({ sourceId });
      await using watched = watch(broker, {}, context);
      await until('the connection', () => watched.eventsOf('connected').length > 0);
      const { body } = broker.packets(PacketType.connect).at(-1) as RawPacket;
      return body.toString('utf8', 12);
    };
    const [first, again, other] = [await idsOf('plant'), await idsOf('plant'), await idsOf('line')];
    expect(first).toMatch(/^rollcall-plant-[0-9a-f]{8}$/);
    expect(again).toBe(first);
    expect(other).toMatch(/^rollcall-line-/);
  });
});

describe('a connection', () => {
  test('survives 10,000 retained messages at connect, which weigh nothing; what does not fit is counted', async () => {
    const retained = Buffer.concat(
      Array.from({ length: 10_000 }, (_, i) => publish(`plants/north/d${i}/telemetry`, '{"metrics":{"v":1}}', 1)),
    );
    await using broker = await mannered((packet, socket) => {
      if (packet.type !== PacketType.subscribe) return false;
      socket.write(Buffer.concat([suback(packet, 0), retained]));
      return true;
    });
    await using watched = watch(broker, {}, testContext({ queueBatches: 8 }));
    const dropped = () => watched.eventsOf('gap').reduce((sum, gap) => sum + gap.dropped, 0);
    await until('all of them', () => watched.seen.length + dropped() >= 10_000);
    expect(watched.seen.every(({ quality }) => quality === Quality.weightless)).toBe(true);
    expect(watched.events[0]?.kind).toBe('connected');
    expect(broker.connections).toBe(1);
    expect(watched.ended).toBe(false);
  });

  test('says `connected` before what it learned while subscribing', async () => {
    await using broker = await mannered((packet, socket) => {
      if (packet.type !== PacketType.subscribe) return false;
      const said = publish(TOPIC, '{"serialNumber":"S1","metrics":{"v":1}}', 1);
      socket.write(Buffer.concat([suback(packet, 0), said]));
      return true;
    });
    await using watched = watch(broker);
    await until('the identity', () => watched.eventsOf('identity').length > 0);
    expect(watched.events.map(({ kind }) => kind).filter((kind) => kind !== 'notice')).toEqual([
      'connected',
      'identity',
    ]);
  });

  test('taken over by a cloned client id says so, and counts how often', async () => {
    // MQTT 5.0, 3.14.2.1: 0x8E, session taken over.
    await using broker = await ScriptedBroker.start((received, socket) => {
      if (received.type === PacketType.connect) socket.write(connack(0, { properties: true }));
      if (received.type === PacketType.subscribe) {
        socket.write(packet(0x90, received.body.subarray(0, 2), [0, 0]));
        socket.end(packet(0xe0, [0x8e, 0]));
      }
    });
    const context = testContext();
    const adapter = new MqttAdapter(testConfig(broker.url, { version: 5 }), context);
    for (const times of [1, 2]) {
      await using watched = new Watched(adapter, context);
      await until('the end', () => watched.ended);
      expect(watched.failure).toMatchObject({
        code: 'connection-lost',
        message: expect.stringContaining('taken over'),
      });
      expect(watched.notice('client-id-taken')).toMatchObject({ message: expect.stringContaining(`${times} times`) });
    }
  });

  test('announced a packet of 256 MiB is cut before it is gathered', async () => {
    await using broker = await mannered((packet, socket) => {
      if (packet.type !== PacketType.subscribe) return false;
      socket.write(Buffer.concat([suback(packet, 0), Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f])]));
      return true;
    });
    await using watched = watch(broker);
    await until('the end', () => watched.ended);
    expect(watched.failure).toMatchObject({ code: 'violation' });
  });

  test('lost in mid-packet yields what came before', async () => {
    await using broker = await mannered((packet, socket) => {
      if (packet.type !== PacketType.subscribe) return false;
      const whole = publish(TOPIC, '{"metrics":{"v":1}}');
      socket.end(Buffer.concat([suback(packet, 0), whole, whole.subarray(0, 10)]));
      return true;
    });
    await using watched = watch(broker);
    await until('the end', () => watched.ended);
    expect(watched.seen).toMatchObject([{ address: 'north/press-7', quality: Quality.good }]);
    expect(watched.failure).toMatchObject({ code: 'connection-lost' });
  });

  test('brings an invalid UTF-8 topic without harm to the others', async () => {
    await using broker = await mannered((packet, socket) => {
      if (packet.type !== PacketType.subscribe) return false;
      const bad = publish(
        Buffer.from([...Buffer.from('plants/n/'), 0xc3, 0x28, ...Buffer.from('/telemetry')]),
        '{"metrics":{"v":1}}',
      );
      socket.write(Buffer.concat([suback(packet, 0), bad, publish(TOPIC, '{"metrics":{"v":1}}')]));
      return true;
    });
    await using watched = watch(broker);
    await until('the good one', () => watched.seen.length > 0);
    expect(watched.seen).toMatchObject([{ address: 'north/press-7', quality: Quality.good }]);
    expect(watched.notice('malformed-topic')).toBeDefined();
  });

  test('on which only retained messages come makes nobody live', async () => {
    await using broker = await mannered((packet, socket) => {
      if (packet.type !== PacketType.subscribe) return false;
      socket.write(Buffer.concat([suback(packet, 0), publish(TOPIC, '{"metrics":{"v":1}}', 1)]));
      return true;
    });
    await using watched = watch(broker);
    await until('it', () => watched.seen.length > 0);
    expect(watched.seen).toMatchObject([{ quality: Quality.weightless, statusCode: PayloadReason.retained }]);
  });
});

describe('a persistent session', () => {
  const persistent = { session: 'persistent', clientId: 'rc', ownStatus: 'rollcall/rc', qos: 1 };

  test('that goes on weighs nothing until our own status comes back: what waited is of unknown age', async () => {
    await using broker = await mannered((received, socket) => {
      if (received.type === PacketType.connect) {
        socket.write(Buffer.concat([connack(0, { sessionPresent: true }), publish(TOPIC, '{"metrics":{"v":1}}')]));
        return true;
      }
      // Our own status comes back as it was sent, which is not retained any more (MQTT 3.1.1, 3.3.1.3).
      if (received.type === PacketType.publish) {
        socket.write(Buffer.concat([packet(0x30, received.body), publish(TOPIC, '{"metrics":{"v":2}}')]));
        return true;
      }
      return false;
    });
    await using watched = watch(broker, persistent);
    await until('both', () => watched.seen.length >= 2);
    expect(watched.seen).toMatchObject([
      { quality: Quality.weightless, statusCode: PayloadReason.queued },
      { quality: Quality.good },
    ]);
  });

  test('that the broker has lost is subscribed again, and what comes is fresh', async () => {
    await using broker = await mannered((packet, socket) => {
      if (packet.type !== PacketType.subscribe || filtersOf(packet)[0] === 'rollcall/rc') return false;
      socket.write(Buffer.concat([suback(packet, 1), publish(TOPIC, '{"metrics":{"v":1}}')]));
      return true;
    });
    await using watched = watch(broker, persistent);
    await until('the message', () => watched.seen.length > 0);
    expect(watched.seen).toMatchObject([{ quality: Quality.good }]);
    const { body } = broker.packets(PacketType.connect)[0] as RawPacket;
    // MQTT 3.1.1, 3.1.2.4: clean session is bit 1 of the connect flags.
    expect((body[7] ?? 0) & 2).toBe(0);
  });
});

describe('our own status', () => {
  test('is a birth, a will and a goodbye, all retained', async () => {
    await using broker = await mannered();
    {
      await using watched = watch(broker, { ownStatus: 'rollcall/a' });
      await until('the birth', () => broker.packets(PacketType.publish).length > 0);
      expect(watched.ended).toBe(false);
    }
    await until('the goodbye', () => broker.packets(PacketType.disconnect).length > 0);
    const { body } = broker.packets(PacketType.connect)[0] as RawPacket;
    // MQTT 3.1.1, 3.1.2.5 and 3.1.2.7: will flag and will retain.
    expect((body[7] ?? 0) & 0b0010_0100).toBe(0b0010_0100);
    expect(body.includes(Buffer.concat([text('rollcall/a'), text('offline')]))).toBe(true);
    const said = broker
      .packets(PacketType.publish)
      .map(({ flags, body: bytes }) => [flags & 1, bytes.toString('utf8', 12)]);
    expect(said).toEqual([
      [1, 'online'],
      [1, 'offline'],
    ]);
  });
});

describe('a deaf link', () => {
  test('is asked again: subscriptions are made anew, and what had been withheld is a gap', async () => {
    let subscribes = 0;
    await using broker = await mannered((packet, socket) => {
      if (packet.type !== PacketType.subscribe) return false;
      subscribes += 1;
      socket.write(suback(packet, 0));
      if (subscribes > 1) socket.write(publish(TOPIC, '{"metrics":{"v":1}}'));
      return true;
    });
    await using watched = watch(broker, { silence: '1s' });
    await until('the gap', () => watched.eventsOf('gap').length > 0);
    expect(watched.eventsOf('gap')).toMatchObject([{ reason: 'deaf', dropped: 0 }]);
    expect(watched.seen).toMatchObject([{ quality: Quality.good }]);
    expect(watched.ended).toBe(false);
    expect(watched.notice('silent')?.level).toBe('cleared');
  });

  test('that only rests is told and left alone', async () => {
    await using broker = await mannered();
    await using watched = watch(broker, { silence: '1s' });
    await until('the notice', () => watched.notice('silent') !== undefined);
    expect(watched.notice('silent')).toMatchObject({ level: 'warning' });
    expect(watched.eventsOf('gap')).toEqual([]);
    expect(watched.ended).toBe(false);
  });

  test('that does not answer new subscriptions is lost', async () => {
    let subscribes = 0;
    await using broker = await mannered((packet) => packet.type === PacketType.subscribe && ++subscribes > 1);
    await using watched = watch(broker, { silence: '1s', connectTimeout: '1s' });
    await until('the end', () => watched.ended);
    expect(watched.failure).toMatchObject({ code: 'timeout' });
  });

  test('from which our own status no longer comes back is lost, with a gap since then', async () => {
    let echoed = 0;
    await using broker = await mannered((received, socket) => {
      if (received.type !== PacketType.publish) return false;
      echoed += 1;
      if (echoed <= 2) socket.write(packet(0x30, received.body));
      return true;
    });
    await using watched = watch(broker, { silence: '1s', ownStatus: 'rollcall/a' });
    await until('the end', () => watched.ended);
    expect(watched.eventsOf('gap')).toMatchObject([{ reason: 'deaf' }]);
    expect(watched.failure).toMatchObject({ code: 'connection-lost', message: expect.stringContaining('own status') });
  });
});

describe('asking', () => {
  test('a device who it is cannot be done over MQTT', async () => {
    await using broker = await mannered();
    const adapter = new MqttAdapter(testConfig(broker.url), testContext());
    const asked = adapter.identify('north/press-7', new AbortController().signal);
    await expect(asked).rejects.toMatchObject({ code: 'unsupported' });
  });

  test('while not connected is a failure at once', async () => {
    await using broker = await mannered();
    const adapter = new MqttAdapter(testConfig(broker.url), testContext());
    const asked = adapter.probe('north/press-7', new AbortController().signal);
    await expect(asked).rejects.toMatchObject({ code: 'connection-lost' });
  });
});
