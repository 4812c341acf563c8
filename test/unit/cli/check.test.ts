import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../support/folder.ts';
import { Program } from '../../support/program.ts';

const ROLLCALL = fileURLToPath(new URL('../../../cli/rollcall.mjs', import.meta.url));

async function check(text: string | undefined): Promise<{ readonly code: number | string; readonly output: string }> {
  using folder = temporaryFolder();
  if (text !== undefined) writeFileSync(join(folder.path, 'plant.yaml'), text);
  await using program = new Program(process.execPath, [ROLLCALL, 'check', 'plant.yaml'], { cwd: folder.path });
  return { code: await program.exited(), output: program.output };
}

test('a usable file ends with 0, what it holds, and what may be forgotten', async () => {
  const { code, output } = await check(
    'devices:\n  - { id: d, name: D, type: agv }\n  - { id: e, name: E, type: pump }\n',
  );
  expect(code).toBe(0);
  expect(output).toContain('plant.yaml:2:5 devices[0]: has no binding: it can never be live (R3) (warning)');
  expect(output).toContain('usable: 0 sources, 2 devices (1 moving, 1 running), 0 enterprises, 0 sites');
});

test('a file with mistakes ends with 1 and every one of them as FILE:LINE:COLUMN', async () => {
  const { code, output } = await check('api: { port: 99999 }\ntimezone: UTC\n');
  expect(code).toBe(1);
  expect(output).toContain('plant.yaml:1:8 api.port: must be at most 65535');
  expect(output).toContain('plant.yaml:2:1 timezone: unknown key timezone; did you mean timeZone?');
  expect(output).toContain('2 problems; nothing was started');
});

test('a file that is not there ends with 2 and says where an example is', async () => {
  const { code, output } = await check(undefined);
  expect(code).toBe(2);
  expect(output).toMatch(/reading the configuration: .*plant\.yaml/);
  expect(output).toContain('rollcall.example.yaml');
});
