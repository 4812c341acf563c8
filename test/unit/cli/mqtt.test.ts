import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Aedes } from 'aedes';
import { expect, test } from 'vitest';
import { Passwords } from '../../../protocols/mqtt/passwords.ts';
import { Program } from '../../support/program.ts';

const ROLLCALL = fileURLToPath(new URL('../../../cli/rollcall.mjs', import.meta.url));

test('a line for the password file holds the password of standard input, hashed', async () => {
  const { stdout, status } = spawnSync(process.execPath, [ROLLCALL, 'mqtt', 'password', 'press-7'], {
    input: 'correct horse\n',
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  expect(stdout).not.toContain('correct horse');
  expect(await new Passwords(stdout).accepts('press-7', Buffer.from('correct horse'))).toBe(true);
});

test.each([
  ['a:b', 'x', /no colon/],
  ['u', '', /standard input is empty/],
])('the user %j with the password %j is refused', (name, input, why) => {
  const { stderr, status } = spawnSync(process.execPath, [ROLLCALL, 'mqtt', 'password', name], {
    input,
    encoding: 'utf8',
  });
  expect(status).not.toBe(0);
  expect(stderr).toMatch(why);
});

test('a broker is listened to, and a template proposed', async () => {
  const aedes = await Aedes.createBroker();
  const server = createServer(aedes.handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  const publish = (): void => {
    const payload = Buffer.from('{"metrics":{"load":1}}');
    for (const id of ['a', 'b']) {
      const packet = { cmd: 'publish', topic: `plants/${id}/telemetry`, payload, qos: 0 } as const;
      aedes.publish({ ...packet, dup: false, retain: false }, () => {});
    }
  };
  const timer = setInterval(publish, 50);
  try {
    const url = `mqtt://127.0.0.1:${address.port}`;
    await using program = new Program(process.execPath, [ROLLCALL, 'mqtt', 'sniff', url, '--seconds', '1']);
    expect(await program.exited()).toBe(0);
    expect(program.output).toContain('template: plants/{device}/telemetry');
    expect(program.output).toContain('# addresses such as a, b');
  } finally {
    clearInterval(timer);
    await new Promise<void>((resolve) => aedes.close(resolve));
    await new Promise((resolve) => server.close(resolve));
  }
});

test('a broker that is not there is a sentence, not a trace', async () => {
  await using program = new Program(process.execPath, [
    ROLLCALL,
    'mqtt',
    'sniff',
    'mqtt://127.0.0.1:1',
    '--seconds',
    '1',
  ]);
  expect(await program.exited()).not.toBe(0);
  expect(program.output).toMatch(/^rollcall: connecting to mqtt:\/\/127\.0\.0\.1:1: /m);
  expect(program.output).not.toContain('    at ');
});
