import type { BoundedQueue } from '../../bounded-queue.ts';
import type { Clock, ProtocolLine, SourceEvent } from '../../contract.ts';
import { Quality } from '../../observation.ts';
import { ValueDigest } from '../../value-digest.ts';
import type { Notices } from '../notices.ts';
import { PayloadReason } from '../payload-reason.ts';
import type { Probes } from '../probes.ts';
import type { Device, Routes } from '../routes.ts';
import { BirthClaims } from './claims.ts';
import type { SparkplugConfig } from './config.ts';
import { EdgeNode, type NodeDevice } from './edge-node.ts';
import { decodePayload, type Metric, rebirthRequest, type SparkplugPayload, TooManyMetrics } from './payload.ts';
import { Rebirths } from './rebirths.ts';
import { nodeCommandTopic, type SparkplugTopic } from './topic.ts';

/** Raw bytes kept with claims (`Identification.raw`). */
const MAX_RAW_BYTES = 65_536;
/** What comes so soon after the death of its node was on the way before. */
const AFTER_DEATH_MS = 5_000;
/** Sparkplug 3.0, 6.4.11: the codes of the property `Quality`. */
const QUALITY_GOOD = 192;
/** Metrics of the session itself, and controls: no values of a machine. */
const CONTROL = /^(bdSeq$|Node Control\/|Device Control\/)/;

interface Message {
  readonly topic: SparkplugTopic;
  readonly bytes: Buffer;
  readonly payload: SparkplugPayload;
  readonly receivedAtMs: number;
}

type Node = EdgeNode<Message>;

export interface SparkplugHostParts {
  readonly config: SparkplugConfig;
  readonly limits: { readonly payloadBytes: number; readonly points: number };
  readonly queue: BoundedQueue;
  readonly emit: (event: SourceEvent) => void;
  readonly routes: Routes;
  readonly probes: Probes;
  readonly notices: Notices;
  readonly clock: Clock;
  /** Sends a command; false when there is no connection. */
  readonly publish: (topic: string, payload: Uint8Array) => boolean;
}

/**
 * The host application of Sparkplug 3.0 on one connection: births and deaths matched by bdSeq, messages in the order
 * of seq, rebirths asked for only where allowed. A new connection knows nothing of births and deaths before it.
 * `stop` ends its timers.
 */
export class SparkplugHost {
  readonly #parts: SparkplugHostParts;
  readonly #claims: BirthClaims;
  readonly #rebirths = new Rebirths();
  readonly #nodes = new Map<string, Node>();
  readonly #reordering = new Map<Node, NodeJS.Timeout>();
  readonly #digest = new ValueDigest();

  constructor(parts: SparkplugHostParts) {
    this.#parts = parts;
    this.#claims = new BirthClaims(parts.config);
  }

  /** Takes one message. `withoutWeight`: why it weighs nothing whatever it says (retained, delivered again). */
  received(topic: SparkplugTopic, bytes: Buffer, withoutWeight: PayloadReason, receivedAtMs: number): void {
    if (topic.verb === 'NCMD' || topic.verb === 'DCMD') return;
    const node = this.#nodeOf(topic);
    const device = node === undefined ? undefined : this.#deviceOf(node, topic);
    if (node === undefined || device === undefined) {
      this.#parts.queue.dropped(1, receivedAtMs);
      this.#parts.notices.tooManyAddresses(addressOf(topic), receivedAtMs);
      return;
    }
    const payload = this.#decoded(topic, device, bytes, receivedAtMs);
    if (payload === undefined) return;
    const message: Message = { topic, bytes, payload, receivedAtMs };
    if (withoutWeight !== PayloadReason.none) {
      // The broker's memory changes nothing of what is known of the node now.
      this.#push(device, message, Quality.weightless, withoutWeight, 0, 0);
    } else if (topic.verb === 'NBIRTH') this.#nodeBirth(node, message);
    else if (topic.verb === 'NDEATH') this.#nodeDeath(node, message);
    else this.#inOrder(node, message);
  }

  /** Asks the node of an address for its birth, when that is allowed now; returns what was sent. */
  askForBirth(address: string): Uint8Array | undefined {
    const node = [...this.#nodes.values()].find(
      ({ device, devices }) =>
        device.address === address || [...devices.values()].some((known) => known.device.address === address),
    );
    return node === undefined ? undefined : this.#askForBirth(node);
  }

  stop(): void {
    for (const timer of this.#reordering.values()) clearTimeout(timer);
    this.#reordering.clear();
  }

  #nodeBirth(node: Node, message: Message): void {
    const { payload } = message;
    if (!node.bear(bdSeqOf(payload), payload.timestampMs)) {
      this.#push(node.device, message, Quality.weightless, PayloadReason.lateBirth, 0, 0);
      return;
    }
    this.#rebirths.answered(node.device.address);
    this.#born(node, node.device, message);
    const following = payload.seq === undefined ? [] : node.window.restart(payload.seq);
    for (const next of following) this.#process(node, next);
    this.#watchOrder(node);
  }

