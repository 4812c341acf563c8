import { z } from 'zod';
import { CATEGORIES, TIERS } from '../../collector/census/device.ts';
import { count, instant } from './fields.ts';

const tally = z
  .object({
    registered: count.meta({ description: 'In the register on that day' }),
    online: count.meta({ description: 'Live within their timeout at that instant (R5)' }),
    verified: count.meta({ description: 'Counted by the rules (R7)' }),
  })
  .meta({ id: 'Tally', description: 'Numbers of devices' });

/** `GET /api/v1/counts`: the headline. Its keys are fixed. */
export const counts = z
  .object({
    asOf: instant,
    timeZone: z.string().meta({ description: 'IANA time zone in which days are counted', examples: ['Asia/Shanghai'] }),
    demo: z.boolean().meta({ description: 'True when the numbers come from simulated equipment' }),
    rules: z.object({
      version: z.string().meta({ examples: ['v1'] }),
      sha256: z.string().meta({ description: 'Hash of rules, type table and thresholds in force' }),
    }),
    devices: z.object({
      total: tally,
      byCategory: z.object({ running: tally, processing: tally, moving: tally, other: tally } satisfies Record<
        (typeof CATEGORIES)[number],
        unknown
      >),
      byTier: z
        .object({
          configured: count,
          reachable: count,
          live: count,
          identified: count,
          challenged: count,
        } satisfies Record<(typeof TIERS)[number], unknown>)
        .meta({ description: 'Registered devices by the strength of their evidence (R4)' }),
    }),
    protocols: z.object({
      compatible: count.meta({ description: 'Families over which decoded data was exchanged this year (R9)' }),
      verified: count.meta({ description: 'Of these, families spoken by a verified device (R9)' }),
    }),
    ledger: z.object({
      origin: z.string(),
      size: count,
      rootHash: z.string().meta({ description: 'Base64 of the root of the transparency log' }),
    }),
  })
  .meta({
    id: 'Counts',
    description: 'Connected equipment and compatible protocols as of one instant',
    examples: [
      {
        asOf: '2026-12-31T16:00:00.000Z',
        timeZone: 'Asia/Shanghai',
        demo: false,
        rules: { version: 'v1', sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08' },
        devices: {
          total: { registered: 1204, online: 1131, verified: 1098 },
          byCategory: {
            running: { registered: 512, online: 488, verified: 470 },
            processing: { registered: 431, online: 407, verified: 399 },
            moving: { registered: 96, online: 81, verified: 78 },
            other: { registered: 165, online: 155, verified: 151 },
          },
          byTier: { configured: 31, reachable: 20, live: 702, identified: 451, challenged: 0 },
        },
        protocols: { compatible: 5, verified: 4 },
        ledger: {
          origin: 'rollcall.example.com/plant',
          size: 40213,
          rootHash: '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
        },
      },
    ],
  });
