import { z } from 'zod';
import type { AnyProtocolDefinition } from '../../protocols/registry.ts';
import { configSchema } from './schema.ts';

/** The parts of JSON Schema 2020-12 that zod writes for a configuration. */
export interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly oneOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly const?: unknown;
  readonly description?: string;
}

/** What editors check `rollcall.yaml` against: its form. What one part says of another, only `rollcall check` sees. */
export function configJsonSchema(definitions: readonly AnyProtocolDefinition[]): JsonSchema {
  const schema = z.toJSONSchema(configSchema(definitions), { io: 'input' });
  return { ...schema, title: 'rollcall.yaml', description: 'Configuration of a Rollcall collector' } as JsonSchema;
}

/** The keys that may stand where `path` leads to in `value`. */
export function knownKeys(schema: JsonSchema, value: unknown, path: readonly PropertyKey[]): readonly string[] {
  let candidates = alternatives(schema, value);
  let at = value;
  for (const key of path) {
    at = typeof at === 'object' && at !== null ? (at as Readonly<Record<PropertyKey, unknown>>)[key] : undefined;
    candidates = candidates.flatMap((candidate) => {
      const child =
        typeof key === 'number'
          ? candidate.items
          : (candidate.properties?.[String(key)] ?? candidate.additionalProperties);
      return typeof child === 'object' ? alternatives(child, at) : [];
    });
  }
  return [...new Set(candidates.flatMap(({ properties }) => Object.keys(properties ?? {})))];
}

/** Of a union, the members whose constants do not contradict the value. */
function alternatives(schema: JsonSchema, value: unknown): JsonSchema[] {
  const members = schema.oneOf ?? schema.anyOf;
  if (members === undefined) return [schema];
  return members
    .filter((member) =>
      Object.entries(member.properties ?? {}).every(
        ([key, property]) =>
          property.const === undefined ||
          property.const === (value as Readonly<Record<string, unknown>> | undefined)?.[key],
      ),
    )
    .flatMap((member) => alternatives(member, value));
}
