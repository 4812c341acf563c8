import type { TopicConfig } from './topic-config.ts';

/** Milliseconds of one unit of a device's time. */
const UNIT_MS = { s: 1_000, ms: 1, us: 0.001, ns: 0.000_001 } as const;
/** ECMAScript can hold no later or earlier instant (ECMA-262, 21.4.1.1). */
const MAX_INSTANT_MS = 8.64e15;

/** The instant that a device's time names, in milliseconds, or NaN. Digits in a text are a number: many devices quote them. */
export function instantOf(value: unknown, unit: TopicConfig['timeUnit']): number {
  if (value instanceof Date) return value.getTime();
  if (unit === 'iso') return typeof value === 'string' && value.length <= 40 ? Date.parse(value) : Number.NaN;
  let count = value;
  if (typeof count === 'string' && /^\d{1,20}(\.\d{1,9})?$/.test(count)) count = Number(count);
  if (typeof count === 'bigint') count = Number(count);
  if (typeof count !== 'number') return Number.NaN;
  const atMs = count * UNIT_MS[unit];
  return Math.abs(atMs) <= MAX_INSTANT_MS ? atMs : Number.NaN;
}
