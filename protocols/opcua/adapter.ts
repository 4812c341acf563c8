import { BoundedQueue } from '../bounded-queue.ts';
import type { AdapterContext, Batch, ProbeAnswer, SourceAdapter } from '../contract.ts';
import type { Identification } from '../identity.ts';
import type { OpcuaConfig } from './config.ts';
import type { OpcuaConnection } from './connection.ts';

/** One OPC UA server as a source. This file does not load the client library; `connection.ts`, which does, is imported at the first use. */
export class OpcuaAdapter implements SourceAdapter {
  readonly #config: OpcuaConfig;
  readonly #context: AdapterContext;
  #connection: OpcuaConnection | undefined;

  constructor(config: OpcuaConfig, context: AdapterContext) {
    this.#config = config;
    this.#context = context;
  }

  async *observe(signal: AbortSignal): AsyncGenerator<Batch, void, void> {
    const queue = new BoundedQueue(this.#context.clock, this.#context.queueBatches);
    let connection: OpcuaConnection;
    try {
      connection = await this.#open(signal, queue);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    let unsubscribe = (): void => {};
    try {
      unsubscribe = await connection.subscribe(queue);
      this.#connection = connection;
      yield* queue.batches(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#connection = undefined;
      unsubscribe();
      await connection.close();
    }
  }

  identify(address: string, signal: AbortSignal): Promise<Identification> {
    return this.#withConnection(signal, (connection) => connection.identify(address));
  }

  probe(address: string, signal: AbortSignal): Promise<ProbeAnswer> {
    return this.#withConnection(signal, (connection) => connection.probe(address));
  }

  /** The session of a running `observe`, because servers count sessions; one of its own otherwise. */
  async #withConnection<T>(signal: AbortSignal, work: (connection: OpcuaConnection) => Promise<T>): Promise<T> {
    if (this.#connection !== undefined) return work(this.#connection);
    const connection = await this.#open(signal);
    try {
      return await work(connection);
    } finally {
      await connection.close();
    }
  }

  async #open(signal: AbortSignal, queue?: BoundedQueue): Promise<OpcuaConnection> {
    const { OpcuaConnection } = await import('./connection.ts');
    return OpcuaConnection.open(this.#config, this.#context, signal, queue);
  }
}
