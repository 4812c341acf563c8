import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lockFolder } from '../../../../collector/store/folder-lock.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { Program } from '../../../support/program.ts';

const HOLDER = `
  import { lockFolder } from './collector/store/folder-lock.ts';
  lockFolder(process.argv[1]);
  // A lock that is only reachable from here must not be collected as garbage.
  gc();
  await new Promise(setImmediate);
  gc();
  console.log('holding');
  setInterval(() => {}, 1000);`;

function holderOf(folder: string): Program {
  return new Program(process.execPath, ['--expose-gc', '--input-type=module', '--eval', HOLDER, folder]);
}

describe('the lock of a data folder', () => {
  it('refuses a second process while nothing refers to it any more, names the first, and says what to do', async () => {
    using folder = temporaryFolder();
    await using holder = holderOf(folder.path);
    await holder.says(/holding/);
    const by = `process ${holder.child.pid}`;
    expect(() => lockFolder(folder.path)).toThrow(
      expect.objectContaining({
        code: 'already-running',
        message: `the data folder ${folder.path} is in use by ${by}`,
        hint: expect.stringContaining(`stop ${by} first`) as string,
      }),
    );
  });

  it('is gone with its process, however that died, and leaves nothing to remove', async () => {
    using folder = temporaryFolder();
    const holder = holderOf(folder.path);
    await holder.says(/holding/);
    holder.kill('SIGKILL');
    await holder.exited();
    expect(readFileSync(join(folder.path, 'rollcall.pid'), 'utf8').trim()).toBe(String(holder.child.pid));
    lockFolder(folder.path).release();
  });

  it('refuses another part of the same process, which does not loosen it', async () => {
    using folder = temporaryFolder();
    const lock = lockFolder(folder.path);
    for (let i = 0; i < 2; i++) expect(() => lockFolder(folder.path)).toThrow(`in use by process ${process.pid}`);
    await using other = holderOf(folder.path);
    expect(await other.exited()).not.toBe(0);
    expect(other.output).toContain('already-running');
    lock.release();
  });

  it('can be released twice, and then taken again', () => {
    using folder = temporaryFolder();
    const lock = lockFolder(folder.path);
    lock.release();
    expect(existsSync(join(folder.path, 'rollcall.pid'))).toBe(false);
    const next = lockFolder(folder.path);
    lock.release();
    expect(() => lockFolder(folder.path)).toThrow('in use');
    next.release();
  });

  it('repeats nothing of a holder file that holds no process id', () => {
    using folder = temporaryFolder();
    const lock = lockFolder(folder.path);
    writeFileSync(join(folder.path, 'rollcall.pid'), '\u001b[2J; rm -rf /');
    expect(() => lockFolder(folder.path)).toThrow(/in use by another process$/);
    lock.release();
  });
});
