import { z } from 'zod';

/** `GET /healthz`: the process answers. */
export const health = z.object({ status: z.literal('ok'), version: z.string() }).meta({ id: 'Health' });

/** `GET /readyz` when evidence is taken in and kept. */
export const readiness = z
  .object({
    status: z.literal('ready'),
    warnings: z.array(z.string()).meta({ description: 'What is not well, and could become a reason not to be ready' }),
  })
  .meta({ id: 'Readiness' });
