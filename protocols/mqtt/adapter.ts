import { abortedError, BoundedQueue } from '../bounded-queue.ts';
import type { AdapterContext, Batch, DeadLetter, ProbeAnswer, SourceAdapter } from '../contract.ts';
import { ProtocolError } from '../errors.ts';
import type { Identification } from '../identity.ts';
import type { MqttConfig } from './config.ts';
import { DeadLetters } from './dead-letters.ts';
import { Losses } from './losses.ts';
import { Probes } from './probes.ts';
import { Routes } from './routes.ts';
import { Session } from './session.ts';

/** One MQTT broker as a source. What is known of topics and devices outlives a connection; the rest is `Session`'s. */
export class MqttAdapter implements SourceAdapter {
  readonly #config: MqttConfig;
  readonly #context: AdapterContext;
  readonly #routes: Routes;
  readonly #probes: Probes;
  readonly #losses = new Losses();
  readonly #deadLetters: DeadLetters;
  /** The connection that is open and subscribed. */
  #session: Session | undefined;

  constructor(config: MqttConfig, context: AdapterContext) {
    this.#config = config;
    this.#context = context;
    this.#routes = new Routes(config, context.addresses);
    this.#probes = new Probes(context.clock);
    this.#deadLetters = new DeadLetters(context.clock);
  }

  async *observe(signal: AbortSignal): AsyncGenerator<Batch, void, void> {
    const queue = new BoundedQueue(this.#context.clock, this.#context.queueBatches);
    const session = new Session({
      config: this.#config,
      context: this.#context,
      queue,
      routes: this.#routes,
      probes: this.#probes,
      losses: this.#losses,
      deadLetters: this.#deadLetters,
    });
    try {
      await session.open(signal);
      this.#session = session;
      yield* queue.batches(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#session = undefined;
      await session.close();
    }
  }

  identify(address: string, signal: AbortSignal): Promise<Identification> {
    const doing = `asking ${address} who it is`;
    if (signal.aborted) return Promise.reject(abortedError(doing));
    return Promise.reject(
      new ProtocolError('unsupported', `${doing}: on MQTT a device speaks only when it publishes`, {
        hint: 'name the claims of its payload in the template; what they say is kept as it comes',
      }),
    );
  }

  /** Waits for the next fresh message of the device itself; a Sparkplug node is asked for it where that is allowed. */
  probe(address: string, signal: AbortSignal): Promise<ProbeAnswer> {
    if (this.#session === undefined) {
      return Promise.reject(
        new ProtocolError('connection-lost', `waiting for a message of ${address}: not connected to the broker`),
      );
    }
    return this.#probes.next(address, signal, this.#session.ask(address));
  }

  deadLetters(): readonly DeadLetter[] {
    return this.#deadLetters.all();
  }
}
