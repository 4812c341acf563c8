import { z } from 'zod';
import { count, instant } from './fields.ts';

const protocol = z
  .object({
    family: z.string().meta({ examples: ['opcua'] }),
    nameZh: z.string(),
    nameEn: z.string(),
    standards: z.array(z.string()).meta({ examples: [['GB/T 33863', 'IEC 62541']] }),
    adapter: z.enum(['built-in', 'relayed']),
    state: z
      .enum(['verified', 'compatible', 'not-in-use'])
      .meta({ description: 'R9. `not-in-use`: in the catalogue, but nothing was exchanged over it this year' }),
    variants: z.array(z.object({ variant: z.string(), devices: count })),
    devices: count,
    online: count,
    verified: count,
    firstExchangeAt: instant.nullable(),
    lastExchangeAt: instant.nullable(),
  })
  .meta({ id: 'Protocol', description: 'A protocol family with its variants (R9)' });

/** `GET /api/v1/protocols`. */
export const protocolList = z.object({ items: z.array(protocol) }).meta({ id: 'ProtocolList' });
