import { z } from 'zod';
import { isPointer } from './json-pointer.ts';
import { isReadyFormat, READY_FORMAT_NAMES, READY_FORMATS, type ReadyFormat } from './ready-formats.ts';
import { type AddressSpace, addressesClash, parseTemplate, type TopicTemplate, templatesOverlap } from './topic.ts';

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

const devices = z.strictObject({
  at: pointer
    .optional()
    .describe('JSON Pointer to an array, or an object by name, of devices; left out: the payload is of one device'),
  key: pointer
    .optional()
    .describe('JSON Pointer, within one device, to what names it; the name in the object where left out'),
  records: z.enum(['one', 'many']).default('one').describe('many: each device has an array of records'),
});

/** How templates with a ready format are understood: what they leave out is what the format says. */
function completed(given: z.output<typeof written>) {
  const { payload, values, time, timeUnit, devices: named, ...rest } = given;
  const ready: Partial<ReadyFormat> = isReadyFormat(payload) ? READY_FORMATS[payload] : {};
  const readyDevices = ready.devices === undefined ? undefined : { records: 'one' as const, ...ready.devices };
  return {
    ...rest,
    payload: isReadyFormat(payload) ? ('json' as const) : payload,
    readyFormat: isReadyFormat(payload) ? payload : undefined,
    values: values ?? ready.values ?? '',
    time: time ?? ready.time,
    timeUnit: timeUnit ?? ready.timeUnit ?? 'ms',
    devices: named ?? readyDevices,
  };
}

const written = z.strictObject({
  template: template.describe('Levels in braces name the device: plants/{enterprise}/{site}/{device}/telemetry'),
  prefix: z
    .string()
    .regex(/^[^/+#{}\0]{1,64}$/, 'use 1 to 64 characters without / + # { }')
    .optional()
    .describe('Put before the address, so that templates with different variables stay apart'),
  payload: z
    .enum(['json', 'cbor', 'scalar', 'opaque', ...READY_FORMAT_NAMES])
    .default('json')
    .describe('scalar: one number, true, false or short text; opaque: bytes nobody looks into; or gateway software'),
  values: pointer
    .optional()
    .describe('JSON Pointer to the values, * for every element; the whole record where left out'),
  time: pointer.optional().describe('JSON Pointer to the device’s own time'),
  timeUnit: z.enum(['s', 'ms', 'us', 'ns', 'iso']).optional().describe('ms where left out'),
  devices: devices.optional().describe('The payload names the devices'),
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

const topic = written.transform(completed);

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
  const [i = 0] = path;
  const isStructured = topic.payload === 'json' || topic.payload === 'cbor';
  if (topic.devices !== undefined && !isStructured) {
    return [{ path: [i, 'devices'], message: `a payload that is ${topic.payload} cannot name devices` }];
  }
  if (topic.devices?.at === undefined && topic.devices?.key === undefined && topic.devices !== undefined) {
    return [{ path: [i, 'devices'], message: 'name at, key or both' }];
  }
  if (topic.devices !== undefined && topic.status !== undefined) {
    return [{ path: [i, 'status'], message: 'a status topic tells of devices that topics name, not payloads' }];
  }
  if (topic.readyFormat !== undefined && topic.relayed === undefined) {
    const message = `name the protocol behind ${topic.readyFormat}, for example relayed: { family: s7 }`;
    return [{ path: [i, 'relayed'], message }];
  }
  if (template.variables.length === 0 && topic.devices === undefined) {
    return [{ path, message: 'names no variable such as {device}' }];
  }
  const own = parseTemplate(topic.template);
  if (typeof own === 'string' || own.variables.join('/') === template.variables.join('/')) return [];
  return [{ path, message: `must name the same variables in the same order as ${topic.template}` }];
}

function pairIssues(earlier: Place, later: Place): Issue[] {
  if (templatesOverlap(earlier.template, later.template)) {
    return [{ path: later.path, message: `matches topics that ${earlier.template.text} matches too` }];
  }
  if (earlier.topic === later.topic) return [];
  const [first, second] = [addressSpace(earlier.topic, earlier.template), addressSpace(later.topic, later.template)];
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

/** Which addresses the devices of a template can have. */
export function addressSpace(topic: TopicConfig, { variables, tail }: TopicTemplate): AddressSpace {
  const { devices: named, prefix } = topic;
  const inPayload = named === undefined ? [] : [`payload ${named.at ?? ''} ${named.key ?? ''}`];
  return { prefix, variables: [...variables, ...inPayload], open: tail === 'variable' };
}
