import { z } from 'zod';
import { duration, secretReference, sourceFields } from '../config-fields.ts';
import { sparkplugConfig } from './sparkplug/config.ts';
import { NAMESPACE } from './sparkplug/topic.ts';
import { addressesClash, checkedTemplate, parseTemplate, templatesOverlap } from './topic.ts';
import { addressSpace, topicIssues, topicsConfig } from './topic-config.ts';
import { isTopicFilter } from './topic-filter.ts';

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

const SPARKPLUG_TEMPLATE = checkedTemplate(`${NAMESPACE}/#`);

const path = z.string().min(1).max(1_000);

const tls = z.strictObject({
  ca: path.optional().describe('PEM file of the authority that signed the broker; the system’s where left out'),
  certificate: path.optional().describe('PEM file by which we show who we are'),
  key: path.optional().describe('PEM file of its private key'),
  passphrase: secretReference.optional().describe('Of the private key'),
  servername: z
    .string()
    .min(1)
    .max(253)
    .optional()
    .describe('Name the certificate must hold (SNI); the host of the URL where left out'),
  minVersion: z.enum(['1.2', '1.3']).default('1.2'),
});

const limits = z.strictObject({
  packetBytes: z
    .int()
    .min(65_536)
    .max(268_435_455)
    .default(8_388_608)
    .describe('Of any packet: MQTT 5 brokers keep larger ones back, others are cut off for them'),
  payloadBytes: z.int().min(1).max(16_777_216).default(262_144).describe('Larger payloads are bad observations'),
  depth: z.int().min(1).max(64).default(16).describe('Nesting of values'),
  points: z.int().min(1).max(65_535).default(10_000).describe('Values in one message'),
  devicesPerMessage: z.int().min(1).max(100_000).default(1_000),
  topics: z
    .int()
    .min(1)
    .max(2_000_000)
    .default(200_000)
    .describe('Topics remembered; further ones cost more to look up'),
});

