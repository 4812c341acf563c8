import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { CollectorProgram } from '../support/collector.ts';
import { temporaryFolder } from '../support/folder.ts';
import { until } from '../support/wait.ts';

interface Counts {
  readonly demo: boolean;
  readonly devices: { readonly byCategory: Record<string, { registered: number; online: number }> };
  readonly protocols: { readonly compatible: number };
  readonly ledger: { readonly origin: string };
}

interface Page {
  readonly items: readonly { readonly id: string; readonly status: string; readonly protocols: readonly unknown[] }[];
}

/** How long the first counts may take, from the start of the process. */
const FIRST_COUNTS_MS = 15_000;

it('the demo counts every category over three protocols, tells a lost path from a silent machine, and stops in order', async () => {
  using folder = temporaryFolder();
  const startedAtMs = performance.now();
  await using collector = await CollectorProgram.start(folder.path);
  const statuses = async (protocol: string) =>
    new Map((await collector.get<Page>(`/devices?protocol=${protocol}`)).items.map(({ id, status }) => [id, status]));
  await until(
    'every category online over three protocols',
    async () => {
      const { devices, protocols } = await collector.get<Counts>('/counts');
      return protocols.compatible >= 3 && Object.values(devices.byCategory).every(({ online }) => online > 0);
    },
    FIRST_COUNTS_MS,
  );
  expect(performance.now() - startedAtMs).toBeLessThan(FIRST_COUNTS_MS);
  const counts = await collector.get<Counts>('/counts');
  expect(counts.demo).toBe(true);
  expect(counts.ledger.origin).toMatch(/^demo\./);
  expect(Object.values(counts.devices.byCategory).reduce((sum, { registered }) => sum + registered, 0)).toBe(48);
  const twice = (await collector.get<Page>('/devices?text=injection-moulding-01')).items;
  expect(twice).toMatchObject([{ protocols: [{ family: 'opcua' }, { family: 'modbus' }] }]);

  const [, opcua = ''] = await collector.program.says(/opcua is process (\d+)/);
  const [, mqtt = ''] = await collector.program.says(/mqtt is process (\d+)/);
  process.kill(Number(opcua), 'SIGKILL');
  await until('the lost path', async () => (await statuses('opcua')).get('cnc-machine-01') === 'unknown', 20_000);
  expect((await statuses('opcua')).get('injection-moulding-01'), 'it still answers over Modbus').toBe('online');
  process.kill(Number(mqtt), 'SIGKILL');
  await until('the silent machines', async () => (await statuses('mqtt')).get('agv-01') === 'offline', 30_000);
  expect((await statuses('modbus')).get('pump-01')).toBe('online');

  collector.program.kill('SIGINT');
  expect(await collector.program.exited()).toBe(0);
  const left = execFileSync('ps', ['-e', '-o', 'args']).toString();
  expect(left).not.toContain(folder.path);
}, 120_000);
