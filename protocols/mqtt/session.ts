import { setTimeout as delay } from 'node:timers/promises';
import type { BoundedQueue } from '../bounded-queue.ts';
import { abortedError } from '../bounded-queue.ts';
import type { AdapterContext, SourceEvent } from '../contract.ts';
import { ProtocolError } from '../errors.ts';
import type { MqttConfig } from './config.ts';
import { type Connection, connect, disconnect } from './connection.ts';
import type { DeadLetters } from './dead-letters.ts';
import { Intake } from './intake.ts';
import { isTakeover, type Losses } from './losses.ts';
import { Notices } from './notices.ts';
import { type OwnStatus, ownStatusOf } from './own-status.ts';
import type { Probes } from './probes.ts';
import type { Routes } from './routes.ts';
import { SparkplugHost } from './sparkplug/host.ts';
import { type Grant, subscribeAll } from './subscription.ts';
import { Watchdog } from './watchdog.ts';

/** Events that may wait for the end of subscribing; what comes beyond them says nothing that is not said again. */
const MAX_EARLY_EVENTS = 1_000;

/** A last word may take this long. */
const GOODBYE_MS = 300;
/** Our status is corrected at most this often. */
const CORRECTION_PAUSE_MS = 1_000;

export interface SessionParts {
  readonly config: MqttConfig;
  readonly context: AdapterContext;
  readonly queue: BoundedQueue;
  readonly routes: Routes;
  readonly probes: Probes;
  readonly losses: Losses;
  readonly deadLetters: DeadLetters;
}

