/**
 * The vocabulary of the simulated fleet. Simulators import none of the product's code: a shared codec would let both
 * ends agree on the same mistake. Everything here is seeded: the same plan and seed give the same values.
 */
export type SimulatedProtocol = 'mqtt' | 'opcua' | 'modbus';

export interface SimulatedDevice {
  /** Stable identifier, also its MQTT topic level, OPC UA browse name or Modbus user application name. */
  readonly id: string;
  readonly name: string;
  /** A code of the equipment type table. */
  readonly type: string;
  readonly enterprise: string;
  readonly site: string;
  readonly protocol: SimulatedProtocol;
  /** Modbus unit id; only with `protocol: 'modbus'`. */
  readonly unitId?: number;
  readonly manufacturer: string;
  readonly model: string;
  readonly serialNumber: string;
  /** How often its values change and are published, in milliseconds. */
  readonly intervalMs: number;
  readonly faults: readonly Fault[];
}

/**
 * Something that goes wrong on schedule, in seconds since the simulator started. `everyS` repeats the fault; without
 * it the fault happens once. `forS` left out means: until the end.
 *
 * - `silent`: says nothing, and leaves its link as it is
 * - `dead`: its link is gone; an MQTT client disconnects without a goodbye, so the broker publishes its will
 * - `bad-values`: answers, but with values nobody can use
 */
export interface Fault {
  readonly kind: 'silent' | 'dead' | 'bad-values';
  readonly afterS: number;
  readonly forS?: number;
  readonly everyS?: number;
}

/** The fault in force at an instant; the first of the list wins. */
export function faultAt(device: Pick<SimulatedDevice, 'faults'>, secondsSinceStart: number): Fault['kind'] | undefined {
  for (const fault of device.faults) {
    let elapsed = secondsSinceStart - fault.afterS;
    if (elapsed < 0) continue;
    if (fault.everyS !== undefined) elapsed %= fault.everyS;
    if (fault.forS === undefined || elapsed < fault.forS) return fault.kind;
  }
  return undefined;
}

/** A running simulator. `stop` ends its sockets and timers. */
export interface Simulator {
  /** Where it listens or what it connects to. */
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** A small seeded generator (mulberry32), uniform in [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
