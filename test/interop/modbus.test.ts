import { describe, expect, it } from 'vitest';
import { startModbusLine } from '../../simulators/modbus-line.ts';
import type { SimulatedDevice } from '../../simulators/plan.ts';
import { temporaryFolder } from '../support/folder.ts';
import { freePort } from '../support/port.ts';
import { Program } from '../support/program.ts';
import { SourceUnderTest } from '../support/source-under-test.ts';
import { until } from '../support/wait.ts';
import { requirePeer } from './peers.ts';

const SERVER = new URL('peers/pymodbus_server.py', import.meta.url).pathname;

const units = (numbers: number[]) =>
  numbers.map((unitId) => ({
    unitId,
    points: [
      { name: 'speed', reference: 40_001, type: 'f32' },
      { name: 'counter', table: 'holding-register', address: 2, type: 'u32' },
      { name: 'input', table: 'input-register', address: 0 },
      { name: 'coil', table: 'coil', address: 0 },
    ],
  }));

describe('pymodbus as the device', () => {
  it('is counted unit by unit with real values changing, and a unit that is not there is not', async () => {
    requirePeer('pymodbus');
    using folder = temporaryFolder();
    const port = await freePort();
    await using server = new Program('python3', [SERVER, String(port), '3']);
    await server.says(/listening/);
    const config = {
      id: 'line',
      protocol: 'modbus',
      host: '127.0.0.1',
      port,
      cycle: '200ms',
      requestTimeout: '300ms',
      units: units([1, 2, 3, 99]),
    };
    await using source = new SourceUnderTest(config, folder.path);
    await until(
      'ten good cycles of each unit',
      () => [1, 2, 3].every((unit) => (source.row(`unit/${unit}`)?.good ?? 0) >= 10),
      20_000,
    );
    expect(source.row('unit/1')).toMatchObject({ bad: 0, uncertain: 0 });
    expect(source.row('unit/1')?.changes).toBeGreaterThan(3);
    expect(source.row('unit/1')?.streamDigest).not.toBe(source.row('unit/2')?.streamDigest);
    expect(source.row('unit/99')?.good ?? 0).toBe(0);
    await until('identification', () => source.claims('unit/1') !== undefined, 20_000);
    expect(source.claims('unit/1')).toMatchObject({ method: 'FC 43/14', claims: { manufacturer: 'pymodbus' } });
  });

  it('is found again after it was killed and started anew, and the time between is a gap', async () => {
    using folder = temporaryFolder();
    const port = await freePort();
    const first = new Program('python3', [SERVER, String(port), '1']);
    await first.says(/listening/);
    const config = { id: 'line', protocol: 'modbus', host: '127.0.0.1', port, cycle: '200ms', units: units([1]) };
    await using source = new SourceUnderTest(config, folder.path);
    await until('a good cycle', () => (source.row('unit/1')?.good ?? 0) > 0);
    first.kill('SIGKILL');
    await until('the loss', () => source.task.state !== 'up');
    expect(source.task.lastFailure?.hint ?? source.task.lastFailure?.message).toBeTruthy();
    await first.exited();
    await using second = new Program('python3', [SERVER, String(port), '1']);
    await second.says(/listening/);
    const before = source.row('unit/1')?.good ?? 0;
    await until('good cycles again', () => (source.row('unit/1')?.good ?? 0) > before + 2, 30_000);
    expect(source.journal.takeGaps()).toMatchObject([{ sourceId: 'line', reason: 'source-down' }]);
  });
});

describe('mbpoll as the client of our simulated line', () => {
  it('reads what the line says', async () => {
    requirePeer('mbpoll');
    const port = await freePort();
    const device: SimulatedDevice = {
      id: 'pump-1',
      name: 'pump',
      type: 'pump',
      enterprise: 'e',
      site: 's',
      protocol: 'modbus',
      unitId: 7,
      manufacturer: 'M',
      model: 'X',
      serialNumber: 'S',
      intervalMs: 50,
      faults: [],
    };
    const line = await startModbusLine({ host: '127.0.0.1', port, devices: [device], seed: 1 });
    const poll = new Program('mbpoll', [
      '-m',
      'tcp',
      '-p',
      String(port),
      '-a',
      '7',
      '-0',
      '-r',
      '0',
      '-c',
      '2',
      '-t',
      '4:float',
      '-B',
      '-1',
      '127.0.0.1',
    ]);
    await poll.exited();
    await line.stop();
    const load = Number(/\[0\]:\s+([\d.]+)/.exec(poll.output)?.[1]);
    expect(load, poll.output).toBeGreaterThan(0);
    expect(load).toBeLessThanOrEqual(100);
  });
});
