import { parseLine } from './line-protocol.ts';

/** A line that was not stored. `number` counts from 1. */
export interface RefusedLine {
  readonly number: number;
  readonly line: string;
  readonly kind: 'syntax' | 'type';
  readonly why: string;
}

/** Points as InfluxDB keeps them: one for each series and time, the last fields win, a field has one type for ever. */
export class PointStore {
  readonly series = new Map<string, Map<number, Readonly<Record<string, string>>>>();
  readonly #fieldTypes = new Map<string, string>();

  get count(): number {
    let points = 0;
    for (const times of this.series.values()) points += times.size;
    return points;
  }

  /** Stores the good lines and returns the others. */
  store(lines: readonly string[]): readonly RefusedLine[] {
    return lines.flatMap((line, i): RefusedLine[] => {
      const point = parseLine(line);
      if (typeof point === 'string') return [{ number: i + 1, line, kind: 'syntax', why: point }];
      const types = Object.entries(point.fields).map(
        ([field, value]) => [`${point.measurement} ${field}`, typeOf(value)] as const,
      );
      const conflict = types.find(([field, type]) => (this.#fieldTypes.get(field) ?? type) !== type);
      if (conflict !== undefined) {
        const [field, type] = conflict;
        const why = `invalid column type for column '${field}', expected ${this.#fieldTypes.get(field)}, got ${type}`;
        return [{ number: i + 1, line, kind: 'type', why }];
      }
      for (const [field, type] of types) this.#fieldTypes.set(field, type);
      const times = this.series.get(point.series) ?? new Map<number, Readonly<Record<string, string>>>();
      this.series.set(point.series, times);
      times.set(point.time, { ...times.get(point.time), ...point.fields });
      return [];
    });
  }
}

function typeOf(value: string): string {
  if (value.endsWith('i')) return 'integer';
  if (value.startsWith('"')) return 'string';
  return /^[-+]?\d/.test(value) ? 'float' : 'boolean';
}
