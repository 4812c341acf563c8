import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TrustList } from '../../protocols/opcua/trust.ts';
import { temporaryFolder } from '../support/folder.ts';
import { freePort } from '../support/port.ts';
import { Program } from '../support/program.ts';
import { SourceUnderTest } from '../support/source-under-test.ts';
import { until } from '../support/wait.ts';
import { requirePeer } from './peers.ts';

const SERVER = new URL('peers/asyncua_server.py', import.meta.url).pathname;
const NAMESPACE = 'nsu=urn:interop:machines';

function config(port: number, fields: Record<string, unknown>): Record<string, unknown> {
  return {
    id: 'plant',
    protocol: 'opcua',
    url: `opc.tcp://127.0.0.1:${port}/interop/`,
    publishingInterval: '200ms',
    connectTimeout: '5s',
    devices: { childrenOf: [`${NAMESPACE};s=Machines`] },
    ...fields,
  };
}

const good = (source: SourceUnderTest, machine: string): number => source.row(`${NAMESPACE};s=${machine}`)?.good ?? 0;

describe('asyncua as the server, without security', () => {
  it('is counted machine by machine with real values changing; a value that stands still is not evidence', async () => {
    requirePeer('asyncua');
    using folder = temporaryFolder();
    const port = await freePort();
    await using server = new Program('python3', [SERVER, String(port), folder.path, 'none']);
    await server.says(/listening/, 40_000);
    await using source = new SourceUnderTest(config(port, { security: 'none' }), folder.path);
    await until(
      'good values of each machine',
      () => [1, 2, 3].every((n) => good(source, `machine-${n}`) >= 10),
      30_000,
    );
    expect(source.row(`${NAMESPACE};s=machine-1`)?.changes).toBeGreaterThan(5);
    expect(good(source, 'frozen')).toBe(0);
    expect(source.row(`${NAMESPACE};s=frozen`)?.weightless).toBeGreaterThan(0);
    await until('the nameplate', () => source.claims(`${NAMESPACE};s=machine-2`) !== undefined, 20_000);
    expect(source.claims(`${NAMESPACE};s=machine-2`)).toMatchObject({
      method: 'DI nameplate',
      claims: { manufacturer: 'Interop Works', model: 'IW-2', serialNumber: 'SN-2' },
    });
  });

  it('is a node list where one node does not exist: the others are not lost, and it is told', async () => {
    using folder = temporaryFolder();
    const port = await freePort();
    await using server = new Program('python3', [SERVER, String(port), folder.path, 'none']);
    await server.says(/listening/, 40_000);
    const nodes = ['machine-1', 'nobody'].map((name) => ({
      nodeId: `${NAMESPACE};s=${name}`,
      values: [`${NAMESPACE};s=${name}.speed`],
    }));
    await using source = new SourceUnderTest(config(port, { security: 'none', devices: { nodes } }), folder.path);
    await until('good values', () => good(source, 'machine-1') >= 3, 30_000);
    expect(source.task.notices).toMatchObject([
      { code: 'items-refused', message: expect.stringContaining('nobody.speed') as string },
    ]);
  });

  it('fault "reconnect succeeds, data never again": after a kill and a new start, values flow again', async () => {
    using folder = temporaryFolder();
    const port = await freePort();
    const first = new Program('python3', [SERVER, String(port), folder.path, 'none']);
    await first.says(/listening/, 40_000);
    await using source = new SourceUnderTest(config(port, { security: 'none' }), folder.path);
    await until('good values', () => good(source, 'machine-1') >= 3, 30_000);
    first.kill('SIGKILL');
    await until('the loss', () => source.task.state !== 'up', 30_000);
    await first.exited();
    await using second = new Program('python3', [SERVER, String(port), folder.path, 'none']);
    await second.says(/listening/, 40_000);
    const before = good(source, 'machine-1');
    await until('good values again', () => good(source, 'machine-1') >= before + 3, 40_000);
  });

  it('fault "connected and deaf": a server that is stopped in its tracks is found by the watchdog', async () => {
    using folder = temporaryFolder();
    const port = await freePort();
    await using server = new Program('python3', [SERVER, String(port), folder.path, 'none']);
    await server.says(/listening/, 40_000);
    await using source = new SourceUnderTest(
      config(port, { security: 'none', publishingInterval: '100ms' }),
      folder.path,
    );
    await until('good values', () => good(source, 'machine-1') >= 3, 30_000);
    server.kill('SIGSTOP');
    await until('the loss', () => source.task.state !== 'up', 30_000);
    server.kill('SIGCONT');
    const before = good(source, 'machine-1');
    await until('good values again', () => good(source, 'machine-1') >= before + 3, 60_000);
  }, 120_000);
});

describe('asyncua as the server, with Basic256Sha256 SignAndEncrypt', () => {
  it('fault "auto-accepted certificates": nothing flows until the operator has approved the certificate', async () => {
    using folder = temporaryFolder();
    using serverFolder = temporaryFolder();
    const port = await freePort();
    await using server = new Program('python3', [SERVER, String(port), serverFolder.path, 'Basic256Sha256']);
    await server.says(/listening/, 40_000);
    const trust = new TrustList(folder.path);
    {
      await using source = new SourceUnderTest(config(port, { security: 'Basic256Sha256' }), folder.path);
      await until('the refusal', () => source.task.lastFailure !== undefined, 30_000);
      const fingerprint = createHash('sha256')
        .update(readFileSync(join(serverFolder.path, 'certificate.der')))
        .digest('hex');
      expect(source.task.lastFailure).toMatchObject({
        code: 'untrusted',
        message: expect.stringContaining(fingerprint) as string,
      });
      expect(source.task.lastFailure?.hint).toContain(`rollcall opcua trust ${fingerprint.slice(0, 16)}`);
      expect(source.task.observations).toBe(0);
      expect(await trust.pending()).toMatchObject([
        { fingerprint, subject: expect.stringContaining('interop') as string },
      ]);
      expect(await trust.approve('0123')).toBe(false);
      expect(await trust.approve(fingerprint.slice(0, 16))).toBe(true);
    }
    await using source = new SourceUnderTest(config(port, { security: 'Basic256Sha256' }), folder.path);
    await until('good values', () => good(source, 'machine-1') >= 5, 40_000);
    const [entry] = source.books.entries;
    expect(entry?.protocol).toEqual({ family: 'opcua', variant: 'SignAndEncrypt', reach: 'direct' });
    expect(await trust.pending()).toEqual([]);
  }, 120_000);
});
