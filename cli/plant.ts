import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Catalogues, readCatalogues } from '../collector/catalogues.ts';
import { type Problem, type ReadResult, readConfig } from '../collector/config/read.ts';
import { CollectorError } from '../collector/errors.ts';
import { PROTOCOLS } from '../protocols/registry.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The folder of the page. */
export const PAGE_FOLDER = join(ROOT, 'web');

export function shippedCatalogues(): Catalogues {
  return readCatalogues(join(ROOT, 'catalogues'));
}

/** Reads and checks a configuration file. Throws `CollectorError('configuration')` when the file itself cannot be read. */
export async function readPlant(file: string, catalogues: Catalogues): Promise<ReadResult> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CollectorError('configuration', `reading the configuration: ${reason}`, {
      cause: error,
      hint: 'copy rollcall.example.yaml to rollcall.yaml and change it, or name another file',
    });
  }
  return readPlantText(text, file, dirname(resolve(file)), catalogues);
}

/** Checks the text of a configuration; relative paths in it refer to `baseFolder`. */
export function readPlantText(text: string, file: string, baseFolder: string, catalogues: Catalogues): ReadResult {
  return readConfig(text, { file, baseFolder, definitions: PROTOCOLS, catalogues });
}

/** `FILE:LINE:COLUMN path: message`, which editors and terminals turn into a link. */
export function problemLine({ file, line, column, path, message }: Problem): string {
  return `${file}:${line}:${column} ${path === '' ? '' : `${path}: `}${message}`;
}

/** What went wrong, for people, and the exit code it deserves. */
export function complain(error: unknown): void {
  if (!(error instanceof CollectorError)) throw error;
  console.error(`rollcall: ${error.message}`);
  if (error.hint !== undefined) console.error(`  ${error.hint}`);
}
