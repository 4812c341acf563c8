import { z } from 'zod';
import { duration, secretReference, sourceFields } from '../config-fields.ts';
import { isPointer } from './json-pointer.ts';
import { parseTemplate, templatesOverlap } from './topic.ts';

const pointer = z.string().refine(isPointer, 'is not a JSON Pointer such as /metrics or /d/0/value');

const template = z.string().superRefine((text, context) => {
  const parsed = parseTemplate(text);
  if (typeof parsed === 'string') context.addIssue({ code: 'custom', message: parsed });
});

/** Where a device says who it is, in its JSON. */
const claims = z
  .strictObject({
    serialNumber: pointer.default('/serialNumber'),
    manufacturer: pointer.default('/manufacturer'),
    model: pointer.default('/model'),
    type: pointer.default('/type'),
    simulated: pointer.default('/simulated'),
  })
  .prefault({});

const topic = z.strictObject({
  template: template.describe('Levels in braces name the device: plants/{enterprise}/{site}/{device}/telemetry'),
  payload: z.enum(['json', 'opaque']).default('json'),
  values: pointer.default('').describe('JSON Pointer to the values; the whole document where left out'),
  time: pointer.optional().describe('JSON Pointer to the device’s own time'),
  timeUnit: z.enum(['ms', 's', 'iso']).default('ms'),
  claims,
  expectedInterval: duration({ min: '10ms', max: '30d' }).optional(),
  status: z
    .strictObject({
      template,
      dead: z.string().min(1).max(200).default('offline').describe('The payload that says the device is gone'),
    })
    .optional()
    .describe('A topic, usually a will, on which the device is declared gone'),
  relayed: z
    .strictObject({ family: z.string().min(1).max(64), variant: z.string().max(64).default('') })
    .optional()
    .describe('The devices sit behind other gateway software that speaks this protocol to them'),
});

export const mqttConfig = sourceFields
  .extend({
    protocol: z.literal('mqtt'),
    url: z.url({ protocol: /^mqtts?$/, error: 'write mqtt://HOST:PORT or mqtts://HOST:PORT' }),
    version: z.union([z.literal('3.1.1'), z.literal('5.0')]).default('5.0'),
    clientId: z
      .string()
      .regex(/^[\x21-\x7e]{1,128}$/, 'use 1 to 128 printable characters')
      .optional()
      .describe('rollcall-<source id> where left out; must be unique at the broker'),
    username: z.string().min(1).max(1_000).optional(),
    password: secretReference.optional(),
    tls: z
      .strictObject({
        ca: z.string().optional().describe('PEM file; the system’s authorities where left out'),
        certificate: z.string().optional(),
        key: z.string().optional(),
        servername: z.string().max(253).optional(),
      })
      .prefault({}),
    qos: z.union([z.literal(0), z.literal(1)]).default(0),
    keepAlive: duration({ min: '5s', max: '1h' }).prefault('30s'),
    connectTimeout: duration({ min: '1s', max: '5m' }).prefault('10s'),
    topics: z.array(topic).min(1).max(100),
    limits: z
      .strictObject({
        payloadBytes: z.int().min(1).max(268_435_455).default(262_144),
        depth: z.int().min(1).max(64).default(16),
        points: z.int().min(1).max(65_535).default(10_000).describe('Values counted in one message'),
      })
      .prefault({}),
  })
  .superRefine((config, context) => {
    if (config.password !== undefined && config.username === undefined) {
      context.addIssue({ code: 'custom', path: ['password'], message: 'a password needs a username' });
    }
    if ((config.tls.certificate === undefined) !== (config.tls.key === undefined)) {
      context.addIssue({
        code: 'custom',
        path: ['tls'],
        message: 'a client certificate needs both certificate and key',
      });
    }
    for (const issue of templateIssues(config.topics)) context.addIssue({ code: 'custom', ...issue });
  });

export type MqttConfig = z.output<typeof mqttConfig>;
export type TopicConfig = MqttConfig['topics'][number];

/** Two templates that match the same topic would make the address of a device a matter of luck. */
function templateIssues(topics: readonly z.output<typeof topic>[]): { path: PropertyKey[]; message: string }[] {
  const all = topics.flatMap((entry, i) => [
    { path: ['topics', i, 'template'], text: entry.template },
    ...(entry.status === undefined ? [] : [{ path: ['topics', i, 'status', 'template'], text: entry.status.template }]),
  ]);
  const issues: { path: PropertyKey[]; message: string }[] = [];
  for (const [i, later] of all.entries()) {
    const clash = all.slice(0, i).find((earlier) => templatesOverlap(earlier.text, later.text));
    if (clash !== undefined)
      issues.push({ path: later.path, message: `matches topics that ${clash.text} matches too` });
  }
  for (const [i, entry] of topics.entries()) {
    if (entry.status === undefined) continue;
    const [own, status] = [parseTemplate(entry.template), parseTemplate(entry.status.template)];
    if (typeof own === 'string' || typeof status === 'string') continue;
    if (own.variables.join('/') !== status.variables.join('/')) {
      issues.push({
        path: ['topics', i, 'status', 'template'],
        message: 'must name the same variables in the same order',
      });
    }
  }
  return issues;
}
