/** Writes `rollcall.schema.json` from the schema that `rollcall check` uses. A test says when it was forgotten. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { configJsonSchema } from '../collector/config/json-schema.ts';
import { PROTOCOLS } from '../protocols/registry.ts';

const file = fileURLToPath(new URL('../rollcall.schema.json', import.meta.url));
const biome = fileURLToPath(new URL('../node_modules/.bin/biome', import.meta.url));
writeFileSync(file, JSON.stringify(configJsonSchema(PROTOCOLS)));
const { status } = spawnSync(biome, ['format', '--write', file], { stdio: 'inherit' });
process.exitCode = status ?? 1;
