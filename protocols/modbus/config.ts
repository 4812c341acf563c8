import { z } from 'zod';
import { duration, sourceFields } from '../config-fields.ts';
import { pointConfig } from './point.ts';
import { MAX_BITS, MAX_REGISTERS } from './request-plan.ts';

const unit = z.strictObject({
  unitId: z.int().min(0).max(255),
  cycle: duration({ min: '100ms', max: '1d' }).optional().describe('The source’s cycle where left out'),
  serialNumberObject: z
    .int()
    .min(0x80)
    .max(0xff)
    .optional()
    .describe('Private FC 43/14 object that holds the serial number'),
  points: z.array(pointConfig).min(1).max(10_000),
});

export const modbusConfig = sourceFields
  .extend({
    protocol: z.literal('modbus'),
    transport: z.literal('tcp').default('tcp'),
    host: z.string().min(1).max(253),
    port: z.int().min(1).max(65_535).default(502),
    cycle: duration({ min: '100ms', max: '1d' }).prefault('10s').describe('How often every unit is read'),
    connectTimeout: duration({ min: '100ms', max: '5m' }).prefault('5s'),
    requestTimeout: duration({ min: '50ms', max: '1m' }).prefault('1s'),
    pause: duration({ min: '0ms', max: '10s' }).prefault('0ms').describe('Between an answer and the next request'),
    relayed: z.boolean().default(false).describe('The units sit behind other gateway software'),
    maxRegisters: z.int().min(1).max(MAX_REGISTERS).default(MAX_REGISTERS).describe('Registers in one request'),
    maxBits: z.int().min(1).max(MAX_BITS).default(MAX_BITS),
    maxGap: z.int().min(0).max(MAX_REGISTERS).default(8).describe('Unneeded registers read along to save a request'),
    units: z.array(unit).min(1).max(256),
  })
  .superRefine(({ units }, context) => {
    const seen = new Set<number>();
    for (const [i, { unitId, points }] of units.entries()) {
      if (seen.has(unitId))
        context.addIssue({ code: 'custom', path: ['units', i, 'unitId'], message: `unit ${unitId} stands here twice` });
      seen.add(unitId);
      const names = new Set<string>();
      for (const [p, { name }] of points.entries()) {
        if (names.has(name))
          context.addIssue({
            code: 'custom',
            path: ['units', i, 'points', p, 'name'],
            message: `point ${name} stands here twice`,
          });
        names.add(name);
      }
    }
  });

export type ModbusConfig = z.output<typeof modbusConfig>;
export type UnitConfig = ModbusConfig['units'][number];