  /** Sparkplug 3.0, 5.7: node death implies its devices. */
  #nodeDeath(node: Node, { payload, receivedAtMs }: Message): void {
    if (!node.die(bdSeqOf(payload), receivedAtMs)) return;
    this.#watchOrder(node);
    const { emit } = this.#parts;
    emit({ kind: 'death', address: node.device.index, atMs: receivedAtMs, reason: 'NDEATH' });
    for (const { device } of node.devices.values()) {
      emit({ kind: 'death', address: device.index, atMs: receivedAtMs, reason: 'NDEATH of its edge node' });
    }
  }

  #inOrder(node: Node, message: Message): void {
    const { seq } = message.payload;
    if (seq === undefined) {
      this.#process(node, message);
      return;
    }
    let ready = node.window.take(seq, message);
    if (ready === 'full') {
      this.#giveUpWaiting(node);
      ready = node.window.take(seq, message);
    }
    for (const next of ready === 'full' ? [message] : ready) this.#process(node, next);
    this.#watchOrder(node);
  }

  /** Starts or ends the wait for missing messages (Sparkplug 3.0, 5.14). */
  #watchOrder(node: Node): void {
    const timer = this.#reordering.get(node);
    if (node.window.isWaiting && timer === undefined) {
      const wait = setTimeout(() => this.#giveUpWaiting(node), this.#parts.config.reorderTimeout);
      this.#reordering.set(node, wait);
    } else if (!node.window.isWaiting && timer !== undefined) {
      clearTimeout(timer);
      this.#reordering.delete(node);
    }
  }

  #giveUpWaiting(node: Node): void {
    clearTimeout(this.#reordering.get(node));
    this.#reordering.delete(node);
    for (const message of node.window.release()) this.#process(node, message);
    this.#parts.notices.sequenceGap(node.device.address, this.#parts.clock.nowMs());
    this.#askForBirth(node);
  }

  #process(node: Node, message: Message): void {
    const { topic, receivedAtMs } = message;
    if (topic.device === undefined) {
      this.#observe(node, node.device, node.life, message);
      return;
    }
    const known = node.devices.get(topic.device);
    if (known === undefined) return;
    switch (topic.verb) {
      case 'DBIRTH':
        known.life = 'born';
        this.#born(node, known.device, message);
        break;
      case 'DDEATH':
        known.life = 'dead';
        this.#parts.emit({ kind: 'death', address: known.device.index, atMs: receivedAtMs, reason: 'DDEATH' });
        break;
      default:
        this.#observe(node, known.device, known.life, message);
    }
  }

  /** A birth has all metrics with their names: aliases, claims and values. */
  #born(node: Node, device: Device, message: Message): void {
    const { metrics } = message.payload;
    for (const { alias } of metrics) if (alias !== undefined) node.addAlias(alias);
    const claims = this.#claims.read(metrics);
    if (claims !== undefined && JSON.stringify(claims) !== JSON.stringify(device.claims)) {
      device.claims = claims;
      device.claimsAtMs = message.receivedAtMs;
      const raw = Uint8Array.from(message.bytes.subarray(0, MAX_RAW_BYTES));
      const { receivedAtMs } = message;
      this.#parts.emit({
        kind: 'identity',
        address: device.index,
        identification: { claims, raw, method: 'Sparkplug birth', receivedAtMs },
      });
    }
    this.#observe(node, device, 'born', message);
  }

  /** One message as an observation of the node or device it is of. */
  #observe(node: Node, device: Device, life: NodeDevice['life'], message: Message): void {
    const { metrics, timestampMs } = message.payload;
    const { receivedAtMs } = message;
    const found = this.#valuesIn(node, metrics, life);
    let { quality, reason } = found;
    if (node.life === 'dead' && receivedAtMs - node.diedAtMs < AFTER_DEATH_MS) {
      quality = Quality.weightless;
      reason = PayloadReason.afterDeath;
    } else if (life !== 'born') {
      this.#parts.notices.birthMissed(node.device.address, this.#parts.config.rebirth, receivedAtMs);
      this.#askForBirth(node);
    }
    this.#push(device, message, quality, reason, found.points, found.digest);
    this.#parts.notices.clockSkew(device.address, timestampMs - receivedAtMs, receivedAtMs);
    if (quality === Quality.good && this.#parts.probes.waiting) {
      this.#parts.probes.offer(device, message.bytes, namedValues(metrics), receivedAtMs);
    }
  }

  #valuesIn(
    node: Node,
    metrics: readonly Metric[],
    life: NodeDevice['life'],
  ): { quality: Quality; reason: PayloadReason; points: number; digest: number } {
    const digest = this.#digest;
    digest.start();
    let points = 0;
    let fresh = 0;
    let historical = 0;
    let unknownAliases = 0;
    for (const { name, alias, value, isNull, isHistorical, properties } of metrics) {
      if (value === undefined || isNull || (name !== undefined && (CONTROL.test(name) || this.#claims.isClaim(name)))) {
        continue;
      }
      points += 1;
      if (typeof value === 'number') digest.number(value);
      else if (typeof value === 'boolean') digest.boolean(value);
      else if (typeof value === 'string') digest.text(value);
      else if (typeof value === 'bigint') digest.text(String(value));
      else digest.bytes(value);
      if (isHistorical) historical += 1;
      else if ((properties?.get('Quality') ?? QUALITY_GOOD) === QUALITY_GOOD) fresh += 1;
      if (name === undefined && (alias === undefined || life !== 'born' || !node.knowsAlias(alias)))
        unknownAliases += 1;
    }
    const is = (quality: Quality, reason: PayloadReason) => ({ quality, reason, points, digest: digest.finish() });
    if (points === 0) return is(Quality.weightless, PayloadReason.statusOnly);
    if (historical === points) return is(Quality.weightless, PayloadReason.historical);
    if (fresh === 0) return is(Quality.bad, PayloadReason.saidSo);
    if (unknownAliases > 0) return is(Quality.uncertain, PayloadReason.unknownAlias);
    return is(Quality.good, PayloadReason.none);
  }

  #push(
    device: Device,
    { payload, receivedAtMs }: Pick<Message, 'payload' | 'receivedAtMs'>,
    quality: Quality,
    reason: PayloadReason,
    points: number,
    digest: number,
  ): void {
    const { queue } = this.#parts;
    queue.push(device.index, receivedAtMs, payload.timestampMs, quality, reason, points, digest, Number.NaN);
  }

  #decoded(topic: SparkplugTopic, device: Device, bytes: Buffer, receivedAtMs: number): SparkplugPayload | undefined {
    const { limits, queue, notices } = this.#parts;
    let reason: PayloadReason = PayloadReason.tooLarge;
    if (bytes.length <= limits.payloadBytes) {
      try {
        return decodePayload(bytes, limits.points);
      } catch (error) {
        reason = error instanceof TooManyMetrics ? PayloadReason.tooManyPoints : PayloadReason.unreadable;
      }
    }
    queue.push(device.index, receivedAtMs, Number.NaN, Quality.bad, reason, 0, 0, Number.NaN);
    notices.badPayload(`${topic.verb} of ${device.address}`, bytes, reason, receivedAtMs);
    return undefined;
  }

  #askForBirth(node: Node): Uint8Array | undefined {
    const { config, clock, publish } = this.#parts;
    const { address } = node.device;
    if (config.rebirth !== 'allowed' || !this.#rebirths.mayAsk(address, clock.monotonicMs())) return undefined;
    const [group = '', edgeNode = ''] = address.split('/').slice(-2);
    const request = rebirthRequest(clock.nowMs());
    return publish(nodeCommandTopic(group, edgeNode), request) ? request : undefined;
  }

  #nodeOf({ group, edgeNode }: SparkplugTopic): Node | undefined {
    const key = `${group}/${edgeNode}`;
    const known = this.#nodes.get(key);
    if (known !== undefined) return known;
    const device = this.#parts.routes.deviceAt(this.#address(key), NODE_LINE);
    if (device === undefined) return undefined;
    const node: Node = new EdgeNode(device);
    this.#nodes.set(key, node);
    return node;
  }

  /** The node itself, or the device behind it that the topic names; undefined when there is no address left for it. */
  #deviceOf(node: Node, { group, edgeNode, device: id }: SparkplugTopic): Device | undefined {
    if (id === undefined) return node.device;
    const known = node.devices.get(id);
    if (known !== undefined) return known.device;
    const { relayed } = this.#parts.config;
    const line: ProtocolLine = relayed === undefined ? NODE_LINE : { ...relayed, reach: 'relayed' };
    const device = this.#parts.routes.deviceAt(this.#address(`${group}/${edgeNode}/${id}`), line);
    if (device !== undefined) node.devices.set(id, { device, life: 'unknown' });
    return device;
  }

  #address(path: string): string {
    const { prefix } = this.#parts.config;
    return prefix === undefined ? path : `${prefix}/${path}`;
  }
}

const NODE_LINE: ProtocolLine = { family: 'sparkplug', variant: '3.0', reach: 'direct' };

function addressOf({ group, edgeNode, device }: SparkplugTopic): string {
  return device === undefined ? `${group}/${edgeNode}` : `${group}/${edgeNode}/${device}`;
}

/** Sparkplug 3.0, 6.4.19: the number that ties a death to its birth. */
function bdSeqOf({ metrics }: SparkplugPayload): number | undefined {
  const value = metrics.find(({ name }) => name === 'bdSeq')?.value;
  return typeof value === 'number' ? value : undefined;
}

/** The values of a message by metric name, or by alias where it has no name. */
function namedValues(metrics: readonly Metric[]): ReadonlyMap<string, unknown> {
  const valued = metrics.filter(({ value }) => value !== undefined);
  return new Map(valued.map(({ name, alias, value }) => [name ?? `alias ${alias}`, value]));
}
