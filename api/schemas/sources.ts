import { z } from 'zod';
import { count, instant } from './fields.ts';

const source = z
  .object({
    id: z.string(),
    name: z.string(),
    protocol: z.string(),
    endpoint: z.string().meta({ examples: ['opc.tcp://10.0.4.17:4840'] }),
    simulated: z.boolean(),
    state: z.enum(['connecting', 'up', 'down', 'stopped']),
    since: instant.nullable().meta({ description: 'Since when it is in this state' }),
    addresses: count.meta({ description: 'Addresses known in it' }),
    observations: count.meta({ description: 'Since the collector started' }),
    bad: count,
    dropped: count.meta({ description: 'Lost to overload; each loss is a declared gap (R14)' }),
    reconnects: count,
    lastObservationAt: instant.nullable(),
    lastError: z
      .object({ code: z.string(), message: z.string(), hint: z.string().nullable(), at: instant })
      .nullable()
      .meta({ description: 'What went wrong last, and what a person can do' }),
    nextAttemptAt: instant.nullable(),
    notices: z.array(
      z.object({
        code: z.string(),
        level: z.enum(['warning', 'error']),
        message: z.string(),
        hint: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'Source', description: 'One configured connection' });

/** `GET /api/v1/sources`. */
export const sourceList = z.object({ items: z.array(source) }).meta({ id: 'SourceList' });
