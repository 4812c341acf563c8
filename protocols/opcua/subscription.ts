import type { ClientSession, ClientSubscription } from 'node-opcua-client';
import { AttributeIds, type NotificationMessage, TimestampsToReturn } from 'node-opcua-client';
import type { BoundedQueue } from '../bounded-queue.ts';
import type { Clock } from '../contract.ts';
import { ProtocolError } from '../errors.ts';
import type { OpcuaConfig } from './config.ts';
import type { DeviceFold, ItemClock } from './device-fold.ts';

/** OPC 10000-5: Server_ServerStatus_CurrentTime, which every server has and which moves while it lives. */
const SERVER_TIME = 'i=2258';
const KEEP_ALIVE_COUNT = 10;
const LIFETIME_COUNT = 60;
/** Keep-alives without any notification after which the server is deaf (node-opcua#1524 and others). */
const DEAF_KEEP_ALIVES = 3;
const QUEUE_SIZE = 10;

/** What to monitor: a variable and the clock of its device. */
export interface WantedItem {
  readonly nodeId: string;
  readonly clock: ItemClock;
}

/** A data-change notification as the library decodes it (OPC 10000-4, 7.25.2). */
interface DataChange {
  readonly monitoredItems?:
    | readonly { readonly clientHandle: number; readonly value: Parameters<DeviceFold['take']>[1] }[]
    | null;
}

/** One subscription over all items of a source, with a watchdog on the server's own time. */
export class Subscription {
  readonly #subscription: ClientSubscription;
  readonly #queue: BoundedQueue;
  readonly #clock: Clock;
  readonly #byHandle = new Map<number, ItemClock>();
  readonly #touched: DeviceFold[] = [];
  readonly #deafAfterMs: number;
  readonly #url: string;
  #heardAtMs: number;
  #watchdog: NodeJS.Timeout | undefined;

  private constructor(subscription: ClientSubscription, queue: BoundedQueue, clock: Clock, config: OpcuaConfig) {
    this.#subscription = subscription;
    this.#queue = queue;
    this.#clock = clock;
    this.#url = config.url;
    this.#heardAtMs = clock.monotonicMs();
    this.#deafAfterMs =
      DEAF_KEEP_ALIVES * Math.max(1_000, subscription.publishingInterval * subscription.maxKeepAliveCount);
    subscription.on('raw_notification', (message: NotificationMessage) => this.#notified(message));
    subscription.on('keepalive', () => {
      this.#heardAtMs = clock.monotonicMs();
    });
    subscription.on('terminated', () => queue.fail(this.#lost('the server ended the subscription')));
  }

  /** Creates the subscription and its items. Returns it with those that the server refused, in words. */
  static async create(
    session: ClientSession,
    items: readonly WantedItem[],
    queue: BoundedQueue,
    clock: Clock,
    config: OpcuaConfig,
  ): Promise<{ subscription: Subscription; refused: readonly string[] }> {
    const created = await session.createSubscription2({
      requestedPublishingInterval: config.publishingInterval,
      requestedMaxKeepAliveCount: KEEP_ALIVE_COUNT,
      requestedLifetimeCount: LIFETIME_COUNT,
      maxNotificationsPerPublish: 0,
      publishingEnabled: true,
      priority: 0,
    });
    const subscription = new Subscription(created, queue, clock, config);
    await subscription.#monitor([{ nodeId: SERVER_TIME, clock: undefined }], config);
    const refused: string[] = [];
    for (let at = 0; at < items.length; at += config.limits.itemsPerRequest) {
      refused.push(...(await subscription.#monitor(items.slice(at, at + config.limits.itemsPerRequest), config)));
    }
    subscription.#watch();
    return { subscription, refused };
  }

  stop(): void {
    clearInterval(this.#watchdog);
    this.#subscription.removeAllListeners('raw_notification');
    this.#subscription.removeAllListeners('terminated');
  }

  async #monitor(
    items: readonly { readonly nodeId: string; readonly clock: ItemClock | undefined }[],
    config: OpcuaConfig,
  ): Promise<string[]> {
    const group = await this.#subscription.monitorItems(
      items.map(({ nodeId }) => ({ nodeId, attributeId: AttributeIds.Value })),
      {
        samplingInterval: config.samplingInterval ?? config.publishingInterval,
        queueSize: QUEUE_SIZE,
        discardOldest: true,
      },
      TimestampsToReturn.Both,
    );
    const refused: string[] = [];
    group.monitoredItems.forEach((monitored, i) => {
      const item = items[i];
      if (item?.clock === undefined) return;
      if (monitored.statusCode.isGood()) this.#byHandle.set(monitored.monitoringParameters.clientHandle, item.clock);
      else refused.push(`${item.nodeId}: ${monitored.statusCode.name}`);
    });
    return refused;
  }

  /** One message is one look at each device it speaks of, however many of its values it brings. */
  #notified(message: NotificationMessage): void {
    this.#heardAtMs = this.#clock.monotonicMs();
    const receivedAtMs = this.#clock.nowMs();
    let overflowed = 0;
    for (const part of message.notificationData ?? []) {
      for (const { clientHandle, value } of (part as DataChange | null)?.monitoredItems ?? []) {
        const item = this.#byHandle.get(clientHandle);
        if (item === undefined) continue;
        if (!item.fold.touched) this.#touched.push(item.fold);
        if (item.fold.take(item, value)) overflowed += 1;
      }
    }
    for (const fold of this.#touched) fold.flush(this.#queue, receivedAtMs);
    this.#touched.length = 0;
    if (overflowed > 0) {
      const fromMs = receivedAtMs - this.#subscription.publishingInterval;
      this.#queue.emit({ kind: 'gap', reason: 'server-overflow', fromMs, toMs: receivedAtMs, dropped: overflowed });
    }
  }

  /** A connection that stands, with a server that says nothing, is lost all the same. */
  #watch(): void {
    this.#watchdog = setInterval(
      () => {
        const silentMs = this.#clock.monotonicMs() - this.#heardAtMs;
        if (silentMs > this.#deafAfterMs)
          this.#queue.fail(this.#lost(`not even its own time for ${Math.round(silentMs / 1000)} s`));
      },
      Math.min(1_000, this.#deafAfterMs / 3),
    );
  }

  #lost(why: string): ProtocolError {
    return new ProtocolError('connection-lost', `listening to ${this.#url}: ${why}`);
  }
}
