import { readFile as readText } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { SecretReference } from '../../protocols/contract.ts';
import { ProtocolError } from '../../protocols/errors.ts';
import { secretReader } from './secrets.ts';

/** Reads secrets and files that a configuration names, relative to it, at the time of use. */
export interface ConfigReaders {
  readonly readSecret: (reference: SecretReference) => Promise<string>;
  readonly readFile: (path: string) => Promise<Uint8Array>;
}

/** Both reject with `ProtocolError('refused')`, which names the reference or path and never what stands there. */
export function configReaders(baseFolder: string, env: Readonly<Record<string, string | undefined>>): ConfigReaders {
  const readSecret = secretReader({ env, readFile: (path) => readText(path, 'utf8'), baseFolder });
  const readFile = async (path: string): Promise<Uint8Array> => {
    try {
      return await readText(resolve(baseFolder, path));
    } catch (error) {
      throw new ProtocolError('refused', `reading ${path}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
        hint: 'the configuration names this file, relative to itself; it is read again at the next attempt',
      });
    }
  };
  return { readSecret, readFile };
}
