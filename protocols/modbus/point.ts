import { z } from 'zod';
import type { IdentityClaims } from '../identity.ts';

/** What can be read (MODBUS Application Protocol V1.1b3, 4.3), with the function code that reads it. */
export const TABLES = {
  coil: 1,
  'discrete-input': 2,
  'holding-register': 3,
  'input-register': 4,
} as const;
export type Table = keyof typeof TABLES;

/** Registers that a value takes; strings take as many as their length says. */
export const TYPE_REGISTERS = {
  u16: 1,
  s16: 1,
  u32: 2,
  s32: 2,
  f32: 2,
  u64: 4,
  s64: 4,
  f64: 4,
  bcd16: 1,
  bcd32: 2,
  bcd64: 4,
} as const;

/** Leading digit of a reference such as 40001 or 400001. */
const REFERENCE_TABLES = { 0: 'coil', 1: 'discrete-input', 3: 'input-register', 4: 'holding-register' } as const;

/** Highest zero-based address. */
const MAX_ADDRESS = 65_535;

/** One value to read: where it is and how to understand it. */
export interface Point {
  readonly name: string;
  readonly table: Table;
  /** Zero-based, as it stands in the protocol data unit. */
  readonly address: number;
  readonly type: keyof typeof TYPE_REGISTERS | 'bit' | 'string';
  /** Bytes of the value from the most significant: `ABCD` is big-endian, `CDAB` has the words swapped. */
  readonly wordOrder: 'ABCD' | 'CDAB' | 'BADC' | 'DCBA';
  /** Registers of a string. */
  readonly length: number;
  /** Of a bit within a register: 0 is the least significant. */
  readonly bit: number | undefined;
  readonly scale: number;
  readonly unit: string | undefined;
}

/**
 * The one place where a manufacturer's reference becomes a table and an address: `40001` and `400001` are holding
 * register 0. Undefined when it is none.
 */
export function placeOfReference(reference: number): Pick<Point, 'table' | 'address'> | undefined {
  const digits = String(reference).padStart(5, '0');
  const wide = digits.length === 6;
  if (!wide && digits.length !== 5) return undefined;
  const table = REFERENCE_TABLES[digits[0] as unknown as keyof typeof REFERENCE_TABLES];
  const address = Number(digits.slice(1)) - 1;
  return table === undefined || address < 0 || address > MAX_ADDRESS ? undefined : { table, address };
}

/** True for the tables whose entries are single bits. */
export function isBitTable(table: Table): boolean {
  return table === 'coil' || table === 'discrete-input';
}

/** Registers or bits that a point takes up. */
export function widthOf(point: Pick<Point, 'type' | 'length'>): number {
  if (point.type === 'bit') return 1;
  return point.type === 'string' ? point.length : TYPE_REGISTERS[point.type];
}

const types = [...(Object.keys(TYPE_REGISTERS) as (keyof typeof TYPE_REGISTERS)[]), 'bit', 'string'] as const;

const place = z.strictObject({
  table: z.enum(['coil', 'discrete-input', 'holding-register', 'input-register']).optional(),
  address: z.int().min(0).max(MAX_ADDRESS).optional().describe('Zero-based, with table'),
  reference: z.int().min(1).max(465_536).optional().describe('As in a manual: 40001; instead of table and address'),
  type: z.enum(types).optional().describe('u16 where left out, bit for coils and discrete inputs'),
  bit: z.int().min(0).max(15).optional().describe('Of a register, with type: bit; 0 is the least significant'),
  wordOrder: z.enum(['ABCD', 'CDAB', 'BADC', 'DCBA']).default('ABCD'),
  length: z.int().min(1).max(125).optional().describe('Registers of a string'),
});

/** What a device can say of itself in its registers; see `IdentityClaims`. */
export const CLAIMS = [
  'manufacturer',
  'model',
  'serialNumber',
  'softwareVersion',
  'assetNumber',
  'deviceType',
] as const satisfies readonly (keyof IdentityClaims)[];

/** Where a claim of the device stands in its registers. */
export interface ClaimPoint {
  readonly claim: (typeof CLAIMS)[number];
  readonly point: Point;
}

export const claimConfig = place
  .extend({ claim: z.enum(CLAIMS) })
  .transform(({ claim, ...given }, context): ClaimPoint => {
    return { claim, point: pointOf({ ...given, name: claim, scale: 1 }, context) };
  });

/** A value to read. */
export const pointConfig = place
  .extend({
    name: z.string().min(1).max(100),
    scale: z.number().default(1),
    unit: z.string().min(1).max(20).optional(),
  })
  .transform(pointOf);

interface GivenPoint extends z.output<typeof place> {
  readonly name: string;
  readonly scale: number;
  readonly unit?: string | undefined;
}

function pointOf(given: GivenPoint, context: z.RefinementCtx): Point {
  const { name, wordOrder, scale, unit, bit } = given;
  const issue = (path: string, message: string): void => {
    context.addIssue({ code: 'custom', path: [path], message });
  };
  const referred = given.reference === undefined ? undefined : placeOfReference(given.reference);
  if (given.reference !== undefined && (given.table !== undefined || given.address !== undefined)) {
    issue('reference', 'give either a reference or table and address');
  } else if (given.reference !== undefined && referred === undefined) {
    issue('reference', 'is not a reference such as 40001, 30001, 10001 or 400001');
  } else if (given.reference === undefined && given.address === undefined) issue('address', 'is missing');
  const table = referred?.table ?? given.table ?? 'holding-register';
  const isBits = isBitTable(table);
  const type = given.type ?? (isBits ? 'bit' : 'u16');
  if (isBits && type !== 'bit') issue('type', `a ${table} is a bit`);
  if ((type === 'bit' && !isBits) !== (bit !== undefined))
    issue('bit', 'goes with type: bit in a register, and only with it');
  if ((type === 'string') !== (given.length !== undefined)) issue('length', 'goes with type: string, and only with it');
  const address = referred?.address ?? given.address ?? 0;
  const point = { name, table, address, type, bit, wordOrder, length: given.length ?? 0, scale, unit };
  if (address + widthOf(point) - 1 > MAX_ADDRESS) issue('address', 'the value reaches beyond address 65535');
  return point;
}