const fields = sourceFields.extend({
  protocol: z.literal('mqtt'),
  url: z.string().superRefine((text, context) => {
    const problem = urlProblem(text);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  }),
  version: z
    .union([z.literal(5), z.literal('5'), z.literal('5.0'), z.literal('3.1.1')], 'write 5 or 3.1.1')
    .default('3.1.1')
    .transform((version): '3.1.1' | '5.0' => (version === '3.1.1' ? '3.1.1' : '5.0')),
  clientId: z
    .string()
    .regex(/^[\x21-\x7e]{1,128}$/, 'use 1 to 128 printable characters')
    .optional()
    .describe('Must be unique at the broker; made from the source, this machine and its data folder where left out'),
  username: z.string().min(1).max(1_000).optional(),
  password: secretReference.optional(),
  tls: tls.optional(),
  session: z
    .enum(['clean', 'persistent'])
    .default('clean')
    .describe('persistent: the broker keeps QoS 1 messages for us'),
  sessionExpiry: duration({ min: '1s', max: '30d' }).optional().describe('MQTT 5: how long the broker keeps a session'),
  receiveMaximum: z.int().min(1).max(65_535).optional().describe('MQTT 5: QoS 1 messages in flight to us'),
  userProperties: z
    .record(z.string().min(1).max(200), z.string().max(1_000))
    .optional()
    .describe('MQTT 5: sent when connecting'),
  qos: z.union([z.literal(0), z.literal(1)]).default(0),
  keepAlive: duration({ min: '5s', max: '1h' }).prefault('30s'),
  connectTimeout: duration({ min: '1s', max: '5m' }).prefault('10s'),
  silence: duration({ min: '1s', max: '1d' })
    .prefault('2m')
    .describe('After so long without any message the subscriptions are made anew'),
  ownStatus: z
    .string()
    .refine((text) => isTopicFilter(text) && !/[+#]/.test(text) && !text.startsWith('$'), 'is not a topic')
    .optional()
    .describe('Topic of our own: birth, will, and the round trip that proves that the broker forwards'),
  share: z
    .string()
    .regex(/^[^/+#\0]{1,200}$/, 'a share name has no slash, + or #')
    .optional()
    .describe('Several collectors share the messages of this source under this name'),
  topics: topicsConfig.default([]),
  sparkplug: sparkplugConfig.optional(),
  ignore: z
    .array(z.string().refine(isTopicFilter, 'is not a topic filter'))
    .max(1_000)
    .default([])
    .describe('Topics that no template takes'),
  limits: limits.prefault({}),
});

/** One MQTT source of `rollcall.yaml`. The README of this folder explains every key. */
export const mqttConfig = fields.superRefine((config, context) => {
  const issue = (path: PropertyKey[], message: string): void => context.addIssue({ code: 'custom', path, message });
  for (const { path, message } of topicIssues(config.topics)) issue(['topics', ...path], message);
  for (const { path, message } of sparkplugIssues(config)) issue([...path], message);
  for (const { path, message } of connectionIssues(config)) issue([...path], message);
});

export type MqttConfig = z.output<typeof mqttConfig>;

/** What does not fit together in how the broker is reached. */
function connectionIssues(config: z.output<typeof fields>): Issue[] {
  const { url, version, clientId, username, password, tls: security, session, ownStatus, topics } = config;
  const wrong: Issue[] = [];
  const when = (condition: boolean, path: readonly PropertyKey[], message: string): void => {
    if (condition) wrong.push({ path, message });
  };
  when(topics.length === 0 && config.sparkplug === undefined, ['topics'], 'names no topic: nothing could be counted');
  when(password !== undefined && username === undefined, ['password'], 'a password needs a username');
  when(
    (security?.certificate === undefined) !== (security?.key === undefined),
    ['tls'],
    'a client certificate needs both certificate and key',
  );
  when(security?.passphrase !== undefined && security.key === undefined, ['tls', 'passphrase'], 'there is no key');
  when(
    security !== undefined && !/^(mqtts|wss):/.test(url),
    ['tls'],
    'the URL asks for no TLS: write mqtts:// or wss://',
  );
  for (const key of ['sessionExpiry', 'receiveMaximum', 'userProperties'] as const) {
    when(version === '3.1.1' && config[key] !== undefined, [key], 'needs version: 5');
  }
  when(
    session === 'persistent' && clientId === undefined,
    ['clientId'],
    'a persistent session needs a clientId of its own',
  );
  when(
    session === 'persistent' && ownStatus === undefined,
    ['ownStatus'],
    'a persistent session needs ownStatus: it tells messages that waited at the broker from fresh ones',
  );
  when(
    session === 'clean' && config.sessionExpiry !== undefined,
    ['sessionExpiry'],
    'only a persistent session has an expiry',
  );
  return wrong;
}

/** What does not go with Sparkplug B. */
function sparkplugIssues({ sparkplug, topics, share, ownStatus, session }: z.output<typeof fields>): Issue[] {
  if (sparkplug === undefined) return [];
  const wrong: Issue[] = [];
  const space = { prefix: sparkplug.prefix, variables: ['group', 'edge node'], open: true };
  for (const [i, topic] of topics.entries()) {
    const template = parseTemplate(topic.template);
    if (typeof template === 'string') continue;
    const path = ['topics', i, 'template'];
    if (templatesOverlap(template, SPARKPLUG_TEMPLATE)) wrong.push({ path, message: 'matches topics of Sparkplug' });
    else if (addressesClash(space, addressSpace(topic, template))) {
      wrong.push({ path, message: 'could give its devices the addresses of Sparkplug: set a prefix' });
    }
  }
  const when = (condition: boolean, key: string, message: string): void => {
    if (condition) wrong.push({ path: [key], message });
  };
  when(share !== undefined, 'share', 'Sparkplug needs every message in its order: it cannot be shared');
  when(
    sparkplug.hostId !== undefined && ownStatus !== undefined,
    'ownStatus',
    'the STATE of sparkplug.hostId is our own status already',
  );
  when(session === 'persistent', 'session', 'a host application of Sparkplug keeps no session (3.0, 5.2)');
  return wrong;
}

function urlProblem(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || !/^(mqtt|mqtts|ws|wss):$/.test(url.protocol) || url.hostname === '') {
    return 'write mqtt://HOST:PORT, mqtts://HOST:PORT, ws://HOST:PORT/PATH or wss://HOST:PORT/PATH';
  }
  if (url.username !== '' || url.password !== '')
    return 'user and password do not belong into the URL: use username and password';
  if (url.search !== '' || url.hash !== '') return 'has no query and no fragment';
  if (url.protocol.startsWith('mqtt') && url.pathname !== '' && url.pathname !== '/')
    return 'only ws:// and wss:// have a path';
  return undefined;
}
