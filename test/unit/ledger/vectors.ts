import { readdirSync, readFileSync } from 'node:fs';

const FOLDER = new URL('../../vectors/', import.meta.url);

/** The text of one vector file. */
export function vectorText(path: string): string {
  return readFileSync(new URL(path, FOLDER), 'utf8');
}

/** The value of one JSON vector file; the caller says of which shape. */
export function vector(path: string): unknown {
  return JSON.parse(vectorText(path));
}

/** Paths of all files below a folder of `test/vectors`. */
export function vectorsBelow(path: string): string[] {
  return readdirSync(new URL(`${path}/`, FOLDER), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath.slice(entry.parentPath.lastIndexOf(path))}/${entry.name}`);
}
