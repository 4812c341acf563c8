import { describe, expect, it } from 'vitest';
import { CollectorProgram } from '../support/collector.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Program } from '../support/program.ts';
import { frame, registersOf, ScriptedDevice } from '../support/scripted-device.ts';
import { until } from '../support/wait.ts';

interface Counts {
  readonly demo: boolean;
  readonly devices: { readonly total: Three; readonly byCategory: Record<string, Three> };
  readonly protocols: { readonly compatible: number; readonly verified: number };
}

interface Three {
  readonly registered: number;
  readonly online: number;
  readonly verified: number;
}

interface Device {
  readonly id: string;
  readonly status: string;
  readonly tier: string;
  readonly reasons: string[];
}

/** A device on Modbus that can be told to keep silent, and a plant with a pump and a compressor on it. */
function plant(port: number, simulated = false): Record<string, unknown> {
  const point = { name: 'load', address: 0 };
  const device = (id: string, type: string, unitId: number) => ({
    id,
    type,
    name: id,
    enterprise: 'works',
    site: 'hall',
    livenessTimeout: '2s',
    bindings: [
      {
        source: 'line',
        address: `unit/${unitId}`,
      },
    ],
  });
  return {
    enterprises: [{ id: 'works', name: 'Works' }],
    sites: [{ id: 'hall', enterprise: 'works', name: 'Hall' }],
    sources: [
      {
        id: 'line',
        protocol: 'modbus',
        host: '127.0.0.1',
        port,
        simulated,
        cycle: '200ms',
        requestTimeout: '100ms',
        units: [1, 2].map((unitId) => ({
          unitId,
          points: [point],
        })),
      },
    ],
    devices: [device('pump-1', 'pump', 1), device('compressor-1', 'air-compressor', 2)],
  };
}

async function startDevice(): Promise<{ device: ScriptedDevice; port: number; silent: Set<number> }> {
  const silent = new Set<number>();
  const device = new ScriptedDevice((request, socket) => {
    const { transactionId, unitId } = request;
    if (!silent.has(unitId)) socket.write(frame(transactionId, unitId, registersOf(request, 7)));
  });
  return { device, port: await device.listen(), silent };
}

const statusOf = async (collector: CollectorProgram, id: string) =>
  (await collector.get<Device>(`/devices/${id}`)).status;

describe('a plant', () => {
  it('R5: silence of a device is offline after its timeout, loss of our path is unknown at once, and both come back', async () => {
    using folder = temporaryFolder();
    const { device, port, silent } = await startDevice();
    await using collector = await CollectorProgram.start(folder.path, plant(port));
    await until('both online', async () => (await collector.get<Counts>('/counts')).devices.total.online === 2, 20_000);
    silent.add(2);
    await until(
      'the silent one offline',
      async () => (await statusOf(collector, 'compressor-1')) === 'offline',
      10_000,
    );
    expect(await statusOf(collector, 'pump-1')).toBe('online');
    await device[Symbol.asyncDispose]();
    await until('unknown', async () => (await statusOf(collector, 'pump-1')) === 'unknown', 5_000);
    expect(await statusOf(collector, 'compressor-1')).toBe('unknown');
    expect(await collector.get<Counts>('/counts')).toMatchObject({
      demo: false,
      devices: { total: { registered: 2, online: 0, verified: 0 }, byCategory: { running: { registered: 2 } } },
      protocols: { compatible: 1, verified: 0 },
    });
  }, 60_000);

  it('a restart invents no status: what was online is not called offline, what was offline is not called online', async () => {
    using folder = temporaryFolder();
    const { device, port, silent } = await startDevice();
    {
      await using first = await CollectorProgram.start(folder.path, plant(port));
      await until('both online', async () => (await first.get<Counts>('/counts')).devices.total.online === 2, 20_000);
      silent.add(2);
      await until('one offline', async () => (await statusOf(first, 'compressor-1')) === 'offline', 10_000);
    }
    await device[Symbol.asyncDispose]();
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    await using second = await CollectorProgram.start(folder.path, plant(port));
    expect(await statusOf(second, 'pump-1')).toBe('unknown');
    expect(await statusOf(second, 'compressor-1')).toBe('unknown');
  }, 60_000);

  it('R15: simulated devices count nowhere outside the demo', async () => {
    using folder = temporaryFolder();
    const { device, port } = await startDevice();
    await using collector = await CollectorProgram.start(folder.path, plant(port, true));
    await until('data', async () => (await statusOf(collector, 'pump-1')) === 'online', 20_000);
    expect((await collector.get<Counts>('/counts')).devices.total).toEqual({ registered: 0, online: 0, verified: 0 });
    expect((await collector.get<Device>('/devices/pump-1')).reasons).toEqual(['R15 simulated']);
    expect((await collector.get<Counts>('/counts')).protocols.compatible).toBe(0);
    await device[Symbol.asyncDispose]();
  }, 60_000);

  it('refuses a second start on the same data folder in words, and ends within five seconds of SIGINT', async () => {
    using folder = temporaryFolder();
    await using first = await CollectorProgram.start(folder.path, plant(1));
    const second = new Program(process.execPath, first.program.child.spawnargs.slice(1), { cwd: folder.path });
    expect(await second.exited()).toBe(1);
    expect(second.output).toMatch(/in use by process \d+/);
    expect(second.output).toMatch(/--data/);
    const askedAtMs = performance.now();
    first.program.kill('SIGINT');
    expect(await first.program.exited()).toBe(0);
    expect(performance.now() - askedAtMs).toBeLessThan(5_000);
    expect(first.program.output).toContain('everything that was seen is stored');
  }, 60_000);

  it('tells every problem of a configuration at once and starts nothing', async () => {
    using folder = temporaryFolder();
    const broken = { ...plant(1), timeZone: 'Asia/Chongching', sties: [] };
    const told = await CollectorProgram.start(folder.path, broken).catch((error: unknown) => String(error));
    expect(told).toMatch(/timeZone: is not an IANA time zone/);
    expect(told).toMatch(/sties: unknown key/);
    expect(told).toContain('nothing was started');
  }, 60_000);
});
