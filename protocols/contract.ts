import type { z } from 'zod';
import type { Identification, IdentityClaims } from './identity.ts';
import type { ObservationColumns } from './observation.ts';

/**
 * The seam between equipment and everything that counts it. An adapter reaches one source (a broker, an OPC UA
 * endpoint, a Modbus gateway or line) and says what it saw; it never decides what counts, never retries, never stores.
 *
 * All adapters pass `test/contract/adapter-contract.ts`.
 */
export interface SourceAdapter {
  /**
   * One iteration is one connection. The first batch carries a `connected` event; the iterator then parks until there
   * is something to say. A yielded batch, with its columns, belongs to the consumer until it asks for the next one.
   *
   * Ends without error only when `signal` aborts (within 1 s, also while parked, leaving no socket, timer or session).
   * Throws `ProtocolError` when the connection cannot be made or is lost; it never reconnects by itself. What was
   * received before the loss is yielded before the throw. Overflow of its queue drops, counts and yields a `gap`.
   */
  observe(signal: AbortSignal): AsyncIterable<Batch>;

  /**
   * Asks the device at `address` who it is. Uses the connection of a running `observe()`, or one of its own when there
   * is none. Throws `ProtocolError`: `unsupported` when the device has no way to say, `timeout`, `unknown-address`.
   */
  identify(address: string, signal: AbortSignal): Promise<Identification>;

  /**
   * Makes a new, uncached exchange with the device for a live roll call. Throws `ProtocolError` where the device did
   * not answer; never answers from memory.
   */
  probe(address: string, signal: AbortSignal): Promise<ProbeAnswer>;

  /** Where the time of the line goes, for protocols that ask one device after another; undefined while not connected. */
  lineUse?(): LineUse | undefined;

  /** Samples of what came and could not be read, newest first, since the start; bounded. */
  deadLetters?(): readonly DeadLetter[];
}

/** A sample of what came from equipment and could not be read: for the person who mends it, never evidence. */
export interface DeadLetter {
  /** Where it came from, in the protocol's own words: a topic. */
  readonly from: string;
  /** Why it could not be read. */
  readonly reason: string;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  /** Such ones that were looked at; a flood is not looked at one by one. */
  readonly samples: number;
  /** Size of the last one. */
  readonly bytes: number;
  /** Its beginning. */
  readonly beginning: Uint8Array;
}

/** What asking took of a line's time, within a window that ends now. Shares are 0 to 1. */
export interface LineShare {
  /** Of the window: requests that were under way, answered or not. */
  readonly busyShare: number;
  /** Of the window: waits for answers that did not come. */
  readonly silentShare: number;
  readonly requests: number;
  readonly timeouts: number;
}

/** A line that several devices share, and where its time goes. Sources of one endpoint tell of the same line. */
export interface LineUse extends LineShare {
  readonly windowMs: number;
  /** Answers that matched no request. */
  readonly strays: number;
  /** Requests that may be under way at once. */
  readonly outstanding: number;
  /** The share that devices which do not answer may cost together. */
  readonly deadUnitShare: number;
  readonly units: readonly (LineShare & {
    readonly address: string;
    readonly state: 'answering' | 'silent' | 'dead';
    readonly nextInMs: number;
  })[];
}

/** What one wait for the source brought: observations, and what else happened in between, in order of occurrence. */
export interface Batch {
  readonly observations: ObservationColumns;
  readonly events: readonly SourceEvent[];
}

export type SourceEvent =
  /** The path to the equipment is up: subscribed, session active, socket connected. Proves nothing about any device. */
  | { readonly kind: 'connected'; readonly atMs: number; readonly detail: string }
  /** Something may have been missed. Neither presence nor absence (R14). */
  | {
      readonly kind: 'gap';
      readonly reason: GapReason;
      readonly fromMs: number;
      readonly toMs: number;
      /** Observations known to be lost; 0 where it cannot be known. */
      readonly dropped: number;
    }
  /** The device, or the protocol on its behalf, said that it is gone (a will, a Sparkplug death). */
  | { readonly kind: 'death'; readonly address: number; readonly atMs: number; readonly reason: string }
  /** A device said who it is without being asked. Yielded when the claims are first seen and when they change. */
  | { readonly kind: 'identity'; readonly address: number; readonly identification: Identification }
  /** Something a person should know of or act on. A later notice with the same code replaces it; `level: 'cleared'` removes it. */
  | {
      readonly kind: 'notice';
      readonly code: string;
      readonly level: 'warning' | 'error' | 'cleared';
      readonly message: string;
      readonly hint?: string;
    };

