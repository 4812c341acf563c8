import { describe, expect, test } from 'vitest';
import { secretReader } from '../../../../collector/config/secrets.ts';

const files: Readonly<Record<string, string>> = {
  '/plant/secrets/token': 'from-file\n',
  '/etc/token': 'absolute\r\n',
  '/plant/empty': '\n',
  '/plant/long': 'x'.repeat(70_000),
  '/plant/lines': 'first\nsecond\n',
};

const readSecret = secretReader({
  env: { TOKEN: 'from-environment', EMPTY: '' },
  readFile: (path) => {
    const text = files[path];
    return text === undefined
      ? Promise.reject(Object.assign(new Error(`no ${path}`), { code: 'ENOENT' }))
      : Promise.resolve(text);
  },
  baseFolder: '/plant',
});

describe('a secret', () => {
  test('is read from the environment, or from a file relative to the configuration, without the last line end', async () => {
    expect(await readSecret('env:TOKEN')).toBe('from-environment');
    expect(await readSecret('file:secrets/token')).toBe('from-file');
    expect(await readSecret('file:/etc/token')).toBe('absolute');
    expect(await readSecret('file:lines')).toBe('first\nsecond');
  });

  test.each([
    ['env:NOT_SET', 'reading the secret env:NOT_SET: the environment variable is not set'],
    ['env:EMPTY', 'reading the secret env:EMPTY: it is empty'],
    ['file:empty', 'reading the secret file:empty: it is empty'],
    ['file:nowhere', 'reading the secret file:nowhere: the file cannot be read (ENOENT)'],
    ['file:long', 'reading the secret file:long: it is larger than 64 KiB'],
    ['env:__proto__', 'reading the secret env:__proto__: the environment variable is not set'],
  ] as const)('%s that cannot be used is refused by its reference', async (reference, message) => {
    await expect(readSecret(reference)).rejects.toMatchObject({ name: 'ProtocolError', code: 'refused', message });
  });
});
