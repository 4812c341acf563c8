import { z } from 'zod';
import { duration, identifier, secretReference } from '../../protocols/config-fields.ts';
import { type AnyProtocolDefinition, brokerConfig } from '../../protocols/registry.ts';
import { dayOfText } from '../census/calendar.ts';
import { CATEGORIES, TIERS } from '../census/device.ts';
import { DEFAULT_RULES } from '../census/rules.ts';
import { isCreditCode } from './credit-code.ts';

/** Every key of `rollcall.yaml`. `rollcall.schema.json` is made from it, `rollcall.example.yaml` shows all of it. */
export function configSchema(definitions: readonly AnyProtocolDefinition[]) {
  const [first, ...rest] = definitions.map((definition) => definition.configSchema as unknown as SourceSchema);
  if (first === undefined) throw new TypeError('there is no protocol to configure');
  return z.strictObject({
    collectorId: identifier.default('main').describe('Name of this collector; keep it, evidence is stored under it'),
    timeZone: z.string().refine(isTimeZone, 'is not an IANA time zone such as Asia/Shanghai').default('Asia/Shanghai'),
    origin: z
      .string()
      .regex(/^[a-z0-9]([a-z0-9.-]{0,126}[a-z0-9])?$/, 'write it like a domain name: lower-case letters, digits, dots')
      .optional()
      .describe('Origin line of the ledger, a name that is yours'),
    data: text(1_000).default('data').describe('Folder for evidence, relative to this file'),
    api: api.prefault({}),
    broker: brokerConfig.optional().describe('An MQTT broker inside Rollcall, for a small plant'),
    metrics: z.strictObject({ influx: influx.optional() }).prefault({}),
    rules: rules.prefault({}),
    targets: z
      .record(z.string().regex(/^20\d\d$/, 'is not a year such as 2026'), target)
      .default({})
      .describe('What the task book asks for at the end of each year'),
    limits: limits.prefault({}),
    enterprises: z.array(enterprise).max(100_000).default([]),
    sites: z.array(site).max(100_000).default([]),
    sources: z
      .array(z.discriminatedUnion('protocol', [first, ...rest]))
      .max(10_000)
      .default([]),
    devices: z.array(device).max(1_000_000).default([]),
  });
}

/** What the schema makes of a file without problems. */
export type ConfigFile = z.output<ReturnType<typeof configSchema>>;

/** The part of a source's schema that the union needs to see. */
type SourceSchema = z.ZodObject<{
  protocol: z.ZodLiteral<string>;
  id: z.ZodString;
  name: z.ZodOptional<z.ZodString>;
  simulated: z.ZodDefault<z.ZodBoolean>;
}>;

function text(maxLength: number): z.ZodString {
  return z.string().min(1).max(maxLength);
}

const day = z.string().refine((value) => !Number.isNaN(dayOfText(value)), 'is not a date such as 2026-12-31');

const api = z.strictObject({
  host: text(253).default('127.0.0.1').describe('Address to listen on; loopback until you decide otherwise'),
  port: z.int().min(0).max(65_535).default(8080),
  tls: z
    .strictObject({ key: text(1_000), certificate: text(1_000) })
    .optional()
    .describe('PEM files, relative to this file'),
  trustedProxies: z.array(text(100)).max(100).default([]).describe('Reverse proxies whose X-Forwarded-For is believed'),
});

/** Not a tag or field of `collector/metrics/points.ts`, and not a word of the line protocol. */
const TAG_NAME = /^(?!(?:category|protocol|enterprise|family|source|device|time)$)[A-Za-z][A-Za-z0-9_]{0,63}$/;

const spool = z.strictObject({
  place: z.enum(['disk', 'memory']).default('disk').describe('disk outlives a restart; memory spares a flash card'),
  maxBytes: z
    .int()
    .min(1_048_576)
    .max(1_099_511_627_776)
    .optional()
    .describe('Then the oldest give way, counted; 1 GiB on disk and 32 MiB in memory where left out'),
  sync: z
    .enum(['each', 'second', 'never'])
    .default('second')
    .describe('When the disk must have them: before they are sent, within a second, when it likes'),
});

