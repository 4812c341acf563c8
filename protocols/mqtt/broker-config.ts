import { z } from 'zod';
import { identifier, secretReference } from '../config-fields.ts';

const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];

/** The embedded broker: for the demo and small plants. */
export const brokerConfig = z
  .strictObject({
    host: z.string().min(1).max(253).default('127.0.0.1'),
    port: z.int().min(1).max(65_535).default(1883),
    access: z.literal('anonymous').optional().describe('No passwords; on loopback only'),
    users: z
      .array(z.strictObject({ name: identifier, password: secretReference }))
      .max(10_000)
      .default([])
      .describe('Who may connect'),
    maxConnections: z.int().min(1).max(100_000).default(1_000),
    maxPayloadBytes: z.int().min(1).max(268_435_455).default(262_144),
  })
  .superRefine(({ host, access, users }, context) => {
    if (access === undefined && users.length === 0) {
      context.addIssue({ code: 'custom', message: 'name the users, or set access: anonymous on loopback' });
    }
    if (access === 'anonymous' && !LOOPBACK.includes(host)) {
      context.addIssue({
        code: 'custom',
        path: ['access'],
        message: 'an anonymous broker may listen on loopback only',
      });
    }
  });

export type BrokerConfig = z.output<typeof brokerConfig>;
