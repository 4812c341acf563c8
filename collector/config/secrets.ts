import { isAbsolute, resolve } from 'node:path';
import type { SecretReference } from '../../protocols/contract.ts';
import { ProtocolError } from '../../protocols/errors.ts';

const MAX_SECRET_BYTES = 65_536;

export interface SecretSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: (path: string) => Promise<string>;
  /** What `file:` references are relative to. */
  readonly baseFolder: string;
}

/**
 * Reads secrets at the time of use, so that a rotated file is seen at the next connection. Rejects with
 * `ProtocolError('refused')`, which names the reference and never the value.
 */
export function secretReader({
  env,
  readFile,
  baseFolder,
}: SecretSources): (reference: SecretReference) => Promise<string> {
  return async (reference) => {
    const value = reference.startsWith('env:')
      ? variable(reference.slice('env:'.length))
      : await fileText(reference.slice('file:'.length));
    if (value === undefined) throw unreadable(reference, 'the environment variable is not set');
    const secret = value.replace(/\r?\n$/, '');
    if (secret === '') throw unreadable(reference, 'it is empty');
    if (Buffer.byteLength(secret) > MAX_SECRET_BYTES) throw unreadable(reference, 'it is larger than 64 KiB');
    return secret;

    function variable(name: string): string | undefined {
      return Object.hasOwn(env, name) ? env[name] : undefined;
    }

    async function fileText(path: string): Promise<string> {
      try {
        return await readFile(isAbsolute(path) ? path : resolve(baseFolder, path));
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
        throw unreadable(reference, `the file cannot be read (${code})`);
      }
    }
  };
}

function unreadable(reference: SecretReference, why: string): ProtocolError {
  return new ProtocolError('refused', `reading the secret ${reference}: ${why}`, {
    hint: 'set it before the next attempt; it is read again for every connection',
  });
}
