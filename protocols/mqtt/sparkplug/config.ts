import { z } from 'zod';
import { duration } from '../../config-fields.ts';

const id = z.string().regex(/^[^/+#\0]{1,250}$/, 'an identifier of Sparkplug has no slash, + or #');

/** Metric names, or `metric#property`, from which a claim is taken; the first that speaks wins. */
const names = (...defaults: string[]) => z.array(z.string().min(1).max(500)).max(20).default(defaults);

const claims = z
  .strictObject({
    serialNumber: names('Properties/Serial Number', 'Properties/Hardware Serial Number'),
    manufacturer: names('Properties/Hardware Make', 'Properties/Manufacturer'),
    model: names('Properties/Hardware Model', 'Properties/Model'),
    type: names('Properties/Device Type'),
    softwareVersion: names('Properties/FW', 'Properties/Software Version'),
    productInstanceUri: names('Properties/ProductInstanceUri'),
    assetNumber: names('Properties/Asset Number'),
    simulated: names('Properties/Simulated'),
  })
  .prefault({});

/** The Sparkplug B part of a source: we read as a host application. */
export const sparkplugConfig = z.strictObject({
  groups: z.array(id).max(1_000).default([]).describe('Group ids; every group where left out'),
  prefix: id.optional().describe('Put before the address GROUP/NODE[/DEVICE]'),
  hostId: id
    .optional()
    .describe('Then we say in a STATE message whether we are online; edge nodes may wait for it. Must be ours alone'),
  rebirth: z
    .enum(['never', 'allowed'])
    .default('never')
    .describe('allowed: a node whose birth we missed is asked for it (the only command that is ever sent)'),
  reorderTimeout: duration({ min: '10ms', max: '60s' })
    .prefault('2s')
    .describe('Messages that come too early wait so long for the missing ones'),
  relayed: z
    .strictObject({ family: z.string().min(1).max(64), variant: z.string().max(64).default('') })
    .optional()
    .describe('The protocol that the devices behind the edge nodes speak'),
  claims,
});

export type SparkplugConfig = z.output<typeof sparkplugConfig>;
