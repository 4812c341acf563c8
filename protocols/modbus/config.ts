import { z } from 'zod';
import { duration, sourceFields } from '../config-fields.ts';
import type { LineSettings } from './line.ts';
import { type LineSpeed, silenceUs, speedOf } from './line-time.ts';
import { CLAIMS, claimConfig, pointConfig } from './point.ts';
import { MAX_BITS, MAX_REGISTERS, type PlanLimits } from './request-plan.ts';

/** Unit ids on a line (MODBUS over Serial Line V1.02, 2.2): 0 is for broadcasts, which nobody answers. */
const SERIAL_UNITS = { least: 1, most: 247 } as const;
/** Requests under way at once; gateways keep a short queue where they keep one at all. */
const MAX_OUTSTANDING = 32;

const limits = {
  maxRegisters: z.int().min(1).max(MAX_REGISTERS).describe('Registers in one request'),
  maxBits: z.int().min(1).max(MAX_BITS).describe('Coils or discrete inputs in one request'),
  maxGap: z.int().min(0).max(MAX_REGISTERS).describe('Unneeded registers read along to save a request'),
  requests: z.enum(['merged', 'one-per-point']).describe('one-per-point: for devices that answer one value at a time'),
};

const unit = z.strictObject({
  unitId: z.int().min(0).max(255),
  cycle: duration({ min: '100ms', max: '1d' }).optional().describe('The source’s cycle where left out'),
  maxRegisters: limits.maxRegisters.optional(),
  maxBits: limits.maxBits.optional(),
  maxGap: limits.maxGap.optional(),
  requests: limits.requests.optional(),
  identification: z
    .enum(['ask', 'never'])
    .default('ask')
    .describe('never: no FC 43/14 and FC 17, for devices that fail at them'),
  serialNumberObject: z
    .int()
    .min(0x80)
    .max(0xff)
    .optional()
    .describe('Private FC 43/14 object that holds the serial number'),
  nameplate: z
    .array(claimConfig)
    .max(CLAIMS.length)
    .default([])
    .describe('Registers in which the device says who it is; they go before what FC 43/14 and FC 17 say'),
  points: z.array(pointConfig).min(1).max(10_000),
});

const serial = z.strictObject({
  path: z.string().min(1).max(1_000).describe('/dev/ttyUSB0, or a lasting name below /dev/serial/by-id'),
  baudRate: z.int().min(50).max(4_000_000).default(19_200),
  dataBits: z.union([z.literal(7), z.literal(8)]).default(8),
  parity: z.enum(['none', 'even', 'odd']).default('even'),
  stopBits: z.union([z.literal(1), z.literal(2)]).default(1),
});

export const modbusConfig = sourceFields
  .extend({
    protocol: z.literal('modbus'),
    transport: z.enum(['tcp', 'rtu-over-tcp', 'rtu']).default('tcp').describe('rtu: a serial line of this machine'),
    host: z.string().min(1).max(253).optional().describe('With tcp and rtu-over-tcp'),
    port: z.int().min(1).max(65_535).default(502),
    serial: serial.optional().describe('With rtu'),
    cycle: duration({ min: '100ms', max: '1d' }).prefault('10s').describe('How often every unit is read'),
    connectTimeout: duration({ min: '100ms', max: '5m' }).prefault('5s'),
    requestTimeout: duration({ min: '50ms', max: '1m' }).prefault('1s'),
    pause: duration({ min: '0ms', max: '10s' }).prefault('0ms').describe('Between an answer and the next request'),
    outstanding: z
      .int()
      .min(1)
      .max(MAX_OUTSTANDING)
      .default(1)
      .describe('Requests under way at once, with tcp; more than 1 only where the device allows it'),
    afterCycle: z
      .enum(['keep', 'close'])
      .default('keep')
      .describe('close: the connection is given back between cycles, for gateways that serve one client at a time'),
    deadUnitShare: z
      .number()
      .min(0.001)
      .max(0.5)
      .default(0.1)
      .describe('Share of the line’s time that units which do not answer may cost together'),
    lineBaudRate: z
      .int()
      .min(50)
      .max(4_000_000)
      .optional()
      .describe('Speed of the serial line behind a gateway; answers faster than it are a finding (R13)'),
    relayed: z.boolean().default(false).describe('The units sit behind other gateway software'),
    maxRegisters: limits.maxRegisters.default(MAX_REGISTERS),
    maxBits: limits.maxBits.default(MAX_BITS),
    maxGap: limits.maxGap.default(8),
    requests: limits.requests.default('merged'),
    units: z.array(unit).min(1).max(256),
  })
  .superRefine((config, context) => {
    const issue = (path: PropertyKey[], message: string): void => {
      context.addIssue({ code: 'custom', path, message });
    };
    const isSerial = config.transport === 'rtu';
    if (isSerial && config.serial === undefined)
      issue(['serial'], 'is missing: transport rtu needs serial: { path: … }');
    if (!isSerial && config.host === undefined) issue(['host'], 'is missing');
    if (isSerial && config.host !== undefined) issue(['host'], 'does not go with transport: rtu');
    if (!isSerial && config.serial !== undefined) issue(['serial'], 'goes with transport: rtu, and only with it');
    if (isSerial && config.lineBaudRate !== undefined)
      issue(['lineBaudRate'], 'is serial.baudRate with transport: rtu');
    if (config.transport !== 'tcp' && config.outstanding > 1)
      issue(['outstanding'], 'must be 1: only tcp has the transaction ids that tell answers apart');
    checkUnits(config, issue);
  });