/** One connection from its first byte to its last: subscriptions, our own status, the watchdog. */
export class Session {
  readonly #parts: SessionParts;
  readonly #notices: Notices;
  readonly #intake: Intake;
  readonly #status: OwnStatus | undefined;
  readonly #host: SparkplugHost | undefined;
  #connection: Connection | undefined;
  #watchdog: Watchdog | undefined;
  /** What happened before the `connected` event could be said; undefined from then on. */
  #early: SourceEvent[] | undefined = [];
  #echoes = 0;
  #correctedAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    const emit = (event: SourceEvent): void => this.#emit(event);
    this.#notices = new Notices(emit, parts.deadLetters);
    this.#status = ownStatusOf(parts.config, parts.context.clock.nowMs());
    this.#host = this.#hostFor(emit);
    this.#intake = new Intake({
      queue: parts.queue,
      emit,
      routes: parts.routes,
      probes: parts.probes,
      notices: this.#notices,
      clock: parts.context.clock,
      sparkplug: this.#host,
      onOwnStatus: (payload) => this.#ownStatusHeard(payload),
    });
  }

  /** Connects and subscribes; the `connected` event stands in the queue afterwards. Rejects with `ProtocolError`. */
  async open(signal: AbortSignal): Promise<void> {
    const { config, context, queue } = this.#parts;
    // Whether the session goes on is known only after its first messages may have come.
    this.#intake.backlog = config.session === 'persistent';
    const handlers = {
      onMessage: this.#intake.received.bind(this.#intake),
      onLost: (error: ProtocolError) => this.#lost(error),
    };
    const connection = await connect(config, context, handlers, this.#status, signal);
    this.#connection = connection;
    if (!connection.sessionPresent) this.#intake.backlog = false;
    const grants = await this.#subscribe(connection, signal, 'send');
    const granted = grants.filter((grant) => grant.granted).length;
    const detail = `${connection.clientId}: ${granted} of ${grants.length} topic filters`;
    queue.emit({ kind: 'connected', atMs: context.clock.nowMs(), detail });
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const event of early) queue.emit(event);
    this.#tellRefused(grants);
    this.#announce();
    this.#watchdog = this.#watch(connection);
  }

  /** Says goodbye and resolves when the socket is gone; harmless when nothing was opened. */
  async close(): Promise<void> {
    this.#watchdog?.stop();
    const connection = this.#connection;
    this.#host?.stop();
    if (connection === undefined) return;
    await this.#sayGoodbye(connection);
    await disconnect(connection);
  }

  /** Asks for a fresh message of an address where the protocol has a way to; returns what was sent. */
  ask(address: string): Uint8Array | undefined {
    return this.#host?.askForBirth(address);
  }

  /** The first event of a connection is `connected`, although retained messages come before the last SUBACK. */
  #emit(event: SourceEvent): void {
    if (this.#early === undefined) this.#parts.queue.emit(event);
    else if (this.#early.length < MAX_EARLY_EVENTS) this.#early.push(event);
  }

  async #subscribe(
    connection: Connection,
    signal: AbortSignal,
    retained: 'send' | 'do not send',
  ): Promise<readonly Grant[]> {
    const { config, routes } = this.#parts;
    const share = (filter: string): string =>
      config.share === undefined ? filter : `$share/${config.share}/${filter}`;
    const filters = [
      ...routes.filters.map(share),
      // Our own status must come back to ourselves, not to a collector that shares the work.
      ...(this.#status === undefined ? [] : [this.#status.topic]),
    ];
    const grants = await ended(subscribeAll(connection.client, filters, config, retained), signal);
    if (grants.every((grant) => !grant.granted)) {
      const all = grants.map(({ filter }) => filter).join(', ');
      throw new ProtocolError('refused', `subscribing at ${config.url}: the broker refused every topic filter`, {
        hint: `allow this user to read ${all}`,
      });
    }
    return grants;
  }

  /** Named one by one: what is refused is not counted, and nobody would notice. */
  #tellRefused(grants: readonly Grant[]): void {
    const refused = grants.flatMap((grant) => (grant.granted ? [] : [`${grant.filter} (${grant.why})`]));
    if (refused.length === 0) {
      this.#notices.clear('subscription-refused');
      return;
    }
    this.#notices.say('subscription-refused', this.#parts.context.clock.nowMs(), {
      level: 'error',
      message: `the broker refuses ${refused.length} of ${grants.length} topic filters: ${refused.join(', ')}`,
      hint: 'allow this user to read them, or remove their templates; nothing is counted from them',
    });
  }

  #announce(): void {
    const client = this.#connection?.client;
    if (this.#status === undefined || client?.connected !== true) return;
    const { topic, birth, qos } = this.#status;
    client.publish(topic, birth, { qos, retain: true });
  }

  async #sayGoodbye({ client }: Connection): Promise<void> {
    if (this.#status === undefined || !client.connected) return;
    const { topic, qos } = this.#status;
    const goodbye = this.#status.goodbye(this.#parts.context.clock.nowMs());
    const said = new Promise<void>((resolve) => {
      client.publish(topic, goodbye, { qos, retain: true }, () => resolve());
    });
    await Promise.race([said, delay(GOODBYE_MS, undefined, { ref: false })]);
  }

  /** Our own status came back, or somebody else says in our name that we are gone. */
  #ownStatusHeard(payload: Buffer): void {
    if (this.#status?.contradicts(payload) === true) {
      const nowMs = this.#parts.context.clock.monotonicMs();
      // Two that share one status would contradict each other without end.
      if (nowMs - this.#correctedAtMs < CORRECTION_PAUSE_MS) return;
      this.#correctedAtMs = nowMs;
      this.#announce();
      return;
    }
    this.#echoes += 1;
    this.#intake.backlog = false;
  }

  #hostFor(emit: (event: SourceEvent) => void): SparkplugHost | undefined {
    const { config, context, queue, routes, probes } = this.#parts;
    if (config.sparkplug === undefined) return undefined;
    return new SparkplugHost({
      config: config.sparkplug,
      limits: config.limits,
      queue,
      emit,
      routes,
      probes,
      notices: this.#notices,
      clock: context.clock,
      publish: (topic, payload) => {
        const client = this.#connection?.client;
        if (client?.connected !== true) return false;
        client.publish(topic, Buffer.from(payload), { qos: 0, retain: false });
        return true;
      },
    });
  }

  #watch(connection: Connection): Watchdog {
    const { config, context, queue } = this.#parts;
    return new Watchdog({
      silenceMs: config.silence,
      clock: context.clock,
      heard: () => this.#intake.fresh,
      onLook: () => {
        if (this.#status?.said === 'often') this.#announce();
      },
      onSilence: (silentSinceMs) => {
        void this.#silent(connection, silentSinceMs);
      },
      onDeafnessEnded: (fromMs, toMs) => queue.emit({ kind: 'gap', reason: 'deaf', fromMs, toMs, dropped: 0 }),
      onHeard: () => this.#notices.clear('silent'),
    });
  }

  /** Our own status came back before and does not any more: deaf. Otherwise new subscriptions tell; the plant may rest. */
  async #silent(connection: Connection, silentSinceMs: number): Promise<void> {
    const { config, context, queue } = this.#parts;
    const nowMs = context.clock.nowMs();
    if (this.#echoes > 0 && this.#status?.said === 'often') {
      queue.emit({ kind: 'gap', reason: 'deaf', fromMs: silentSinceMs, toMs: nowMs, dropped: 0 });
      queue.fail(
        new ProtocolError('connection-lost', `receiving from ${config.url}: our own status no longer comes back`, {
          hint: 'it is connected anew; look at the broker if it goes on',
        }),
      );
      return;
    }
    try {
      this.#tellRefused(await this.#subscribe(connection, new AbortController().signal, 'do not send'));
      this.#notices.say('silent', nowMs, {
        level: 'warning',
        message: `no message on any topic filter since ${new Date(silentSinceMs).toISOString()}`,
        hint: 'nothing is wrong when the plant rests; otherwise compare the templates with the topics at the broker',
      });
    } catch (error) {
      queue.fail(error);
    }
  }

  #lost(error: ProtocolError): void {
    const { losses, context, queue } = this.#parts;
    const nowMs = context.clock.nowMs();
    const clientId = this.#connection?.clientId ?? '';
    const hint = 'set a clientId of its own for every collector and every source';
    if (isTakeover(error)) {
      losses.takeovers += 1;
      const message = `another client connected with our client id ${clientId}, ${losses.takeovers} times since the start`;
      this.#notices.say('client-id-taken', nowMs, { level: 'error', message, hint });
    } else if (losses.isFlapping(error, context.clock.monotonicMs())) {
      const message = `the broker closes the connection of ${clientId} again and again without a reason`;
      this.#notices.say('client-id-doubted', nowMs, { level: 'warning', message, hint });
    }
    queue.fail(error);
  }
}

/** A promise, or the error of an aborted signal, whichever is first. */
function ended<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortedError('subscribing'));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
