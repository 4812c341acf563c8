import { z } from 'zod';
import { ROLES } from '../../collector/store/contract.ts';
import { instant } from './fields.ts';

/** `GET /api/v1/session`: who the token belongs to. */
export const session = z
  .object({
    name: z.string().meta({ description: 'Name of the token' }),
    role: z.enum(ROLES),
    expiresAt: instant.nullable(),
  })
  .meta({ id: 'Session' });
