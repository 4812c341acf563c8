import type { AdapterContext, SourceAdapter, SourceEvent } from '../../../../protocols/contract.ts';
import { ProtocolError } from '../../../../protocols/errors.ts';
import { type MqttConfig, mqttConfig } from '../../../../protocols/mqtt/config.ts';

/** One row of the columns, as an object. */
export interface Seen {
  readonly address: string;
  readonly receivedAtMs: number;
  readonly sourceAtMs: number;
  readonly quality: number;
  readonly statusCode: number;
  readonly points: number;
  readonly digest: number;
}

/** A context with an address book in memory, and what was bound in it. */
export interface TestContext extends AdapterContext {
  readonly bound: string[];
  readonly lines: string[];
}

export function testContext(change: Partial<AdapterContext> & { maxAddresses?: number } = {}): TestContext {
  const bound: string[] = [];
  const lines: string[] = [];
  const { maxAddresses = Infinity, ...given } = change;
  return {
    sourceId: 'plant',
    addresses: {
      bind: (address, { family, variant, reach }) => {
        const known = bound.indexOf(address);
        if (known !== -1) return known;
        if (bound.length >= maxAddresses) return -1;
        lines.push(`${family} ${variant} ${reach}`);
        return bound.push(address) - 1;
      },
    },
    clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
    random: () => 0.5,
    log: { debug: () => {}, info: () => {}, warn: () => {} },
    readSecret: (reference) =>
      Promise.reject(new ProtocolError('refused', `reading the secret ${reference}: not here`)),
    readFile: (path) => Promise.reject(new ProtocolError('refused', `reading ${path}: not here`)),
    stateFolder: '/var/lib/rollcall/mqtt',
    queueBatches: 64,
    bound,
    lines,
    ...given,
  };
}

/** A configuration of one JSON template, with changes. */
export function testConfig(url: string, change: Record<string, unknown> = {}): MqttConfig {
  return mqttConfig.parse({
    id: 'plant',
    protocol: 'mqtt',
    url,
    topics: [{ template: 'plants/{site}/{device}/telemetry', values: '/metrics', time: '/ts' }],
    ...change,
  });
}

/** Runs `observe()` in the background and keeps what it yields. Disposing of it ends it. */
export class Watched {
  readonly seen: Seen[] = [];
  readonly events: SourceEvent[] = [];
  /** What `observe()` threw; undefined while it runs and after a quiet end. */
  failure: unknown;
  ended = false;
  readonly #stop = new AbortController();
  readonly #run: Promise<void>;

  constructor(adapter: SourceAdapter, context: TestContext) {
    this.#run = this.#observe(adapter, context);
  }

  eventsOf<K extends SourceEvent['kind']>(kind: K): Extract<SourceEvent, { kind: K }>[] {
    return this.events.filter((event): event is Extract<SourceEvent, { kind: K }> => event.kind === kind);
  }

  notice(code: string): Extract<SourceEvent, { kind: 'notice' }> | undefined {
    return this.eventsOf('notice').findLast((notice) => notice.code === code);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#run;
  }

  async #observe(adapter: SourceAdapter, { bound }: TestContext): Promise<void> {
    try {
      for await (const { observations, events } of adapter.observe(this.#stop.signal)) {
        this.events.push(...events);
        for (let row = 0; row < observations.length; row++) {
          this.seen.push({
            address: bound[observations.address[row] ?? -1] ?? '?',
            receivedAtMs: observations.receivedAtMs[row] ?? Number.NaN,
            sourceAtMs: observations.sourceAtMs[row] ?? Number.NaN,
            quality: observations.quality[row] ?? -1,
            statusCode: observations.statusCode[row] ?? -1,
            points: observations.points[row] ?? -1,
            digest: observations.digest[row] ?? -1,
          });
        }
      }
    } catch (error) {
      this.failure = error;
    }
    this.ended = true;
  }
}
