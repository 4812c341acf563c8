import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';
import { Program } from '../support/program.ts';
import { SourceUnderTest } from '../support/source-under-test.ts';
import { until } from '../support/wait.ts';
import { Mosquitto } from './mqtt-peers.ts';
import { requirePeer } from './peers.ts';

const NODE = new URL('peers/sparkplug_node.py', import.meta.url).pathname;

function startNode(port: number): Program {
  return new Program('python3', [NODE, String(port), 'Hall', 'edge-1'], { name: 'pysparkplug' });
}

describe('pysparkplug as the edge node, over Mosquitto', () => {
  test.each(['3.1.1', '5'])('is counted with its devices, and dies with them (MQTT %s)', async (version) => {
    requirePeer('pysparkplug');
    using folder = temporaryFolder();
    await using broker = await Mosquitto.start(folder.path);
    const config = {
      id: 'hall',
      protocol: 'mqtt',
      url: `mqtt://127.0.0.1:${broker.port}`,
      version,
      sparkplug: { hostId: 'rollcall', relayed: { family: 'modbus', variant: 'tcp' } },
    };
    await using source = new SourceUnderTest(config, folder.path);
    await until('the connection', () => source.task.state === 'up');
    const addresses = ['Hall/edge-1', 'Hall/edge-1/press-1', 'Hall/edge-1/press-2'];
    {
      await using node = startNode(broker.port);
      await node.says(/connected/);
      await until('ten values of each', () => addresses.every((address) => (source.row(address)?.good ?? 0) >= 10));
      expect(source.row('Hall/edge-1/press-1')).toMatchObject({ bad: 0, uncertain: 0 });
      expect(source.row('Hall/edge-1/press-1')?.changes).toBeGreaterThan(5);
      expect(source.claims('Hall/edge-1/press-2')).toMatchObject({
        method: 'Sparkplug birth',
        claims: { manufacturer: 'Yunfeng', serialNumber: 'SN-2' },
      });
      expect(source.books.find('hall', 'Hall/edge-1')?.protocol.family).toBe('sparkplug');
      expect(source.books.find('hall', 'Hall/edge-1/press-1')?.protocol).toMatchObject({
        family: 'modbus',
        reach: 'relayed',
      });
      node.kill('SIGKILL');
    }
    const diedAtMs = (address: string): number =>
      source.tally.sightings(source.books.find('hall', address)?.index ?? -1).lastDeathAtMs;
    await until('the death of all', () => addresses.every((address) => diedAtMs(address) > 0));
    const before = source.row('Hall/edge-1/press-1')?.good ?? 0;
    await using again = startNode(broker.port);
    await again.says(/connected/);
    await until('new values', () => (source.row('Hall/edge-1/press-1')?.good ?? 0) > before + 3);
    expect(source.task.notices.filter(({ code }) => code === 'sequence-gap')).toEqual([]);
  });

  test('whose births were missed is counted by metric names; the missing births are told', async () => {
    requirePeer('pysparkplug');
    using folder = temporaryFolder();
    await using broker = await Mosquitto.start(folder.path);
    await using node = startNode(broker.port);
    await node.says(/connected/);
    const config = { id: 'hall', protocol: 'mqtt', url: `mqtt://127.0.0.1:${broker.port}`, sparkplug: {} };
    await using source = new SourceUnderTest(config, folder.path);
    await until('values', () => (source.row('Hall/edge-1/press-1')?.good ?? 0) > 3);
    expect(source.task.notices).toMatchObject([{ code: 'birth-missed' }]);
  });
});
