import { z } from 'zod';
import type { SecretReference } from './contract.ts';

/** Configuration fields that every protocol and the collector share, so that they read and fail alike. */

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/** A duration such as `500ms`, `10s`, `5m`, `72h`, `30d`; the parsed value is in milliseconds, within the given bounds. */
export function duration(bounds: { min: string; max: string }) {
  const minMs = parseDuration(bounds.min);
  const maxMs = parseDuration(bounds.max);
  return z
    .string()
    .regex(DURATION, 'write a duration as a number and a unit, for example 500ms, 10s, 5m, 72h or 30d')
    .refine((text) => {
      const ms = parseDuration(text);
      return Number.isNaN(ms) || (ms >= minMs && ms <= maxMs);
    }, `must be between ${bounds.min} and ${bounds.max}`)
    .transform(parseDuration);
}

/** Milliseconds of a duration text; NaN when it is not one. */
export function parseDuration(text: string): number {
  const match = DURATION.exec(text);
  if (match === null) return Number.NaN;
  return Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
}

/** A reference to a secret. A literal secret is refused without being repeated in the message. */
export const secretReference = z
  .string()
  .regex(/^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$/, {
    error: 'secrets are not written into the configuration: use env:NAME or file:PATH',
  })
  .transform((text) => text as SecretReference);

/** An identifier that is stable, printable and safe in a URL: letters, digits and . _ - up to 64 characters. */
export const identifier = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    'use 1 to 64 letters, digits, dots, underscores or hyphens, starting with a letter or digit',
  );

/** The keys every source has. Adapters write `sourceFields.extend({ protocol: z.literal('…'), … })` and make it strict. */
export const sourceFields = z.strictObject({
  id: identifier,
  protocol: z.string(),
  /** What people call it; the id where left out. */
  name: z.string().min(1).max(200).optional(),
  simulated: z.boolean().default(false),
});
