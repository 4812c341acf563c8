import { z } from 'zod';
import { CATEGORIES, TIERS } from '../../collector/census/device.ts';

/** Fields that several answers share. Optional values are null, never missing, so that keys are stable. */

export const instant = z.string().meta({
  format: 'date-time',
  description: 'RFC 3339, UTC, with milliseconds',
  examples: ['2026-12-31T15:59:58.120Z'],
});

export const count = z.int().min(0);

export const category = z.enum(CATEGORIES).meta({ description: 'The four categories of the form (R11)' });
export const status = z
  .enum(['online', 'offline', 'unknown', 'never'])
  .meta({ description: 'R5. `unknown`: our own way to the equipment is down, so nothing is said of it' });
export const tier = z.enum(TIERS).meta({ description: 'How strong the evidence is (R4)' });

export const protocolLine = z
  .object({
    family: z.string().meta({ examples: ['modbus'] }),
    variant: z.string().meta({ examples: ['tcp'] }),
    reach: z.enum(['direct', 'relayed']).meta({ description: '`relayed`: spoken behind somebody else’s gateway (R9)' }),
  })
  .meta({ id: 'ProtocolLine' });

export const namedReference = z.object({ id: z.string(), name: z.string() }).meta({ id: 'NamedReference' });

/** An instant as the API writes it; null where there is none. */
export function rfc3339(atMs: number): string;
export function rfc3339(atMs: number | undefined): string | null;
export function rfc3339(atMs: number | undefined): string | null {
  return atMs === undefined ? null : new Date(atMs).toISOString();
}
