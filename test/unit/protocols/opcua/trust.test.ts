import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { opcuaConfig } from '../../../../protocols/opcua/config.ts';
import { Namespaces } from '../../../../protocols/opcua/namespaces.ts';
import { fingerprintOf, TrustList } from '../../../../protocols/opcua/trust.ts';
import { temporaryFolder } from '../../../support/folder.ts';

function certificate(folder: string, name: string): Uint8Array {
  const file = join(folder, `${name}.der`);
  const subject = ['-subj', `/O=Works/CN=${name}`, '-days', '9'];
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      '/dev/null',
      '-outform',
      'DER',
      '-out',
      file,
      ...subject,
    ],
    { stdio: 'ignore' },
  );
  return readFileSync(file);
}

describe('the list of trusted servers', () => {
  it('approves nothing by itself, remembers what waits, and approves what a person names', async () => {
    using folder = temporaryFolder();
    const [first, second] = [certificate(folder.path, 'first'), certificate(folder.path, 'second')];
    const list = new TrustList(join(folder.path, 'trust'));
    expect(await list.check(first)).toBe('pending');
    expect(await list.check(first)).toBe('pending');
    expect(await list.check(second)).toBe('pending');
    expect((await list.pending()).map(({ subject }) => subject).toSorted()).toEqual([
      'O=Works, CN=first',
      'O=Works, CN=second',
    ]);
    expect(await list.approve(fingerprintOf(first).slice(0, 7))).toBe(false);
    expect(await list.approve('')).toBe(false);
    const shown = fingerprintOf(first)
      .toUpperCase()
      .replaceAll(/(..)(?=.)/g, '$1:');
    expect(await list.approve(shown)).toBe(true);
    expect(await list.check(first)).toBe('approved');
    expect(await list.check(second)).toBe('pending');
    expect(await new TrustList(join(folder.path, 'trust')).check(first)).toBe('approved');
  });

  it('does not let a server that shows a new certificate each time fill the disk', async () => {
    using folder = temporaryFolder();
    const one = certificate(folder.path, 'one');
    const trust = join(folder.path, 'trust');
    const list = new TrustList(trust);
    await list.check(one);
    const { copyFileSync } = await import('node:fs');
    const [name = ''] = readdirSync(join(trust, 'pending'));
    for (let i = 0; i < 100; i++) copyFileSync(join(trust, 'pending', name), join(trust, 'pending', `${i}.der`));
    await list.check(certificate(folder.path, 'two'));
    expect(readdirSync(join(trust, 'pending'))).toHaveLength(101);
  });
});

describe('namespaces', () => {
  const namespaces = new Namespaces(['http://opcfoundation.org/UA/', 'urn:server', 'urn:works']);

  it('turn addresses into node ids of this server and back', () => {
    expect(namespaces.toServer('nsu=urn:works;s=Pump;1')).toBe('ns=2;s=Pump;1');
    expect(namespaces.toAddress('ns=2;s=Pump;1')).toBe('nsu=urn:works;s=Pump;1');
    expect(namespaces.toServer('i=2258')).toBe('ns=0;i=2258');
    expect(namespaces.toAddress('ns=0;i=2258')).toBe('i=2258');
  });

  it('say which namespaces there are when one is not', () => {
    expect(() => namespaces.toServer('nsu=urn:other;s=Pump')).toThrow(
      expect.objectContaining({ code: 'unknown-address', hint: expect.stringContaining('urn:works') as string }),
    );
  });
});

describe('the configuration of an OPC UA source', () => {
  const issues = (fields: object): string[] => {
    const parsed = opcuaConfig.safeParse({
      id: 'p',
      protocol: 'opcua',
      url: 'opc.tcp://h:4840',
      devices: { childrenOf: ['i=85'] },
      ...fields,
    });
    return parsed.success ? [] : parsed.error.issues.map(({ message }) => message);
  };

  it('is secure unless told otherwise', () => {
    expect(
      opcuaConfig.parse({ id: 'p', protocol: 'opcua', url: 'opc.tcp://h:4840', devices: { childrenOf: ['i=85'] } })
        .security,
    ).toBe('Basic256Sha256');
  });

  it('refuses bare namespace indexes, passwords in the clear and sources without devices', () => {
    expect(issues({ devices: { childrenOf: ['ns=2;s=Plant'] } })[0]).toContain('nsu=NAMESPACE-URI');
    expect(issues({ security: 'none', user: { name: 'u', password: 'env:P' } })[0]).toContain('in the clear');
    expect(issues({ devices: {} })[0]).toContain('childrenOf');
    expect(issues({ url: 'http://h' })[0]).toContain('opc.tcp');
    expect(issues({})).toEqual([]);
  });
});
