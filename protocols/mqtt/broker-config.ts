import { z } from 'zod';
import { isTopicFilter } from './topic-filter.ts';

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

const path = z.string().min(1).max(1_000);
const filters = z.array(z.string().refine(isTopicFilter, 'is not a topic filter')).max(1_000).default([]);

const permission = z.strictObject({
  user: z.string().min(1).max(200).describe('A name of the password file, or * for everybody'),
  publish: filters.describe('Topic filters; {user} and {client} stand for the one who asks'),
  subscribe: filters,
});

/** The embedded broker: for the demo and small plants. MQTT 3.1.1 only; it keeps no sessions. */
export const brokerConfig = z
  .strictObject({
    host: z.string().min(1).max(253).default('127.0.0.1'),
    port: z.int().min(1).max(65_535).optional().describe('1883, or 8883 with TLS, where left out'),
    access: z.literal('anonymous').optional().describe('No passwords; on loopback only'),
    passwordFile: path.optional().describe('Who may connect; lines made by `rollcall mqtt password`'),
    permissions: z
      .array(permission)
      .max(10_000)
      .optional()
      .describe('Who may publish and read what; everybody everything where left out'),
    tls: z
      .strictObject({
        certificate: path,
        key: path,
        clientAuthority: path.optional().describe('PEM file: clients must show a certificate signed by it'),
      })
      .optional()
      .describe('PEM files'),
    maxConnections: z.int().min(1).max(100_000).default(1_000),
    maxPacketBytes: z.int().min(1_024).max(268_435_455).default(1_048_576),
    maxRetained: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(10_000)
      .describe('Further retained messages are passed on, not kept'),
  })
  .superRefine(({ host, access, passwordFile, permissions }, context) => {
    const issue = (key: string, message: string): void => context.addIssue({ code: 'custom', path: [key], message });
    if (access === undefined && passwordFile === undefined) {
      issue('passwordFile', 'name a password file, or set access: anonymous on loopback');
    }
    if (access === 'anonymous' && !LOOPBACK.test(host)) issue('access', 'an anonymous broker listens on loopback only');
    if (access === 'anonymous' && passwordFile !== undefined) issue('access', 'does not go with a password file');
    if (access === 'anonymous' && permissions?.some(({ user }) => user !== '*') === true) {
      issue('permissions', 'without passwords nobody is somebody: only * can be given permissions');
    }
  });

export type BrokerConfig = z.output<typeof brokerConfig>;
