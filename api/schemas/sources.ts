import { z } from 'zod';
import { count, instant } from './fields.ts';

const share = z.number().min(0).max(1);

const lineShare = z.object({
  busyShare: share.meta({ description: 'Of the window: requests that were under way, answered or not' }),
  silentShare: share.meta({ description: 'Of the window: waits for answers that did not come' }),
  requests: count,
  timeouts: count,
});

const line = lineShare
  .extend({
    windowMs: z.number().min(0),
    strays: count.meta({ description: 'Answers that matched no request' }),
    outstanding: count.meta({ description: 'Requests that may be under way at once' }),
    deadUnitShare: share.meta({ description: 'What units that do not answer may cost together' }),
    units: z.array(
      lineShare.extend({
        address: z.string(),
        state: z.enum(['answering', 'silent', 'dead']),
        nextInMs: z.number().min(0).meta({ description: 'Until it is read again' }),
      }),
    ),
  })
  .meta({ id: 'Line', description: 'Where the time of a line goes that several devices share' });

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
    line: line.nullable().meta({ description: 'Null where devices are not asked one after another' }),
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
