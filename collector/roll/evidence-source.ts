import type { UpInterval } from '../census/presence.ts';

/** What is known of one address at one instant; instants are undefined where there was none. */
export interface AddressSightings {
  readonly firstGoodAtMs: number | undefined;
  readonly lastGoodAtMs: number | undefined;
  readonly lastSeenAtMs: number | undefined;
  readonly lastDeathAtMs: number | undefined;
  /** Slots with live evidence on the day of the instant. */
  readonly slotsToday: Uint8Array | undefined;
}

/** What is known of our way to one source at one instant. */
export interface PathSightings {
  readonly upSinceMs: number | undefined;
  /** Closed up-intervals that can still decide; see `keepDecisive`. */
  readonly decisive: readonly UpInterval[];
}

/** Evidence as of one instant, whether it comes from the running intake or from the store. */
export interface EvidenceSource {
  readonly atMs: number;
  sightings(sourceId: string, address: string): AddressSightings | undefined;
  path(sourceId: string): PathSightings;
}