export type GapReason = 'overflow' | 'server-overflow' | 'resubscribed' | 'deaf';

/** A fresh exchange made for a roll call. */
export interface ProbeAnswer {
  readonly request: Uint8Array;
  /** The answer's bytes as received; empty where the library does not give them, then `values` alone speaks. */
  readonly response: Uint8Array;
  readonly requestedAtMs: number;
  readonly receivedAtMs: number;
  readonly roundTripUs: number;
  /** Decoded values by point name, as text, for the protocol sheet. */
  readonly values: Readonly<Record<string, string>>;
  readonly claims?: IdentityClaims;
}

/** Family and variant as in `catalogues/protocols.csv` (R9). `relayed` when spoken behind somebody else's gateway. */
export interface ProtocolLine {
  readonly family: string;
  readonly variant: string;
  readonly reach: 'direct' | 'relayed';
}

/** Turns addresses into the small integers that observations carry. */
export interface AddressBook {
  /**
   * The integer of `address`, the same for the life of the process. Callers keep it: this is not for every observation.
   * Returns `UNBOUND` when the source has reached its address limit; observations for it are then dropped and counted.
   */
  bind(address: string, protocol: ProtocolLine): number;
}

/** See `AddressBook.bind`. */
export const UNBOUND = -1;

/** Wall clock and monotonic clock, injected so that tests own the time. */
export interface Clock {
  /** Milliseconds since 1970-01-01 UTC. May step. */
  nowMs(): number;
  /** Milliseconds of a clock that never steps; for durations only. */
  monotonicMs(): number;
}

/** `env:NAME` or `file:PATH`; the value itself never stands in a configuration. */
export type SecretReference = `env:${string}` | `file:${string}`;

export interface AdapterLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** What the collector lends an adapter. */
export interface AdapterContext {
  readonly sourceId: string;
  readonly addresses: AddressBook;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: AdapterLog;
  /** Reads a secret at the time of use; rejects with `ProtocolError('refused')` naming the reference, never the value. */
  readonly readSecret: (reference: SecretReference) => Promise<string>;
  /** Reads a file that the configuration names, relative to the configuration; rejects with `ProtocolError('refused')`. */
  readonly readFile: (path: string) => Promise<Uint8Array>;
  /** A folder this collector may write to for lasting protocol state (PKI); shared by the sources of one protocol. */
  readonly stateFolder: string;
  /** Batches that may wait for the collector before observations are dropped. */
  readonly queueBatches: number;
}

/** What every source has, whatever its protocol; the adapter's own schema extends it. */
export interface SourceConfigBase {
  readonly id: string;
  readonly protocol: string;
  /** The equipment behind this source is not real (R15). */
  readonly simulated: boolean;
}

/** One protocol, as the registry names it. */
export interface ProtocolDefinition<C extends SourceConfigBase = SourceConfigBase> {
  readonly protocol: C['protocol'];
  /** Checks and completes the source's part of `rollcall.yaml`; reports everything wrong at once. */
  readonly configSchema: z.ZodType<C>;
  /** The addresses the configuration itself names (units, nodes); empty where they are learned from traffic. */
  configuredAddresses(
    config: C,
  ): readonly { readonly address: string; readonly expectedIntervalMs: number | undefined }[];
  /** Where the source is, for people; holds no secret. */
  endpointOf(config: C): string;
  /** Does no I/O: an adapter that was created and never used leaves no trace. */
  create(config: C, context: AdapterContext): SourceAdapter;
}