const influxShared = {
  url: z.string().refine(isPlainUrl, 'write http://HOST:PORT or https://HOST:PORT, without user, password or query'),
  interval: duration({ min: '1s', max: '1h' }).prefault('10s').describe('How often points are written'),
  tags: z
    .record(
      z.string().regex(TAG_NAME, 'use letters, digits and _, and none of the names that points have already'),
      text(200),
    )
    .default({})
    .describe('Added to every point'),
  deviceActivity: z.boolean().default(false).describe('Also one series for each device'),
  maxSeries: z
    .int()
    .min(100)
    .max(10_000_000)
    .default(100_000)
    .describe('Points of further series are left out and counted'),
  spool: spool.prefault({}).describe('Where lines wait while InfluxDB is away'),
};

const history = z
  .enum(['store', 'influx'])
  .default('store')
  .describe('Where charts of the past are read from: our own hourly and daily figures, or InfluxQL');

const basicAuthentication = { username: text(200).optional(), password: secretReference.optional() };

const influx = z.discriminatedUnion('dialect', [
  z.strictObject({
    dialect: z.literal('v2'),
    ...influxShared,
    history,
    org: text(200),
    bucket: text(200),
    token: secretReference,
  }),
  z.strictObject({
    dialect: z.literal('v1'),
    ...influxShared,
    history,
    database: text(200),
    retentionPolicy: text(200).optional(),
    ...basicAuthentication,
  }),
  z.strictObject({
    dialect: z.literal('v3'),
    ...influxShared,
    history,
    database: text(200),
    token: secretReference.optional(),
  }),
  z.strictObject({ dialect: z.literal('victoria-metrics'), ...influxShared, ...basicAuthentication }),
]);

const rules = z.strictObject({
  minTier: z.enum(TIERS).default(DEFAULT_RULES.minTier),
  minActiveDays: z.int().min(0).max(366).default(DEFAULT_RULES.minActiveDays),
  activeWithinDays: z.int().min(0).max(366).default(DEFAULT_RULES.activeWithinDays),
  minSlotsPerDay: z.int().min(1).max(288).default(DEFAULT_RULES.minSlotsPerDay),
});

const target = z.strictObject({
  devices: z.int().min(0).max(100_000_000).describe('Verified devices, in all categories together'),
  protocols: z.int().min(0).max(10_000).describe('Verified protocol families'),
});

const limits = z.strictObject({
  addressesPerSource: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(200_000)
    .describe('Further addresses are dropped and counted'),
  queueBatches: z
    .int()
    .min(1)
    .max(4_096)
    .default(64)
    .describe('Batches of 256 observations that may wait for the tally'),
});

const enterprise = z.strictObject({
  id: identifier,
  name: text(200),
  creditCode: z.string().refine(isCreditCode, 'is not a 统一社会信用代码: its check character is wrong').optional(),
});

const site = z.strictObject({
  id: identifier,
  enterprise: identifier,
  name: text(200),
  kind: z
    .enum(['production', 'laboratory', 'demo'])
    .default('production')
    .describe('R8: laboratory and demo sites never count'),
});

const device = z.strictObject({
  id: identifier,
  name: text(200),
  type: text(64).optional().describe('Code of catalogues/equipment-types.csv'),
  category: z
    .strictObject({ choice: z.enum(CATEGORIES), reason: text(500) })
    .optional()
    .describe('R11: against the type table, with a reason'),
  enterprise: identifier.optional(),
  site: identifier.optional(),
  manufacturer: text(200).optional(),
  model: text(200).optional(),
  serialNumber: text(200).optional(),
  assetNumber: text(200).optional(),
  unit: z.enum(['台', '套', '座', '条']).optional().describe('The unit of the type where left out'),
  set: identifier.optional().describe('R1: the device of which this one is a counted part'),
  life: z.enum(['planned', 'in-service', 'retired']).default('in-service'),
  retiredOn: day.optional(),
  marks: z
    .array(z.enum(['virtual', 'it-equipment', 'consumer']))
    .default([])
    .describe('R8 exclusions'),
  expectedInterval: duration({ min: '10ms', max: '30d' }).optional(),
  livenessTimeout: duration({ min: '1s', max: '90d' })
    .optional()
    .describe('R5; the larger of 5m and 3 × expectedInterval where left out'),
  bindings: z
    .array(z.strictObject({ source: identifier, address: text(1_024) }))
    .max(100)
    .default([]),
});

/** A password in a URL would end in logs. */
function isPlainUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return false;
  return url.username === '' && url.password === '' && url.search === '' && url.hash === '';
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
