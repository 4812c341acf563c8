import { describe, expect, test } from 'vitest';
import { reportOf } from '../../../../cli/mqtt.ts';
import { mqttConfig } from '../../../../protocols/mqtt/config.ts';
import { Sniffer } from '../../../../protocols/mqtt/sniff.ts';

const FRESH = { retain: false };

function heard(messages: Readonly<Record<string, unknown>>): Sniffer {
  const sniffer = new Sniffer();
  for (const [topic, payload] of Object.entries(messages)) {
    sniffer.add(topic, Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)), FRESH);
  }
  return sniffer;
}

describe('a sniffer', () => {
  test('proposes one template for topics that differ by a few levels, with where things stand', () => {
    const telemetry = (sn: string) => ({ ts: 1_790_000_000, sn, values: { load: 1 } });
    const sniffer = heard({
      'plants/yu/hall/a/telemetry': telemetry('S1'),
      'plants/yu/hall/b/telemetry': telemetry('S2'),
      'plants/yu/yard/c/telemetry': telemetry('S3'),
      'plants/yu/hall/a/status': 'online',
      'plants/yu/hall/b/status': 'online',
    });
    expect(sniffer.proposals()).toMatchObject([
      {
        entry: {
          template: 'plants/yu/{site}/{device}/telemetry',
          values: '/values',
          time: '/ts',
          timeUnit: 's',
          claims: { serialNumber: '/sn' },
        },
        topics: 3,
        messages: 3,
        addresses: ['hall/a', 'hall/b', 'yard/c'],
        good: 3,
      },
      { entry: { template: 'plants/yu/hall/{device}/status', payload: 'scalar' }, good: 2 },
    ]);
  });

  test.each([
    ['neuron', { node: 'n', group: 'g', timestamp: 1, values: { a: 1 } }],
    ['neuron-tags', { node: 'n', group: 'g', timestamp: 1, tags: [{ name: 'a', value: 1 }] }],
    ['edgex', { deviceName: 'd', origin: 1, readings: [{ value: '1' }] }],
    ['telegraf', { fields: { a: 1 }, name: 'm', tags: { host: 'h' }, timestamp: 1 }],
    ['telegraf-batch', { metrics: [{ fields: { a: 1 }, name: 'm', tags: { host: 'h' }, timestamp: 1 }] }],
    ['thingsboard', { 'Device A': [{ ts: 1, values: { a: 1 } }] }],
  ])('knows %s, and asks what is behind it', (payload, document) => {
    expect(heard({ 'gateway/upload': document }).proposals()).toMatchObject([
      { entry: { template: 'gateway/upload', payload, relayed: '?' }, good: 1 },
    ]);
  });

  test('knows Sparkplug by its topics', () => {
    expect(heard({ 'spBv1.0/G/NDATA/E': 'x', 'spBv1.0/G/DDATA/E/D': 'x' }).proposals()).toMatchObject([
      { kind: 'sparkplug', entry: { groups: ['G'] }, addresses: ['G/E', 'G/E/D'] },
    ]);
  });

  test('says why payloads would not count', () => {
    const sniffer = heard({ 'a/1': { metrics: { v: 1 } }, 'a/2': { metrics: {} }, 'a/3': { metrics: { v: null } } });
    expect(sniffer.proposals()).toMatchObject([{ good: 1, others: { 'there is no value where values should be': 2 } }]);
  });

  test('remembers no more topics than it may, whatever a broker carries', () => {
    const sniffer = new Sniffer();
    for (let i = 0; i < 60_000; i++) sniffer.add(`flood/${i}`, Buffer.from('1'), FRESH);
    expect(sniffer.passedOver).toBe(10_000);
    expect(sniffer.proposals()).toMatchObject([{ topics: 50_000 }]);
  });

  test('proposes what `check` accepts, and prints nothing that a terminal obeys', () => {
    const sniffer = heard({
      'plants/\u001b[2J/a': { v: 1 },
      'plants/y/b': { v: 2 },
      'x/{y}/z': '1',
      '+': '1',
      'a//b': 'x',
    });
    const report = reportOf(sniffer).join('\n');
    expect(report).not.toContain('\u001b');
    const templates = sniffer.proposals().filter(({ kind }) => kind === 'template');
    for (const { entry } of templates) {
      expect(
        mqttConfig.safeParse({ id: 's', protocol: 'mqtt', url: 'mqtt://b', topics: [entry] }).error,
      ).toBeUndefined();
    }
  });

  test('that heard nothing says so', () => {
    expect(reportOf(new Sniffer())).toEqual([expect.stringContaining('nothing was heard')]);
  });
});
