import { z } from 'zod';
import { CATEGORIES } from '../../collector/census/device.ts';
import { category, count, instant, namedReference, protocolLine, status, tier } from './fields.ts';

const text = z.string().nullable();

/** Devices in a page where none are stated. */
const DEFAULT_PAGE = 100;

const deviceFields = {
  id: z.string().meta({ examples: ['press-07'] }),
  name: z.string().meta({ examples: ['7号冲床'] }),
  enterprise: namedReference.nullable(),
  site: namedReference.nullable(),
  type: text.meta({ description: 'Code of the type table', examples: ['stamping-press'] }),
  category: z
    .enum([...CATEGORIES, 'not-counted'])
    .meta({ description: '`not-counted`: equipment that R1 leaves out, such as PLCs and gateways' }),
  categoryBasis: z
    .enum(['operator', 'type-table', 'device', 'unclassified'])
    .meta({ description: 'Where the category comes from (R11)' }),
  manufacturer: text,
  model: text,
  serialNumber: text,
  unit: z.string().meta({ examples: ['台'] }),
  status,
  tier,
  verified: z.boolean(),
  reasons: z
    .array(z.string())
    .meta({ description: 'Rules that keep it from counting; empty when verified', examples: [['R7 too-few-days']] }),
  lastLiveAt: instant.nullable().meta({ description: 'Last live evidence (R3)' }),
  lastSeenAt: instant.nullable().meta({ description: 'Last time anything came from it, whatever its weight' }),
  protocols: z.array(protocolLine),
};

/** One row of `GET /api/v1/devices`. */
export const device = z.object(deviceFields).meta({ id: 'Device' });

const registerChange = z
  .object({
    at: instant,
    who: z.string(),
    why: z.string(),
    subject: z.enum(['enterprise', 'site', 'device', 'binding']),
    id: z.string(),
    before: z.unknown().meta({ description: 'The record before; null where there was none' }),
    after: z.unknown().meta({ description: 'The record after; null where there is none' }),
  })
  .meta({ id: 'RegisterChange', description: 'One change of the register; kept for ever (R12)' });

const deviceAddress = z
  .object({
    source: z.string(),
    address: z.string(),
    ...protocolLine.shape,
    status,
    lastLiveAt: instant.nullable(),
    lastSeenAt: instant.nullable(),
    today: z
      .object({ good: count, uncertain: count, bad: count, weightless: count, changes: count })
      .meta({ description: 'Observations of today by weight (R3), and changes of value' }),
    claims: z
      .record(z.string(), z.union([z.string(), z.boolean()]))
      .nullable()
      .meta({ description: 'What the device says of itself' }),
    claimsBy: text.meta({ description: 'How it said so', examples: ['FC 43/14'] }),
  })
  .meta({ id: 'DeviceAddress', description: 'Where in which source the device answers' });

/** `GET /api/v1/devices/{id}`. */
export const deviceDetail = z
  .object({
    ...deviceFields,
    addresses: z.array(deviceAddress),
    activeDays: count.meta({ description: 'Days of this year with live evidence (R6)' }),
    changes: z.array(registerChange),
  })
  .meta({ id: 'DeviceDetail' });

/** A page of `GET /api/v1/devices`. */
export const devicePage = z
  .object({
    items: z.array(device),
    nextCursor: z.string().nullable().meta({ description: 'Cursor of the next page; null on the last one' }),
  })
  .meta({ id: 'DevicePage' });

/** The same as the check below, for readers of the OpenAPI document that know no Unicode properties. */
const NO_CONTROL_CHARACTERS = '^[^\\x00-\\x1f\\x7f-\\x9f]*$';

/** Control characters would only hide what is searched for. */
const filterText = (maxLength: number) =>
  z
    .string()
    .min(1)
    .max(maxLength)
    .refine((text) => !/\p{Cc}/u.test(text), 'must not hold control characters')
    .meta({ pattern: NO_CONTROL_CHARACTERS });

/** Query of `GET /api/v1/devices`. Unknown parameters are refused: a misspelt filter must not look like a result. */
export const devicesQuery = z.strictObject({
  limit: z
    .string()
    .refine((text) => /^[1-9][0-9]{0,2}$|^1000$/.test(text), 'must be a whole number from 1 to 1000')
    .meta({ type: 'integer', minimum: 1, maximum: 1000, default: DEFAULT_PAGE, description: 'Devices in a page' })
    .optional()
    .transform((text) => (text === undefined ? DEFAULT_PAGE : Number(text))),
  cursor: filterText(400).optional().meta({ description: '`nextCursor` of the page before, with the same filters' }),
  category: category.optional(),
  protocol: filterText(64)
    .optional()
    .meta({ description: 'Protocol family', examples: ['opcua'] }),
  enterprise: filterText(64).optional().meta({ description: 'Id of the owner enterprise' }),
  site: filterText(64).optional().meta({ description: 'Id of the site' }),
  status: status.optional(),
  text: filterText(200)
    .optional()
    .meta({ description: 'Part of id, name, manufacturer, model, serial or asset number, without regard to case' }),
});

export const deviceParams = z.object({ id: filterText(200).meta({ description: 'Id of the device' }) });
