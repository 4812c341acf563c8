import { z } from 'zod';
import { count, instant, protocolLine } from './fields.ts';

/** Candidates in a page where no number is stated, and at most. */
const DEFAULT_PAGE = 100;

const sourceId = z
  .string()
  .min(1)
  .max(200)
  .refine((text) => !/\p{Cc}/u.test(text), 'must not hold control characters');

/** Of `GET /api/v1/sources/{id}/…`. */
export const sourceParams = z.object({ id: sourceId.meta({ description: 'Id of the source' }) });

/** Query of `GET /api/v1/sources/{id}/candidates`. */
export const candidatesQuery = z.strictObject({
  limit: z
    .string()
    .refine((text) => /^[1-9][0-9]{0,2}$|^1000$/.test(text), 'must be a whole number from 1 to 1000')
    .meta({ type: 'integer', minimum: 1, maximum: 1000, default: DEFAULT_PAGE, description: 'Candidates in a page' })
    .optional()
    .transform((text) => (text === undefined ? DEFAULT_PAGE : Number(text))),
  cursor: z.string().min(1).max(100).optional().meta({ description: '`nextCursor` of the page before' }),
});

const candidate = z
  .object({
    address: z.string().meta({ examples: ['north/hall-1/press-7'] }),
    protocol: protocolLine,
    firstSeenAt: instant,
    lastSeenAt: instant.nullable().meta({ description: 'Last time anything came from it, whatever its weight' }),
    lastLiveAt: instant.nullable().meta({ description: 'Last live evidence (R3)' }),
    today: z
      .object({ good: count, uncertain: count, bad: count, weightless: count })
      .meta({ description: 'Observations of today by weight (R3)' }),
    claims: z
      .record(z.string(), z.union([z.string(), z.boolean()]))
      .nullable()
      .meta({ description: 'What it says of itself' }),
    claimsBy: z.string().nullable().meta({ description: 'How it said so' }),
  })
  .meta({ id: 'Candidate', description: 'An address that was heard and that no device of the register is bound to' });

/** A page of `GET /api/v1/sources/{id}/candidates`. */
export const candidatePage = z
  .object({
    items: z.array(candidate),
    nextCursor: z.string().nullable().meta({ description: 'Cursor of the next page; null on the last one' }),
  })
  .meta({ id: 'CandidatePage' });

const deadLetter = z
  .object({
    from: z.string().meta({ description: 'Where it came from', examples: ['plants/north/press-7/telemetry'] }),
    reason: z.string().meta({ examples: ['the payload is not in the configured format'] }),
    firstAt: instant,
    lastAt: instant,
    samples: count.meta({ description: 'Such ones that were looked at; a flood is not looked at one by one' }),
    bytes: count.meta({ description: 'Size of the last one' }),
    beginningBase64: z.string().meta({ description: 'Its first bytes, at most 1,024' }),
  })
  .meta({ id: 'DeadLetter', description: 'A sample of what came from equipment and could not be read' });

/** `GET /api/v1/sources/{id}/dead-letters`. */
export const deadLetterList = z.object({ items: z.array(deadLetter) }).meta({ id: 'DeadLetterList' });
