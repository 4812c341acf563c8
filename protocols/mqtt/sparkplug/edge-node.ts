import type { Device } from '../routes.ts';
import { SequenceWindow } from './sequence-window.ts';

/** A birth that is older than the one in force by less than this came late; by more, the node's clock was set back. */
const LATE_BIRTH_MS = 600_000;
/** Aliases remembered for one node; beyond it every alias is taken for known. */
const MAX_ALIASES = 100_000;

/** A device behind an edge node. */
export interface NodeDevice {
  readonly device: Device;
  life: Life;
}

/** `unknown`: not heard of a birth or death on this connection. */
export type Life = 'unknown' | 'born' | 'dead';

/** What is known of one edge node on this connection (Sparkplug 3.0, 5). Pure: no timer, no socket. */
export class EdgeNode<T> {
  readonly device: Device;
  readonly devices = new Map<string, NodeDevice>();
  readonly window = new SequenceWindow<T>();
  life: Life = 'unknown';
  diedAtMs = Number.NaN;
  #bdSeq: number | undefined;
  #birthTimestampMs = Number.NaN;
  #aliases = new Set<number>();

  constructor(device: Device) {
    this.device = device;
  }

  /**
   * Takes an NBIRTH; false when it is an old one that came late, and must not revive the node: by its time it was
   * published before the birth in force, or it is the very birth whose death was seen.
   */
  bear(bdSeq: number | undefined, timestampMs: number): boolean {
    const olderByMs = this.#birthTimestampMs - timestampMs;
    if (olderByMs > 0 && olderByMs < LATE_BIRTH_MS) return false;
    if (this.life === 'dead' && olderByMs === 0 && bdSeq === this.#bdSeq) return false;
    this.life = 'born';
    this.#bdSeq = bdSeq;
    this.#birthTimestampMs = timestampMs;
    this.#aliases = new Set();
    // Sparkplug 3.0, 5.4: a node's birth is followed by those of its devices; until then they are not heard of.
    for (const known of this.devices.values()) if (known.life === 'born') known.life = 'unknown';
    return true;
  }

  /** Takes an NDEATH; false when it belongs to an earlier session of the node (Sparkplug 3.0, 6.4.21: bdSeq). */
  die(bdSeq: number | undefined, atMs: number): boolean {
    const isMatch = this.#bdSeq === undefined || bdSeq === undefined || bdSeq === this.#bdSeq;
    if (this.life === 'born' && !isMatch) return false;
    this.life = 'dead';
    this.diedAtMs = atMs;
    this.#bdSeq = bdSeq ?? this.#bdSeq;
    this.window.reset();
    for (const known of this.devices.values()) known.life = 'dead';
    return true;
  }

  /** Remembers the aliases of a birth. */
  addAlias(alias: number): void {
    if (this.#aliases.size < MAX_ALIASES) this.#aliases.add(alias);
  }

  knowsAlias(alias: number): boolean {
    return this.#aliases.has(alias) || this.#aliases.size >= MAX_ALIASES;
  }
}
