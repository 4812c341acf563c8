/** Writes `rollcall.schema.json` from the schema that `rollcall check` uses. A test says when it was forgotten. */
import { writeFileSync } from 'node:fs';
import { configJsonSchema } from '../collector/config/json-schema.ts';
import { PROTOCOLS } from '../protocols/registry.ts';

const file = new URL('../rollcall.schema.json', import.meta.url);
writeFileSync(file, `${JSON.stringify(configJsonSchema(PROTOCOLS), null, 2)}\n`);
