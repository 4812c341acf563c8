import { z } from 'zod';
import { isPointer } from './json-pointer.ts';
import { addressesClash, parseTemplate, type TopicTemplate, templatesOverlap } from './topic.ts';

const pointer = z.string().max(1_000).refine(isPointer, 'is not a JSON Pointer such as /metrics or /d/0/value');

const template = z.string().superRefine((text, context) => {
  const parsed = parseTemplate(text);
  if (typeof parsed === 'string') context.addIssue({ code: 'custom', message: parsed });
});

/** Where in its record a device says who it is: by the names of `IdentityClaims`. */
const claims = z
  .strictObject({
    serialNumber: pointer.default('/serialNumber'),
    manufacturer: pointer.default('/manufacturer'),
    model: pointer.default('/model'),
    type: pointer.default('/type'),
    simulated: pointer.default('/simulated'),
    productInstanceUri: pointer.optional(),
    handle: pointer.optional(),
    vin: pointer.optional(),
    imei: pointer.optional(),
    mac: pointer.optional(),
    assetNumber: pointer.optional(),
    softwareVersion: pointer.optional(),
  })
  .prefault({});

const scalar = z.union([z.string().max(200), z.number(), z.boolean()]);

const quality = z.strictObject({
  at: pointer.describe('JSON Pointer to what the device says of its own values'),
  good: z.array(scalar).min(1).max(100),
  uncertain: z.array(scalar).max(100).default([]),
});

const topic = z.strictObject({
  template: template.describe('Levels in braces name the device: plants/{enterprise}/{site}/{device}/telemetry'),
  prefix: z
    .string()
    .regex(/^[^/+#{}\0]{1,64}$/, 'use 1 to 64 characters without / + # { }')
    .optional()
    .describe('Put before the address, so that templates with different variables stay apart'),
  payload: z.enum(['json', 'opaque']).default('json'),
  values: pointer.default('').describe('JSON Pointer to the values; the whole record where left out'),
  time: pointer.optional().describe('JSON Pointer to the device’s own time'),
  timeUnit: z.enum(['s', 'ms', 'us', 'ns', 'iso']).default('ms'),
  sameTime: z
    .enum(['accept', 'weightless'])
    .optional()
    .describe('Of a message whose time is that of the one before; weightless where left out for relayed devices'),
  quality: quality.optional(),
  claims,
  status: z
    .strictObject({
      template,
      at: pointer.optional().describe('JSON Pointer to the word; the whole payload as text where left out'),
      dead: z.string().min(1).max(200).default('offline').describe('The word that says that the device is gone'),
    })
    .optional()
    .describe('A topic, usually a will, on which the device is declared gone'),
  relayed: z
    .strictObject({ family: z.string().min(1).max(64), variant: z.string().max(64).default('') })
    .optional()
    .describe('The devices sit behind other gateway software that speaks this protocol to them'),
});

export const topicsConfig = z.array(topic).max(100);
export type TopicConfig = z.output<typeof topic>;

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

interface Place {
  readonly path: readonly PropertyKey[];
  readonly template: TopicTemplate;
  readonly topic: TopicConfig;
}

/** What is wrong between templates: one topic must have one template, one address one meaning. */
export function topicIssues(topics: readonly TopicConfig[]): Issue[] {
  const places = topics.flatMap(placesOf);
  return [
    ...places.flatMap(ownIssues),
    ...places.flatMap((later, i) => places.slice(0, i).flatMap((earlier) => pairIssues(earlier, later))),
  ];
}

function placesOf(topic: TopicConfig, i: number): Place[] {
  const texts: [readonly PropertyKey[], string][] = [[[i, 'template'], topic.template]];
  if (topic.status !== undefined) texts.push([[i, 'status', 'template'], topic.status.template]);
  return texts.flatMap(([path, text]) => {
    const parsed = parseTemplate(text);
    return typeof parsed === 'string' ? [] : [{ path, template: parsed, topic }];
  });
}

function ownIssues({ path, template, topic }: Place): Issue[] {
  if (template.variables.length === 0) return [{ path, message: 'names no variable such as {device}' }];
  const own = parseTemplate(topic.template);
  if (typeof own === 'string' || own.variables.join('/') === template.variables.join('/')) return [];
  return [{ path, message: `must name the same variables in the same order as ${topic.template}` }];
}

function pairIssues(earlier: Place, later: Place): Issue[] {
  if (templatesOverlap(earlier.template, later.template)) {
    return [{ path: later.path, message: `matches topics that ${earlier.template.text} matches too` }];
  }
  if (earlier.topic === later.topic) return [];
  const [first, second] = [spaceOf(earlier), spaceOf(later)];
  if (addressesClash(first, second)) {
    const message = `could give its devices the addresses of those of ${earlier.template.text}: set a prefix`;
    return [{ path: later.path, message }];
  }
  const same = first.prefix === second.prefix && first.variables.join('/') === second.variables.join('/');
  if (same && JSON.stringify(earlier.topic.relayed) !== JSON.stringify(later.topic.relayed)) {
    return [{ path: later.path, message: `names the same devices as ${earlier.template.text}, but relayed otherwise` }];
  }
  return [];
}

function spaceOf({ template, topic }: Place): Parameters<typeof addressesClash>[0] {
  return { prefix: topic.prefix, variables: template.variables, open: template.tail === 'variable' };
}
