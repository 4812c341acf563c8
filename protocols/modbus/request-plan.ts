import { isBitTable, type Point, TABLES, type Table, widthOf } from './point.ts';

/** MODBUS Application Protocol V1.1b3, 6.1 to 6.4. */
export const MAX_REGISTERS = 125;
export const MAX_BITS = 2_000;

/** One read request and the points it answers. */
export interface PlannedRead {
  readonly table: Table;
  readonly functionCode: number;
  readonly address: number;
  /** Registers or bits. */
  readonly count: number;
  readonly points: readonly Point[];
  /** The request's protocol data unit. */
  readonly request: Uint8Array;
}

/** What a device can take. */
export interface PlanLimits {
  readonly maxRegisters: number;
  readonly maxBits: number;
  /** Registers nobody asked for that may be read along to save a request. */
  readonly maxGap: number;
  /** `one-per-point`: for devices that answer wrongly, or not, when more than one value is asked for. */
  readonly requests: 'merged' | 'one-per-point';
}

/** The fewest reads, in order of table and address, that cover the points within the limits. A point is never split. */
export function planReads(points: readonly Point[], limits: PlanLimits): readonly PlannedRead[] {
  const reads: PlannedRead[] = [];
  for (const table of Object.keys(TABLES) as Table[]) {
    const wanted = points.filter((point) => point.table === table).sort((a, b) => a.address - b.address);
    const most = isBitTable(table) ? Math.min(MAX_BITS, limits.maxBits) : Math.min(MAX_REGISTERS, limits.maxRegisters);
    let group: Point[] = [];
    let end = 0;
    const close = (): void => {
      const first = group[0];
      if (first !== undefined) reads.push(readOf(table, first.address, end - first.address, group));
      group = [];
    };
    for (const point of wanted) {
      const pointEnd = point.address + widthOf(point);
      const start = group[0]?.address ?? point.address;
      const gap = group.length === 0 ? 0 : point.address - end;
      const isApart = limits.requests === 'one-per-point' || gap > limits.maxGap;
      if (isApart || Math.max(end, pointEnd) - start > most) close();
      end = group.length === 0 ? pointEnd : Math.max(end, pointEnd);
      group.push(point);
    }
    close();
  }
  return reads;
}

/** One read: function, address, quantity (V1.1b3, 6.1 to 6.4). `count` in registers or bits. */
export function readOf(table: Table, address: number, count: number, points: readonly Point[]): PlannedRead {
  const functionCode = TABLES[table];
  const request = Uint8Array.of(functionCode, address >> 8, address & 0xff, count >> 8, count & 0xff);
  return { table, functionCode, address, count, points, request };
}
