import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { folderDisk } from '../../../../../collector/metrics/spool/disk.ts';
import { Spool } from '../../../../../collector/metrics/spool/spool.ts';
import { temporaryFolder } from '../../../../support/folder.ts';
import { Program } from '../../../../support/program.ts';
import { until } from '../../../../support/wait.ts';

const APPENDER = fileURLToPath(new URL('../../../../support/spool-appender.ts', import.meta.url));
const ROUNDS = 12;

test(`killed ${ROUNDS} times by SIGKILL while it appends, the spool has every line it said it has`, async () => {
  using folder = temporaryFolder();
  const seen = new Set<number>();
  let next = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    await using program = new Program(process.execPath, [APPENDER, folder.path, String(next)]);
    const lastKnown = (): number => Number([...program.output.matchAll(/has (\d+);/g)].at(-1)?.[1] ?? 0);
    await until('some more lines', () => lastKnown() > next + round * 700);
    program.kill('SIGKILL');
    await program.exited();
    const known = lastKnown();
    expect(program.output).not.toContain('spool');

    const told: string[] = [];
    const spool = await Spool.open({
      disk: await folderDisk(folder.path),
      bounds: { maxBytes: 16 * 1_048_576, reserveBytes: 0 },
      sync: 'never',
      gapLine: () => 'gap',
      log: { warn: (_, message) => void told.push(message) },
    });
    const [from, found] = [next, new Set<number>()];
    for (
      let batch = await spool.next({ lines: 500, bytes: 1e6 });
      batch !== undefined;
      batch = await spool.next({ lines: 500, bytes: 1e6 })
    ) {
      for (const line of batch.text.split('\n')) if (line !== 'gap') found.add(Number(line.split(' ')[0]));
      spool.settle(batch);
    }
    await spool.close();
    for (let number = from; number <= known; number += 1) expect(found.has(number), `line ${number}`).toBe(true);
    expect([...found].some((number) => seen.has(number))).toBe(false);
    for (const number of found) seen.add(number);
    next = Math.max(...found) + 1;
  }
  expect(seen.size).toBe(next);
});
