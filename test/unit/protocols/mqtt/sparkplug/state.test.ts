import { describe, expect, test } from 'vitest';
import { MqttAdapter } from '../../../../../protocols/mqtt/adapter.ts';
import { until } from '../../../../support/wait.ts';
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
} from '../scripted-broker.ts';
import { testConfig, testContext, Watched } from '../support.ts';

const STATE = 'spBv1.0/STATE/rollcall';

/** A broker that answers as it should; PUBLISH at QoS 1 is acknowledged. */
async function startBroker(change: Record<string, unknown> = {}) {
  const isV5 = change['version'] === 5;
  const broker = await ScriptedBroker.start((received, socket) => {
    if (received.type === PacketType.connect) socket.write(connack(0, { properties: isV5 }));
    if (received.type === PacketType.subscribe) {
      socket.write(isV5 ? packet(0x90, received.body.subarray(0, 2), [0, 1]) : suback(received, 1));
    }
    if (received.type === PacketType.publish) {
      const { topicLength, id } = statePublish(received);
      if (topicLength > 0) socket.write(packet(0x40, id));
    }
    if (received.type === PacketType.disconnect) socket.end();
    last = socket;
  });
  let last: { write(bytes: Buffer): void } | undefined;
  const context = testContext();
  const config = testConfig(broker.url, { topics: [], sparkplug: { hostId: 'rollcall', groups: ['G'] }, ...change });
  const watched = new Watched(new MqttAdapter(config, context), context);
  return {
    broker,
    watched,
    say: (bytes: Buffer) => last?.write(bytes),
    states: () => broker.packets(PacketType.publish).map((sent) => ({ ...statePublish(sent), flags: sent.flags })),
    async [Symbol.asyncDispose]() {
      await watched[Symbol.asyncDispose]();
      await broker[Symbol.asyncDispose]();
    },
  };
}

/** A PUBLISH at QoS 1 (MQTT 3.1.1, 3.3). */
function statePublish({ body }: RawPacket) {
  const topicLength = body.readUInt16BE(0);
  const id = body.subarray(2 + topicLength, 4 + topicLength);
  const rest = body.subarray(4 + topicLength);
  // MQTT 5.0 has the length of its properties first, which is 0 here.
  const payload = rest[0] === 0 ? rest.subarray(1) : rest;
  return {
    topicLength,
    id,
    topic: body.toString('utf8', 2, 2 + topicLength),
    state: JSON.parse(payload.toString()) as { online: boolean; timestamp: number },
  };
}

/** The payload of the will in a CONNECT of MQTT 3.1.1, found behind its topic. */
function willOf({ body }: RawPacket): { online: boolean; timestamp: number } {
  const topic = text(STATE);
  const at = body.indexOf(topic) + topic.length;
  return JSON.parse(body.toString('utf8', at + 2, at + 2 + body.readUInt16BE(at)));
}

describe('a host application with an id', () => {
  test('tck-id-message-flow-phid-sparkplug-subscription: subscribes to its STATE and the namespace before it says anything', async () => {
    await using t = await startBroker();
    await until('the birth', () => t.states().length > 0);
    const order = t.broker.received.map(({ type }) => type);
    expect(order.slice(0, 4)).toEqual([
      PacketType.connect,
      PacketType.subscribe,
      PacketType.subscribe,
      PacketType.publish,
    ]);
    expect(t.broker.packets(PacketType.subscribe).flatMap(filtersOf)).toEqual(['spBv1.0/G/#', STATE]);
  });

  test('tck-id-host-topic-phid-birth-*: says online with QoS 1, retained, at the time of its will', async () => {
    await using t = await startBroker();
    await until('the birth', () => t.states().length > 0);
    const [connect] = t.broker.packets(PacketType.connect);
    const [birth] = t.states();
    if (connect === undefined || birth === undefined) throw new Error('both came');
    const will = willOf(connect);
    expect(will).toEqual({ online: false, timestamp: expect.any(Number) });
    expect(Math.abs(will.timestamp - Date.now())).toBeLessThan(10_000);
    expect(birth).toMatchObject({ topic: STATE, state: { online: true, timestamp: will.timestamp } });
    // QoS 1 and retain of PUBLISH; will flag, will QoS 1, will retain and clean session of CONNECT (MQTT 3.1.1, 3.1.2).
    expect(birth.flags).toBe(0b0011);
    expect(connect.body[7]).toBe(0b0010_1110);
  });

  test('tck-id-message-flow-phid-sparkplug-clean-session-50: starts clean and expires at once', async () => {
    await using t = await startBroker({ version: 5 });
    await until('the birth', () => t.states().length > 0);
    const [connect] = t.broker.packets(PacketType.connect);
    expect((connect?.body[7] ?? 0) & 2).toBe(2);
    // no Session Expiry Interval among the properties means 0 (MQTT 5.0, 3.1.2.11.2); its identifier is 17
    const length = connect?.body[10] ?? 0;
    expect(connect?.body.subarray(11, 11 + length).includes(17)).toBe(false);
  });

  test('tck-id-message-flow-hid-sparkplug-state-message-delivered: contradicts who says it is offline, with the same time', async () => {
    await using t = await startBroker();
    await until('the birth', () => t.states().length > 0);
    t.say(publish(STATE, '{"online":false,"timestamp":1}'));
    await until('the correction', () => t.states().length > 1);
    const [birth, correction] = t.states();
    expect(correction?.state).toEqual(birth?.state);
  });

  test('tck-id-operational-behavior-host-application-termination: says offline with the time of leaving, then disconnects', async () => {
    const t = await startBroker();
    await until('the birth', () => t.states().length > 0);
    await t.watched[Symbol.asyncDispose]();
    await until('the goodbye', () => t.broker.packets(PacketType.disconnect).length > 0);
    const [birth, goodbye] = t.states();
    expect(goodbye?.state.online).toBe(false);
    expect(goodbye?.state.timestamp).toBeGreaterThanOrEqual(birth?.state.timestamp ?? Infinity);
    expect(goodbye?.flags).toBe(0b0011);
    expect(t.broker.received.at(-1)?.type).toBe(PacketType.disconnect);
    await t.broker[Symbol.asyncDispose]();
  });

  test('tck-id-operational-behavior-host-application-multi-server-timestamp: each connection has a time of its own', async () => {
    await using first = await startBroker();
    await until('the birth', () => first.states().length > 0);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await using second = await startBroker();
    await until('the birth', () => second.states().length > 0);
    expect(second.states()[0]?.state.timestamp).toBeGreaterThan(first.states()[0]?.state.timestamp ?? Infinity);
  });

  test('without an id says nothing, and has no will', async () => {
    await using t = await startBroker({ sparkplug: {} });
    await until('the connection', () => t.watched.eventsOf('connected').length > 0);
    expect(t.states()).toEqual([]);
    expect((t.broker.packets(PacketType.connect)[0]?.body[7] ?? 0) & 4).toBe(0);
    expect(t.broker.packets(PacketType.subscribe).flatMap(filtersOf)).toEqual(['spBv1.0/+/#']);
  });
});
