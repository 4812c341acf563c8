import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { readCatalogues } from '../../../../collector/catalogues.ts';
import { type ReadResult, readConfig } from '../../../../collector/config/read.ts';
import { duration, secretReference, sourceFields } from '../../../../protocols/config-fields.ts';
import type { ProtocolDefinition, SourceConfigBase } from '../../../../protocols/contract.ts';
import type { AnyProtocolDefinition } from '../../../../protocols/registry.ts';

export const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
export const CATALOGUES = readCatalogues(`${ROOT}/catalogues`);

interface BellConfig extends SourceConfigBase {
  readonly rooms: readonly { readonly name: string; readonly every: number }[];
}

const never = (): never => {
  throw new Error('a configuration test reaches no equipment');
};

/** A protocol that names its addresses in the configuration. */
const bell: ProtocolDefinition<BellConfig> = {
  protocol: 'bell',
  configSchema: sourceFields.extend({
    protocol: z.literal('bell'),
    password: secretReference.optional(),
    rooms: z.array(z.strictObject({ name: z.string(), every: duration({ min: '1s', max: '1h' }).prefault('10s') })),
  }),
  configuredAddresses: ({ rooms }) => rooms.map(({ name, every }) => ({ address: name, expectedIntervalMs: every })),
  endpointOf: ({ id }) => id,
  create: never,
};

/** A protocol that learns its addresses from traffic. */
const post: ProtocolDefinition = {
  protocol: 'post',
  configSchema: sourceFields.extend({ protocol: z.literal('post') }),
  configuredAddresses: () => [],
  endpointOf: ({ id }) => id,
  create: never,
};

export const DEFINITIONS = [bell, post] as unknown as readonly AnyProtocolDefinition[];

export function read(text: string): ReadResult {
  return readConfig(text, {
    file: 'plant.yaml',
    baseFolder: '/plant',
    definitions: DEFINITIONS,
    catalogues: CATALOGUES,
  });
}

/** `LINE:COLUMN path: message` of everything that is wrong. */
export function problemsOf(text: string): string[] {
  const result = read(text);
  return result.ok ? [] : result.problems.map(told);
}

/** The same of the warnings of a usable file. */
export function warningsOf(text: string): string[] {
  const result = read(text);
  if (!result.ok) throw new Error(result.problems.map(told).join('\n'));
  return result.warnings.map(told);
}

function told({
  line,
  column,
  path,
  message,
}: {
  line: number;
  column: number;
  path: string;
  message: string;
}): string {
  return `${line}:${column} ${path}: ${message}`;
}
