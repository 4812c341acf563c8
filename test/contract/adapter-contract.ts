import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AdapterContext, Batch, SourceAdapter, SourceEvent } from '../../protocols/contract.ts';
import { isRetryable, ProtocolError } from '../../protocols/errors.ts';
import { Quality } from '../../protocols/observation.ts';
import { temporaryFolder } from '../support/folder.ts';
import { until } from '../support/wait.ts';

/** A live peer that an adapter under test is pointed at. Made anew for each claim. */
export interface PeerUnderTest {
  /** Makes the adapter for this peer. */
  adapter(context: AdapterContext): SourceAdapter;
  /** An address of the peer that answers. */
  readonly address: string;
  /** How many connections (sockets or sessions) the peer has seen since it started. */
  connections(): number;
  /** Makes the peer produce at least `observations`, as fast as it can; resolves when it has. */
  flood(observations: number): Promise<void>;
  /** Ends the peer as a crash would: every connection of it is gone. */
  kill(): Promise<void>;
  /** Tidies up; after `kill` as well. */
  close(): Promise<void>;
}

/** A context that owns nothing but a folder: addresses get integers in order, secrets do not exist. */
export function testContext(stateFolder: string, queueBatches = 64): AdapterContext & { readonly bound: string[] } {
  const bound: string[] = [];
  return {
    bound,
    sourceId: 'under-test',
    addresses: {
      bind(address) {
        const known = bound.indexOf(address);
        return known >= 0 ? known : bound.push(address) - 1;
      },
    },
    clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
    random: Math.random,
    log: { debug: () => {}, info: () => {}, warn: () => {} },
    readSecret: () => Promise.reject(new ProtocolError('refused', 'there are no secrets here')),
    readFile: () => Promise.reject(new ProtocolError('refused', 'there are no files here')),
    stateFolder,
    queueBatches,
  };
}

/** What an observation stream said, gathered while it runs. */
class Listener {
  readonly events: SourceEvent[] = [];
  good = 0;
  observations = 0;
  ended: 'not yet' | 'quietly' | { readonly thrown: unknown } = 'not yet';

  constructor(stream: AsyncIterable<Batch>) {
    void this.#listen(stream);
  }

  get isConnected(): boolean {
    return this.events.some((event) => event.kind === 'connected');
  }

  async #listen(stream: AsyncIterable<Batch>): Promise<void> {
    try {
      for await (const { observations, events } of stream) {
        this.events.push(...events);
        this.observations += observations.length;
        for (let i = 0; i < observations.length; i++) if (observations.quality[i] === Quality.good) this.good += 1;
      }
      this.ended = 'quietly';
    } catch (thrown) {
      this.ended = { thrown };
    }
  }
}

/** The claims of `SourceAdapter`, for whatever protocol `start` brings a peer for. */
export function describeAdapterContract(name: string, start: () => Promise<PeerUnderTest>): void {
  describe(`${name} as a source adapter`, () => {
    let peer: PeerUnderTest;
    let folder: ReturnType<typeof temporaryFolder>;

    beforeEach(async () => {
      folder = temporaryFolder();
      peer = await start();
    });
    afterEach(async () => {
      await peer.close();
      folder[Symbol.dispose]();
    });

    const observe = (stop: AbortController): Listener =>
      new Listener(peer.adapter(testContext(folder.path)).observe(stop.signal));

    it('does no input or output when it is created', async () => {
      peer.adapter(testContext(folder.path));
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(peer.connections()).toBe(0);
    });

    it('says first that it is connected, then yields good observations of the device', async () => {
      const stop = new AbortController();
      const listener = observe(stop);
      await until('a good observation', () => listener.good > 0, 20_000);
      expect(listener.events.find((event) => event.kind !== 'notice')?.kind).toBe('connected');
      stop.abort();
      await until('the end', () => listener.ended !== 'not yet');
    });

    it('ends within a second and without an error when stopped while parked', async () => {
      const stop = new AbortController();
      const listener = observe(stop);
      await until('the connection', () => listener.isConnected, 20_000);
      stop.abort();
      await until('the end', () => listener.ended !== 'not yet', 1_000);
      expect(listener.ended).toBe('quietly');
    });

    it('ends without an error when stopped before it began', async () => {
      const listener = new Listener(peer.adapter(testContext(folder.path)).observe(AbortSignal.abort()));
      await until('the end', () => listener.ended !== 'not yet', 1_000);
      expect(listener.ended).toBe('quietly');
    });

    it('throws a retryable error when the peer is lost, after what was received before', async () => {
      const stop = new AbortController();
      const listener = observe(stop);
      await until('a good observation', () => listener.good > 0, 20_000);
      await peer.kill();
      await until('the loss', () => listener.ended !== 'not yet', 20_000);
      const thrown = typeof listener.ended === 'object' ? listener.ended.thrown : listener.ended;
      expect(thrown).toBeInstanceOf(ProtocolError);
      expect(isRetryable(thrown)).toBe(true);
      stop.abort();
    });

    it('throws a retryable error when there is nobody to connect to', async () => {
      await peer.kill();
      const listener = observe(new AbortController());
      await until('the failure', () => listener.ended !== 'not yet', 20_000);
      expect(listener.ended).toMatchObject({ thrown: { name: 'ProtocolError' } });
    });

    it('never connects again by itself', async () => {
      const stop = new AbortController();
      const listener = observe(stop);
      await until('a good observation', () => listener.good > 0, 20_000);
      const before = peer.connections();
      await peer.kill();
      await until('the loss', () => listener.ended !== 'not yet', 20_000);
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(peer.connections()).toBe(before);
      stop.abort();
    });

    it('drops and counts what a slow collector leaves lying, and declares the gap', async () => {
      const stop = new AbortController();
      const stream = peer.adapter(testContext(folder.path, 1)).observe(stop.signal)[Symbol.asyncIterator]();
      await stream.next();
      await peer.flood(1_500);
      let dropped = 0;
      await until('a declared gap', async () => {
        const { value } = (await stream.next()) as IteratorYieldResult<Batch>;
        for (const event of value.events) if (event.kind === 'gap') dropped += event.dropped;
        return dropped > 0;
      });
      stop.abort();
      await stream.return?.();
    });

    it('makes a new exchange with the device for a roll call', async () => {
      const stop = new AbortController();
      const adapter = peer.adapter(testContext(folder.path));
      const listener = new Listener(adapter.observe(stop.signal));
      await until('a good observation', () => listener.good > 0, 20_000);
      const beforeMs = Date.now();
      const answer = await adapter.probe(peer.address, AbortSignal.timeout(10_000));
      expect(answer.receivedAtMs).toBeGreaterThanOrEqual(beforeMs);
      expect(answer.roundTripUs).toBeGreaterThan(0);
      expect(answer.response.length).toBeGreaterThan(0);
      expect(Object.keys(answer.values).length).toBeGreaterThan(0);
      stop.abort();
      await until('the end', () => listener.ended !== 'not yet');
    });

    it('does not answer a roll call for an address that is not there', async () => {
      const adapter = peer.adapter(testContext(folder.path));
      await expect(adapter.probe('nobody', AbortSignal.timeout(1_000))).rejects.toBeInstanceOf(ProtocolError);
    });
  });
}
