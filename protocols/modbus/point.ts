import { z } from 'zod';

/** What can be read (MODBUS Application Protocol V1.1b3, 4.3), with the function code that reads it. */
export const TABLES = {
  coil: 1,
  'discrete-input': 2,
  'holding-register': 3,
  'input-register': 4,
} as const;
export type Table = keyof typeof TABLES;

/** Registers that a value takes; strings take as many as their length says. */
export const TYPE_REGISTERS = { u16: 1, s16: 1, u32: 2, s32: 2, f32: 2, u64: 4, s64: 4, f64: 4 } as const;

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

/** Registers or bits that a point takes up. */
export function widthOf(point: Pick<Point, 'type' | 'length'>): number {
  if (point.type === 'bit') return 1;
  return point.type === 'string' ? point.length : TYPE_REGISTERS[point.type];
}

const types = ['u16', 's16', 'u32', 's32', 'u64', 's64', 'f32', 'f64', 'bit', 'string'] as const;

export const pointConfig = z
  .strictObject({
    name: z.string().min(1).max(100),
    table: z.enum(['coil', 'discrete-input', 'holding-register', 'input-register']).optional(),
    address: z.int().min(0).max(MAX_ADDRESS).optional().describe('Zero-based, with table'),
    reference: z.int().min(1).max(465_536).optional().describe('As in a manual: 40001; instead of table and address'),
    type: z.enum(types).optional().describe('u16 where left out, bit for coils and discrete inputs'),
    wordOrder: z.enum(['ABCD', 'CDAB', 'BADC', 'DCBA']).default('ABCD'),
    length: z.int().min(1).max(125).optional().describe('Registers of a string'),
    scale: z.number().default(1),
    unit: z.string().min(1).max(20).optional(),
  })
  .transform((given, context): Point => {
    const { name, wordOrder, scale, unit } = given;
    const issue = (path: string, message: string): void => {
      context.addIssue({ code: 'custom', path: [path], message });
    };
    const place = given.reference === undefined ? undefined : placeOfReference(given.reference);
    if (given.reference !== undefined && (given.table !== undefined || given.address !== undefined)) {
      issue('reference', 'give either a reference or table and address');
    } else if (given.reference !== undefined && place === undefined) {
      issue('reference', 'is not a reference such as 40001, 30001, 10001 or 400001');
    } else if (given.reference === undefined && given.address === undefined) issue('address', 'is missing');
    const table = place?.table ?? given.table ?? 'holding-register';
    const isBits = table === 'coil' || table === 'discrete-input';
    const type = given.type ?? (isBits ? 'bit' : 'u16');
    if (isBits !== (type === 'bit')) issue('type', isBits ? `a ${table} is a bit` : 'a register is not a bit');
    if ((type === 'string') !== (given.length !== undefined))
      issue('length', 'goes with type: string, and only with it');
    const address = place?.address ?? given.address ?? 0;
    const point = { name, table, address, type, wordOrder, length: given.length ?? 0, scale, unit };
    if (address + widthOf(point) - 1 > MAX_ADDRESS) issue('address', 'the value reaches beyond address 65535');
    return point;
  });
