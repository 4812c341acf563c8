import type { RetryAdvice } from '../../protocols/errors.ts';

/** First upper bound of the wait, in milliseconds, and the cap that doubling stops at. */
const WAITS = {
  soon: { firstMs: 500, capMs: 60_000 },
  slowly: { firstMs: 15_000, capMs: 300_000 },
} as const;

/** A connection that lasted this long was a success: the next failure starts from the beginning. */
export const SETTLED_MS = 60_000;

/**
 * Capped exponential backoff with full jitter: the wait before attempt `failures` (1, 2, …) is uniform between a tenth
 * of the bound and the bound, so that a thousand gateways that lost the same broker do not come back in lockstep.
 */
export function backoffMs(failures: number, advice: Exclude<RetryAdvice, 'never'>, random: () => number): number {
  const { firstMs, capMs } = WAITS[advice];
  const boundMs = Math.min(capMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return Math.round(boundMs * (0.1 + 0.9 * random()));
}
