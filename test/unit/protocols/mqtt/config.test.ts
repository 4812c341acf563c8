import { describe, expect, test } from 'vitest';
import { mqttConfig } from '../../../../protocols/mqtt/config.ts';
import { mqtt } from '../../../../protocols/mqtt/definition.ts';

const TOPICS = [{ template: 'plants/{site}/{device}/telemetry' }];

function problems(change: Record<string, unknown>): string[] {
  const source = { id: 'plant', protocol: 'mqtt', url: 'mqtt://broker:1883', topics: TOPICS, ...change };
  const parsed = mqttConfig.safeParse(source, { reportInput: false });
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('an MQTT source', () => {
  test.each([
    ['mqtt://broker'],
    ['mqtt://10.0.0.7:1883'],
    ['mqtts://[2001:db8::7]:8883'],
    ['ws://broker/mqtt'],
    ['wss://broker:443/mqtt'],
  ])('may be at %s', (url) => expect(problems({ url })).toEqual([]));

  test.each([
    ['http://broker', /write mqtt:/],
    ['broker:1883', /write mqtt:/],
    ['mqtt://', /write mqtt:/],
    ['mqtt://user:secret@broker', /do not belong into the URL/],
    ['mqtt://broker?clientId=x', /no query/],
    ['mqtt://broker/path', /only ws:/],
  ])('may not be at %s', (url, why) => {
    const [problem] = problems({ url });
    expect(problem).toMatch(why);
    expect(problem).not.toContain('secret');
  });

  test.each([
    [{ topics: [] }, /topics: names no topic/],
    [{ password: 'env:PW' }, /password: a password needs a username/],
    [{ username: 'u', password: 'hunter2' }, /password: secrets are not written/],
    [{ tls: { ca: 'ca.pem' } }, /tls: the URL asks for no TLS/],
    [{ url: 'mqtts://b', tls: { certificate: 'c.pem' } }, /tls: a client certificate needs both/],
    [{ url: 'mqtts://b', tls: { passphrase: 'env:P' } }, /passphrase: there is no key/],
    [{ version: '3.1' }, /version: write 5 or 3.1.1/],
    [{ version: '3.1.1', userProperties: { a: 'b' } }, /userProperties: needs version: 5/],
    [{ session: 'persistent', ownStatus: 'rc/status' }, /clientId: a persistent session needs/],
    [{ session: 'persistent', clientId: 'rc' }, /ownStatus: a persistent session needs/],
    [{ version: 5, sessionExpiry: '1h' }, /sessionExpiry: only a persistent session/],
    [{ ownStatus: 'rc/#' }, /ownStatus: is not a topic/],
    [{ share: 'a/b' }, /share: a share name has no slash/],
    [{ ignore: ['a#'] }, /ignore.0: is not a topic filter/],
    [{ qos: 2 }, /qos/],
    [{ unknown: 1 }, /Unrecognized key/],
  ])('%j is refused', (change, why) => {
    const found = problems(change);
    expect(found.join('\n')).toMatch(why);
    expect(found.join('\n')).not.toContain('hunter2');
  });

  test('speaks 3.1.1 unless told otherwise, which every broker does', () => {
    const versionOf = (version: unknown) =>
      mqttConfig.parse({ id: 'p', protocol: 'mqtt', url: 'mqtt://b', topics: TOPICS, version }).version;
    expect([undefined, 5, '5', '5.0', '3.1.1'].map(versionOf)).toEqual(['3.1.1', '5.0', '5.0', '5.0', '3.1.1']);
  });

  test('shows people its URL and knows no address before the first message', () => {
    const config = mqttConfig.parse({ id: 'p', protocol: 'mqtt', url: 'mqtts://b:8883', topics: TOPICS });
    expect(mqtt.endpointOf(config)).toBe('mqtts://b:8883');
    expect(mqtt.configuredAddresses(config)).toEqual([]);
  });
});

describe('ambiguous templates are refused', () => {
  test.each([
    [
      'one topic, two templates',
      [{ template: 'a/{x}' }, { template: '{y}/b' }],
      /topics.1.template: matches topics that a\/\{x\}/,
    ],
    [
      'a tail over a template',
      [{ template: 'a/{x}/b' }, { template: 'a/{y...}' }],
      /topics.1.template: matches topics/,
    ],
    ['the same twice', [{ template: 'a/{x}' }, { template: 'a/{x}' }], /topics.1.template: matches topics/],
    [
      'a status under the telemetry',
      [{ template: 'a/{x...}', status: { template: 'a/b/{x...}' } }],
      /topics.0.status.template: matches topics/,
    ],
    [
      'a status of other variables',
      [{ template: 'a/{x}/t', status: { template: 'a/{y}/s' } }],
      /topics.0.status.template: must name the same variables/,
    ],
    [
      'one address, two meanings',
      [{ template: 'a/{x}' }, { template: 'b/{y}' }],
      /topics.1.template: could give .* set a prefix/,
    ],
    [
      'one address, two orders',
      [{ template: 'a/{x}/{y}' }, { template: 'b/{y}/{x}' }],
      /topics.1.template: could give/,
    ],
    [
      'a prefix that is a value',
      [{ template: 'a/{x}', prefix: 'p' }, { template: 'b/{y}/{z}' }],
      /topics.1.template: could give/,
    ],
    [
      'one device, two ways',
      [{ template: 'a/{x}' }, { template: 'b/{x}', relayed: { family: 's7' } }],
      /topics.1.template: names the same devices as a\/\{x\}, but relayed otherwise/,
    ],
    ['no variable', [{ template: 'a/b' }], /topics.0.template: names no variable/],
    [
      'devices in bytes nobody looks into',
      [{ template: 'a/{x}', payload: 'opaque', devices: { key: '/id' } }],
      /topics.0.devices: a payload that is opaque cannot name devices/,
    ],
    ['devices nowhere', [{ template: 'a', devices: {} }], /topics.0.devices: name at, key or both/],
    [
      'a status beside named devices',
      [{ template: 'a/{x}', devices: { key: '/id' }, status: { template: 'b/{x}' } }],
      /topics.0.status: a status topic tells of devices that topics name/,
    ],
    [
      'gateway software without what is behind it',
      [{ template: 'a', payload: 'neuron' }],
      /topics.0.relayed: name the protocol behind neuron/,
    ],
    [
      'two gateways that may name one device',
      [
        { template: 'a', payload: 'neuron', relayed: { family: 's7' } },
        { template: 'b', payload: 'edgex', relayed: { family: 's7' } },
      ],
      /topics.1.template: could give/,
    ],
    ['no pointer', [{ template: 'a/{x}', values: 'metrics' }], /topics.0.values: is not a JSON Pointer/],
  ])('%s', (_what, topics, why) => expect(problems({ topics }).join('\n')).toMatch(why));

  test.each([
    ['several topics of one device', [{ template: 'a/{x}/t' }, { template: 'a/{x}/alarms' }]],
    ['a status beside the telemetry', [{ template: 'a/{x}/t', status: { template: 'a/{x}/s' } }]],
    [
      'a prefix each',
      [
        { template: 'a/{x}', prefix: 'lines' },
        { template: 'b/{y}', prefix: 'halls' },
      ],
    ],
    [
      'one gateway on two topics',
      [
        { template: 'a', payload: 'neuron', relayed: { family: 's7' } },
        { template: 'b', payload: 'neuron', relayed: { family: 's7' } },
      ],
    ],
    ['addresses of different length', [{ template: 'a/{x}' }, { template: 'b/{y}/{z}' }]],
  ])('but not %s', (_what, topics) => expect(problems({ topics })).toEqual([]));
});

describe('Sparkplug in a source', () => {
  test.each([
    [{ share: 'x' }, /share: Sparkplug needs every message in its order/],
    [{ sparkplug: { hostId: 'h' }, ownStatus: 'a' }, /ownStatus: the STATE/],
    [{ session: 'persistent', clientId: 'c', ownStatus: 'a' }, /session: a host application/],
    [{ topics: [{ template: 'spBv1.0/{a}/{b}' }] }, /topics.0.template: matches topics of Sparkplug/],
    [{ topics: [{ template: '{a...}' }] }, /topics.0.template: matches topics of Sparkplug/],
    [{ topics: [{ template: 'x/{a}/{b}' }] }, /topics.0.template: could give .* set a prefix/],
    [{ topics: [{ template: 'x/{a}/{b}', prefix: 'a group of this name' }] }, /topics.0.template: could give/],
    [{ sparkplug: { groups: ['a/b'] } }, /sparkplug.groups.0: an identifier of Sparkplug/],
    [{ sparkplug: { reorderTimeout: '1ms' } }, /reorderTimeout: must be between/],
  ])('%j is refused', (change, why) => {
    expect(problems({ topics: [], sparkplug: {}, ...change }).join('\n')).toMatch(why);
  });

  test('needs no template, and goes with others that stay apart', () => {
    expect(problems({ topics: [], sparkplug: {} })).toEqual([]);
    expect(problems({ topics: [{ template: 'x/{a}' }], sparkplug: {} })).toEqual([]);
    expect(problems({ topics: [{ template: 'x/{a}/{b}' }], sparkplug: { prefix: 'sp' } })).toEqual([]);
  });
});