export type ModbusConfig = z.output<typeof modbusConfig>;
export type UnitConfig = ModbusConfig['units'][number];

function checkUnits(
  { units, transport }: Pick<ModbusConfig, 'units' | 'transport'>,
  issue: (path: PropertyKey[], message: string) => void,
): void {
  const seen = new Set<number>();
  for (const [i, { unitId, points, nameplate }] of units.entries()) {
    if (seen.has(unitId)) issue(['units', i, 'unitId'], `unit ${unitId} stands here twice`);
    seen.add(unitId);
    if (transport !== 'tcp' && (unitId < SERIAL_UNITS.least || unitId > SERIAL_UNITS.most))
      issue(['units', i, 'unitId'], `must be ${SERIAL_UNITS.least} to ${SERIAL_UNITS.most} on a line`);
    const names = new Set<string>();
    for (const [p, { name }] of points.entries()) {
      if (names.has(name)) issue(['units', i, 'points', p, 'name'], `point ${name} stands here twice`);
      names.add(name);
    }
    const claims = new Set<string>();
    for (const [c, { claim }] of nameplate.entries()) {
      if (claims.has(claim)) issue(['units', i, 'nameplate', c, 'claim'], `${claim} stands here twice`);
      claims.add(claim);
    }
  }
}

/** How the source's endpoint is talked to. */
export function lineSettingsOf(config: ModbusConfig): LineSettings {
  const { transport, host = '', port, serial: portSettings, connectTimeout, pause, outstanding, afterCycle } = config;
  const common = { connectTimeoutMs: connectTimeout, maxOutstanding: outstanding, afterCycle };
  if (transport !== 'rtu' || portSettings === undefined) {
    const framing = transport === 'tcp' ? 'mbap' : 'rtu';
    return { ...common, endpoint: { kind: 'tcp', host, port }, framing, pauseMs: pause };
  }
  // The silence that ends a frame is kept before the next one begins.
  const pauseMs = Math.max(pause, silenceUs(speedOf(portSettings)) / 1000);
  return { ...common, endpoint: { kind: 'serial', ...portSettings }, framing: 'rtu', pauseMs };
}

/** The speed of the line that answers come over; undefined where nobody said. */
export function lineSpeedOf({ serial: portSettings, lineBaudRate }: ModbusConfig): LineSpeed | undefined {
  if (portSettings !== undefined) return speedOf(portSettings);
  // 8N1 has the shortest characters: what is too fast for it is too fast for the others.
  return lineBaudRate === undefined ? undefined : { baudRate: lineBaudRate, bitsPerCharacter: 10 };
}

/** What one unit can take, with the source's limits where it has none of its own. */
export function planLimitsOf(unitConfig: UnitConfig, config: ModbusConfig): PlanLimits {
  return {
    maxRegisters: unitConfig.maxRegisters ?? config.maxRegisters,
    maxBits: unitConfig.maxBits ?? config.maxBits,
    maxGap: unitConfig.maxGap ?? config.maxGap,
    requests: unitConfig.requests ?? config.requests,
  };
}
