import type { IPublishPacket, MqttClient } from 'mqtt';
import { abortedError, BoundedQueue } from '../bounded-queue.ts';
import type { AdapterContext, Batch, ProbeAnswer, SourceAdapter } from '../contract.ts';
import { ProtocolError } from '../errors.ts';
import type { Identification } from '../identity.ts';
import { Quality } from '../observation.ts';
import type { MqttConfig } from './config.ts';
import { connectOnce, disconnect } from './connection.ts';
import { type Route, Routes } from './routes.ts';

/** A goodbye may take this long; then the socket is cut. */
const GOODBYE_MS = 500;
/** Raw bytes kept with claims. */
const MAX_RAW_BYTES = 65_536;

interface ProbeWait {
  readonly address: string;
  readonly take: (payload: Buffer, receivedAtMs: number, route: Route) => void;
}

/** One MQTT broker as a source. */
export class MqttAdapter implements SourceAdapter {
  readonly #config: MqttConfig;
  readonly #context: AdapterContext;
  readonly #routes: Routes;
  readonly #waits = new Set<ProbeWait>();
  #connected = false;

  constructor(config: MqttConfig, context: AdapterContext) {
    this.#config = config;
    this.#context = context;
    this.#routes = new Routes(config, context.addresses);
  }

  async *observe(signal: AbortSignal): AsyncGenerator<Batch, void, void> {
    let client: MqttClient;
    try {
      client = await connectOnce(this.#config, this.#context, signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    const queue = new BoundedQueue(this.#context.clock, this.#context.queueBatches);
    let lastError: Error | undefined;
    client.on('error', (error) => {
      lastError = error;
    });
    client.on('close', () => queue.fail(this.#lost(lastError)));
    client.on('message', (topic, payload, packet) => this.#received(queue, topic, payload, packet));
    try {
      await this.#subscribe(client, queue, signal);
      this.#connected = true;
      yield* queue.batches(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#connected = false;
      await this.#leave(client);
    }
  }

  identify(address: string, _signal: AbortSignal): Promise<Identification> {
    const known = this.#routes.claimsOf(address) !== undefined;
    const hint = known
      ? 'what it says in its messages is kept already'
      : 'name the claims in the topic’s configuration';
    return Promise.reject(
      new ProtocolError('unsupported', `asking ${address} who it is: devices on MQTT speak only when they publish`, {
        hint,
      }),
    );
  }

  /** Waits for the next fresh publish of the device itself. */
  probe(address: string, signal: AbortSignal): Promise<ProbeAnswer> {
    const doing = `waiting for a message of ${address}`;
    if (!this.#connected)
      return Promise.reject(new ProtocolError('connection-lost', `${doing}: not connected to the broker`));
    const requestedAtMs = this.#context.clock.nowMs();
    const startedAtMs = this.#context.clock.monotonicMs();
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waits.delete(wait);
        reject(new ProtocolError('timeout', `${doing}: none came`));
      };
      const wait: ProbeWait = {
        address,
        take: (payload, receivedAtMs, route) => {
          this.#waits.delete(wait);
          signal.removeEventListener('abort', onAbort);
          resolve({
            request: new Uint8Array(),
            response: Uint8Array.from(payload.subarray(0, MAX_RAW_BYTES)),
            requestedAtMs,
            receivedAtMs,
            roundTripUs: (this.#context.clock.monotonicMs() - startedAtMs) * 1000,
            values: { payload: payload.subarray(0, MAX_RAW_BYTES).toString('utf8') },
            ...(route.claims === undefined ? {} : { claims: route.claims }),
          });
        },
      };
      if (signal.aborted) {
        onAbort();
        return;
      }
      this.#waits.add(wait);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** One filter a packet, and every granted code looked at: a refused filter must not silence the others. */
  async #subscribe(client: MqttClient, queue: BoundedQueue, signal: AbortSignal): Promise<void> {
    const { filters } = this.#routes;
    const refused: string[] = [];
    for (const filter of filters) {
      if (signal.aborted) throw abortedError(`subscribing to ${filter}`);
      const granted = await this.#grantedQos(client, filter);
      if (granted === undefined) refused.push(filter);
    }
    const code = 'subscription-refused';
    if (refused.length === filters.length) {
      throw new ProtocolError('refused', `subscribing at ${this.#config.url}: the broker refused every topic filter`, {
        hint: `allow this user to subscribe to ${refused.join(' and ')}`,
      });
    }
    const detail = `subscribed to ${filters.length - refused.length} of ${filters.length} topic filters`;
    queue.emit({ kind: 'connected', atMs: this.#context.clock.nowMs(), detail });
    if (refused.length === 0) queue.emit({ kind: 'notice', code, level: 'cleared', message: '' });
    else {
      queue.emit({
        kind: 'notice',
        code,
        level: 'error',
        message: `the broker refused the topic filters ${refused.join(', ')}`,
        hint: 'allow this user to subscribe to them, or remove their templates; nothing is counted from them',
      });
    }
  }

  /** The QoS the broker granted (MQTT 5.0, 3.9.3), or undefined when it refused. */
  async #grantedQos(client: MqttClient, filter: string): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const onClose = (): void => reject(this.#lost(undefined));
      client.once('close', onClose);
      client.subscribe(filter, { qos: this.#config.qos }, (error, granted, packet) => {
        client.off('close', onClose);
        const code = packet?.granted[0] ?? granted?.[0]?.qos;
        if (typeof code === 'number') resolve(code < 128 ? code : undefined);
        else if (error !== null) resolve(undefined);
        else reject(new ProtocolError('violation', `subscribing to ${filter}: the broker's answer has no code`));
      });
    });
  }

  /** The hot path. Nothing here waits, and nothing but `JSON.parse` allocates for a message of a known topic. */
  #received(queue: BoundedQueue, topic: string, payload: Buffer, packet: IPublishPacket): void {
    const receivedAtMs = this.#context.clock.nowMs();
    const route = this.#routes.find(topic);
    if (route === undefined) return;
    if (route === 'full') {
      queue.dropped(1, receivedAtMs);
      return;
    }
    if (route.kind === 'status') {
      this.#status(queue, route, payload, packet, receivedAtMs);
      return;
    }
    const { decoder } = route;
    decoder.decode(payload);
    // R3: a retained message is the broker's memory, a duplicate may be; neither is the device speaking now.
    const fresh = !packet.retain && !packet.dup;
    const quality = fresh ? decoder.quality : Quality.weightless;
    queue.push(
      route.index,
      receivedAtMs,
      decoder.sourceAtMs,
      quality,
      decoder.reason,
      decoder.points,
      decoder.digest,
      Number.NaN,
    );
    const claims = decoder.claims(route.claims);
    if (claims !== route.claims && claims !== undefined) {
      route.claims = claims;
      const raw = Uint8Array.from(payload.subarray(0, MAX_RAW_BYTES));
      queue.emit({
        kind: 'identity',
        address: route.index,
        identification: { claims, raw, method: 'payload', receivedAtMs },
      });
    }
    if (fresh && decoder.quality === Quality.good && this.#waits.size > 0) {
      for (const wait of this.#waits) if (wait.address === route.address) wait.take(payload, receivedAtMs, route);
    }
  }

  /** A will or goodbye of the device. A retained one tells of an earlier time and declares nothing now. */
  #status(queue: BoundedQueue, route: Route, payload: Buffer, packet: IPublishPacket, receivedAtMs: number): void {
    if (packet.retain || payload.toString('utf8') !== route.dead) return;
    queue.emit({ kind: 'death', address: route.index, atMs: receivedAtMs, reason: `status topic says ${route.dead}` });
  }

  #lost(error: Error | undefined): ProtocolError {
    const why = error === undefined ? 'the connection was closed' : error.message;
    return new ProtocolError('connection-lost', `receiving from ${this.#config.url}: ${why}`, {
      ...(error === undefined ? {} : { cause: error }),
      hint: 'if it happens again and again, look for a second client with the same client id',
    });
  }

  /** With a goodbye where the broker takes it, so that our own will is not published; without, after a moment. */
  async #leave(client: MqttClient): Promise<void> {
    client.removeAllListeners('message');
    if (!client.connected) {
      await disconnect(client, 'abrupt');
      return;
    }
    const cut = setTimeout(() => client.stream.destroy(), GOODBYE_MS);
    await disconnect(client, 'goodbye');
    clearTimeout(cut);
  }
}
