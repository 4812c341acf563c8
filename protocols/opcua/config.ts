import { z } from 'zod';
import { duration, secretReference, sourceFields } from '../config-fields.ts';

/** A node by the URI of its namespace: indexes differ from server to server and from start to start (OPC 10000-6, 5.1.12). */
const NODE_TEXT = /^(nsu=[^;]+;)?(i=\d+|s=.+|g=[0-9a-fA-F-]{36}|b=[A-Za-z0-9+/=]+)$/;

const nodeId = z
  .string()
  .max(4_096)
  .regex(NODE_TEXT, 'write a node as nsu=NAMESPACE-URI;s=NAME or nsu=NAMESPACE-URI;i=NUMBER');

export const opcuaConfig = sourceFields
  .extend({
    protocol: z.literal('opcua'),
    url: z.url({ protocol: /^opc\.tcp$/, error: 'write opc.tcp://HOST:PORT' }),
    security: z.enum(['none', 'Basic256Sha256']).default('Basic256Sha256'),
    mode: z.literal('SignAndEncrypt').optional().describe('With security: SignAndEncrypt'),
    user: z
      .strictObject({ name: z.string().min(1).max(200), password: secretReference })
      .optional()
      .describe('Anonymous where left out'),
    connectTimeout: duration({ min: '1s', max: '5m' }).prefault('10s'),
    publishingInterval: duration({ min: '100ms', max: '1h' }).prefault('1s'),
    samplingInterval: duration({ min: '50ms', max: '1h' })
      .optional()
      .describe('The publishing interval where left out'),
    devices: z.strictObject({
      nodes: z
        .array(
          z.strictObject({
            nodeId,
            values: z
              .array(nodeId)
              .min(1)
              .max(1_000)
              .optional()
              .describe('The variables below the node where left out'),
            expectedInterval: duration({ min: '10ms', max: '30d' }).optional(),
          }),
        )
        .max(10_000)
        .default([]),
      childrenOf: z.array(nodeId).max(100).default([]).describe('Each object below is a device'),
    }),
    limits: z
      .strictObject({
        valuesPerDevice: z.int().min(1).max(1_000).default(50),
        itemsPerRequest: z.int().min(1).max(10_000).default(1_000),
      })
      .prefault({}),
  })
  .superRefine(({ devices, security, user, mode }, context) => {
    if (devices.nodes.length === 0 && devices.childrenOf.length === 0) {
      context.addIssue({ code: 'custom', path: ['devices'], message: 'name devices by nodes or by childrenOf' });
    }
    if (security === 'none' && mode !== undefined) {
      context.addIssue({ code: 'custom', path: ['mode'], message: 'goes with a security policy' });
    }
    if (security === 'none' && user !== undefined) {
      context.addIssue({
        code: 'custom',
        path: ['user'],
        message: 'a password would travel in the clear: choose a security policy',
      });
    }
    const seen = new Set<string>();
    for (const [i, node] of devices.nodes.entries()) {
      if (seen.has(node.nodeId))
        context.addIssue({
          code: 'custom',
          path: ['devices', 'nodes', i, 'nodeId'],
          message: `${node.nodeId} stands here twice`,
        });
      seen.add(node.nodeId);
    }
  });

export type OpcuaConfig = z.output<typeof opcuaConfig>;
