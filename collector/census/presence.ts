import type { AddressEvidence, RegisteredDevice, Status } from './device.ts';

/** R5: the shortest default liveness timeout. */
const MINIMUM_TIMEOUT_MS = 5 * 60_000;
/** R5: intervals that may pass without an answer. */
const MISSED_INTERVALS = 3;

/**
 * R5: how long a device may be silent and still be online, in milliseconds: what the operator set for it, else the
 * larger of five minutes and three times its expected interval.
 */
export function livenessTimeoutMs(device: Pick<RegisteredDevice, 'expectedIntervalMs' | 'livenessTimeoutMs'>): number {
  if (device.livenessTimeoutMs !== undefined) return device.livenessTimeoutMs;
  return Math.max(MINIMUM_TIMEOUT_MS, MISSED_INTERVALS * (device.expectedIntervalMs ?? 0));
}

type PresenceEvidence = Pick<AddressEvidence, 'lastGoodAtMs' | 'lastDeathAtMs' | 'path'>;

/**
 * R5 for one address at one instant. Only evidence up to `atMs` may be given.
 *
 * Silence is evidence only while our own path was up: an address is offline when the path was up, without a break, for
 * the whole timeout and nothing came, or when the protocol said that the device is gone. Everything else that is not
 * online is unknown.
 */
export function addressStatus(address: PresenceEvidence, timeoutMs: number, atMs: number): Status {
  const { lastGoodAtMs, lastDeathAtMs, path } = address;
  if (lastGoodAtMs === undefined) return 'never';
  if (path.upSinceMs === undefined) return 'unknown';
  if (lastDeathAtMs !== undefined && lastDeathAtMs >= lastGoodAtMs) return 'offline';
  if (atMs - lastGoodAtMs <= timeoutMs) return 'online';
  const silentNowMs = atMs - Math.max(lastGoodAtMs, path.upSinceMs);
  return Math.max(silentNowMs, path.silentWhileUpMs) > timeoutMs ? 'offline' : 'unknown';
}

/**
 * R5 for a device with several addresses: online when any answers; otherwise unknown while any path is in doubt,
 * because the device may be answering there; offline only when silence was observed on every path it was ever live on.
 */
export function deviceStatus(statuses: readonly Status[]): Status {
  if (statuses.includes('online')) return 'online';
  if (statuses.includes('unknown')) return 'unknown';
  return statuses.includes('offline') ? 'offline' : 'never';
}

/** An interval during which the path was up, in UTC milliseconds; `toMs` exclusive. */
export interface UpInterval {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * The longest stretch of silence within one of a source's closed up-intervals, after the last live evidence of an
 * address (R5: a restart restores `offline` from evidence). Intervals need no order.
 */
export function silenceWhileUp(intervals: readonly UpInterval[], lastGoodAtMs: number | undefined): number {
  if (lastGoodAtMs === undefined) return 0;
  let longestMs = 0;
  for (const { fromMs, toMs } of intervals) {
    longestMs = Math.max(longestMs, toMs - Math.max(fromMs, lastGoodAtMs));
  }
  return longestMs;
}

/**
 * Adds a closed interval to those that still matter for `silenceWhileUp`, oldest first. An interval followed by one
 * at least as long can never decide again, so years of reconnects come down to a handful.
 */
export function keepDecisive(intervals: readonly UpInterval[], added: UpInterval): readonly UpInterval[] {
  const lengthMs = added.toMs - added.fromMs;
  return [...intervals.filter(({ fromMs, toMs }) => toMs - fromMs > lengthMs), added];
}
