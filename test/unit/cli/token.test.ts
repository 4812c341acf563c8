import { Command, CommanderError } from 'commander';
import { expect, test } from 'vitest';
import { tokenSha256 } from '../../../api/token.ts';
import { registerToken, tokenTable } from '../../../cli/token.ts';
import type { TokenRow } from '../../../collector/store/contract.ts';
import { openSqliteStore } from '../../../collector/store/sqlite.ts';
import { temporaryFolder } from '../../support/folder.ts';

interface Outcome {
  readonly out: string;
  readonly err: string;
  readonly code: number;
}

/** Runs `rollcall token …` in this process and resolves with what it printed and its exit code. */
async function rollcall(...args: string[]): Promise<Outcome> {
  let out = '';
  let err = '';
  const program = new Command('rollcall').exitOverride().configureOutput({
    writeOut: (text) => void (out += text),
    writeErr: (text) => void (err += text),
  });
  registerToken(program);
  const code = await program.parseAsync(args, { from: 'user' }).then(
    () => 0,
    (error: unknown) => {
      if (!(error instanceof CommanderError)) throw error;
      return error.exitCode;
    },
  );
  return { out, err, code };
}

test('a token made beside a running collector is known to it, listed without its text, and revoked once', async () => {
  using folder = temporaryFolder();
  const store = await openSqliteStore({ folder: folder.path, mode: 'write' });
  try {
    const data = ['--data', folder.path];
    const made = await rollcall(
      'token',
      'create',
      '--name',
      '评估 2026',
      '--role',
      'assessor',
      '--expires',
      '90d',
      ...data,
    );
    expect(made.code).toBe(0);
    const token = made.out.trim();
    expect(token).toMatch(/^rc_[\w-]{43}$/);
    expect(made.err).not.toContain(token);
    const row = await store.tokens.bySha256(tokenSha256(token));
    expect(row).toMatchObject({ name: '评估 2026', role: 'assessor' });
    expect((row?.expiresAtMs ?? 0) - (row?.createdAtMs ?? 0)).toBe(90 * 86_400_000);

    const listed = await rollcall('token', 'list', ...data);
    expect(listed.out).toContain(row?.id ?? 'no row');
    expect(listed.out).not.toContain(token);

    const revoked = await rollcall('token', 'revoke', row?.id ?? '', ...data);
    expect(revoked.code).toBe(0);
    expect(revoked.err).toContain('no operator token is left');
    expect((await store.tokens.bySha256(tokenSha256(token)))?.revokedAtMs).toBeGreaterThan(0);
    expect(await rollcall('token', 'revoke', row?.id ?? '', ...data)).toMatchObject({
      code: 1,
      err: expect.stringContaining('is left to revoke'),
    });
  } finally {
    await store.close();
  }
});

test.each([
  [['create', '--name', 'x', '--role', 'root'], 'Allowed choices are viewer, assessor, operator'],
  [['create', '--role', 'viewer'], "required option '--name <name>' not specified"],
  [['create', '--name', 'x', '--role', 'viewer', '--expires', '5'], 'such as 12h or 90d'],
  [['create', '--name', 'a\u001b[2J', '--role', 'viewer'], 'printable characters'],
  [['list'], 'there is no database in'],
])('rollcall token %j says what is wrong', async (args, message) => {
  using folder = temporaryFolder();
  const { out, err, code } = await rollcall('token', ...args, '--data', folder.path);
  expect([out, code]).toEqual(['', 1]);
  expect(err).toContain(message);
});

test('the table shows state and use, and nothing that could steer a terminal', () => {
  const row: TokenRow = {
    id: 'tk_1',
    name: 'evil\u001b[31m\u202ename',
    role: 'viewer',
    sha256: '',
    createdAtMs: 0,
    expiresAtMs: 1000,
    lastUsedAtMs: 500,
    revokedAtMs: undefined,
  };
  expect(tokenTable([row], 2000)).toEqual([
    'ID    ROLE    STATE    CREATED               EXPIRES               LAST USED             NAME',
    'tk_1  viewer  expired  1970-01-01T00:00:00Z  1970-01-01T00:00:01Z  1970-01-01T00:00:00Z  evil[31mname',
  ]);
});
