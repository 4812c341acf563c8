import type { IPublishPacket } from 'mqtt';
import type { BoundedQueue } from '../bounded-queue.ts';
import type { Clock, SourceEvent } from '../contract.ts';
import { Quality } from '../observation.ts';
import { follow } from './json-pointer.ts';
import type { Notices } from './notices.ts';
import { PayloadReason } from './payload-reason.ts';
import type { Probes } from './probes.ts';
import type { Device, Route, Routes, Rule } from './routes.ts';
import type { SparkplugHost } from './sparkplug/host.ts';

/** Raw bytes kept with claims (`Identification.raw`). */
const MAX_RAW_BYTES = 65_536;
/** Claims that change faster are two devices under one name; each change would be a write to the store. */
const CLAIMS_SETTLE_MS = 10_000;
/** Of a status payload; more cannot be the configured word. */
const MAX_STATUS_BYTES = 4_096;

/** What of a message the weight depends on (MQTT 5.0, 3.3.1). */
type Delivery = Pick<IPublishPacket, 'retain' | 'dup'>;

export interface IntakeParts {
  readonly queue: BoundedQueue;
  readonly emit: (event: SourceEvent) => void;
  readonly routes: Routes;
  readonly probes: Probes;
  readonly notices: Notices;
  readonly clock: Clock;
  readonly sparkplug: SparkplugHost | undefined;
  /** Called for every message on our own status topic that is not retained. */
  readonly onOwnStatus: (payload: Buffer) => void;
}

/**
 * The packet path: from a PUBLISH to a row of the queue, in one synchronous call. Nothing waits here (a message held
 * longer than the keep-alive would cost the link), and for a known topic nothing allocates but the decoding itself.
 */
export class Intake {
  /** Messages that were not retained, of whatever topic: a sign that the broker forwards. */
  fresh = 0;
  /**
   * True while what arrives may have waited at the broker since before we connected (a resumed session): nobody knows
   * when it was said, so it weighs nothing.
   */
  backlog = false;
  readonly #parts: IntakeParts;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  received(topic: string, payload: Buffer, packet: Delivery): void {
    const { routes, queue, clock, notices } = this.#parts;
    const receivedAtMs = clock.nowMs();
    if (!packet.retain) this.fresh += 1;
    const route = routes.find(topic);
    switch (route.kind) {
      case 'telemetry':
        this.#telemetry(route, topic, payload, packet, receivedAtMs);
        break;
      case 'devices':
        this.#devices(route, topic, payload, packet, receivedAtMs);
        break;
      case 'status':
        this.#status(route, payload, packet, receivedAtMs);
        break;
      case 'sparkplug':
        this.#parts.sparkplug?.received(route.topic, payload, this.#withoutWeight(packet), receivedAtMs);
        break;
      case 'full':
        queue.dropped(1, receivedAtMs);
        notices.tooManyAddresses(topic, receivedAtMs);
        break;
      case 'malformed':
        queue.dropped(1, receivedAtMs);
        notices.malformedTopic(topic, receivedAtMs);
        break;
      case 'own':
        if (!packet.retain) this.#parts.onOwnStatus(payload);
        break;
      case 'ignored':
        break;
    }
  }

  #telemetry(
    { device, rule }: Extract<Route, { kind: 'telemetry' }>,
    topic: string,
    payload: Buffer,
    packet: Delivery,
    receivedAtMs: number,
  ): void {
    rule.decoder.decode(payload);
    this.#observed(device, rule, topic, payload, packet, receivedAtMs);
  }

  /** A payload that names its devices. What of it names nobody belongs to nobody: counted as lost, and told. */
  #devices(
    route: Extract<Route, { kind: 'devices' }>,
    topic: string,
    payload: Buffer,
    packet: Delivery,
    receivedAtMs: number,
  ): void {
    const { routes, queue, notices } = this.#parts;
    const reason = route.rule.decoder.decodeParts(payload, (key) => {
      const device = routes.deviceIn(route, key);
      if (device !== undefined) {
        this.#observed(device, route.rule, topic, payload, packet, receivedAtMs);
        return;
      }
      queue.dropped(1, receivedAtMs);
      notices.tooManyAddresses(`${topic} (${key})`, receivedAtMs);
    });
    if (reason === PayloadReason.none) return;
    queue.dropped(1, receivedAtMs);
    notices.badPayload(topic, payload, reason, receivedAtMs);
  }

  /** One record of one device, as it stands in the rule's decoder. */
  #observed(device: Device, rule: Rule, topic: string, payload: Buffer, packet: Delivery, receivedAtMs: number): void {
    const { queue, notices, probes } = this.#parts;
    const { decoder } = rule;
    const { quality, sourceAtMs, points, digest } = decoder.record;
    let reason = this.#withoutWeight(packet);
    if (reason === PayloadReason.none && rule.timeMustAdvance && sourceAtMs === device.sourceAtMs) {
      reason = PayloadReason.sameTime;
    }
    device.sourceAtMs = sourceAtMs;
    const weighs = reason === PayloadReason.none;
    queue.push(
      device.index,
      receivedAtMs,
      sourceAtMs,
      weighs ? quality : Quality.weightless,
      weighs ? decoder.record.reason : reason,
      points,
      digest,
      Number.NaN,
    );
    const { claimsDigest } = decoder;
    if (claimsDigest !== 0 && claimsDigest !== device.claimsDigest) {
      const claims = decoder.claims(device.claims);
      const isSettled = claims === device.claims || this.#claimed(device, claims, payload, receivedAtMs);
      if (isSettled) device.claimsDigest = claimsDigest;
    }
    if (quality === Quality.bad && decoder.record.reason !== PayloadReason.saidSo) {
      notices.badPayload(topic, payload, decoder.record.reason, receivedAtMs);
    }
    if (!weighs) return;
    notices.clockSkew(device.address, sourceAtMs - receivedAtMs, receivedAtMs);
    if (probes.waiting && quality === Quality.good) probes.offer(device, payload, decoder.document, receivedAtMs);
  }

  /** A will or goodbye of the device. A retained one tells of an earlier time and declares nothing now. */
  #status(
    { device, rule }: Extract<Route, { kind: 'status' }>,
    payload: Buffer,
    packet: Delivery,
    receivedAtMs: number,
  ): void {
    const reason = this.#withoutWeight(packet);
    if (reason === PayloadReason.none && statusWord(payload, rule.wordAt) === rule.deadWord) {
      const said = `its status topic says ${rule.deadWord}`;
      this.#parts.emit({ kind: 'death', address: device.index, atMs: receivedAtMs, reason: said });
      return;
    }
    const why = reason === PayloadReason.none ? PayloadReason.statusOnly : reason;
    const { queue } = this.#parts;
    queue.push(device.index, receivedAtMs, Number.NaN, Quality.weightless, why, 0, 0, Number.NaN);
  }

  /** R3: why a message weighs nothing, whatever it says; `none` when it does weigh. */
  #withoutWeight(packet: Delivery): PayloadReason {
    if (packet.retain) return PayloadReason.retained;
    if (packet.dup) return PayloadReason.duplicate;
    return this.backlog ? PayloadReason.queued : PayloadReason.none;
  }

  /** Tells new claims; false when they changed too soon and are not taken yet. */
  #claimed(device: Device, claims: Device['claims'], payload: Buffer, receivedAtMs: number): boolean {
    const sinceMs = receivedAtMs - device.claimsAtMs;
    if (claims === undefined || (sinceMs >= 0 && sinceMs < CLAIMS_SETTLE_MS)) return false;
    device.claims = claims;
    device.claimsAtMs = receivedAtMs;
    const raw = Uint8Array.from(payload.subarray(0, MAX_RAW_BYTES));
    this.#parts.emit({
      kind: 'identity',
      address: device.index,
      identification: { claims, raw, method: 'payload', receivedAtMs },
    });
    return true;
  }
}

/** The word of a status payload; undefined when there is none. */
function statusWord(payload: Buffer, at: readonly string[] | undefined): string | undefined {
  if (payload.length > MAX_STATUS_BYTES) return undefined;
  const text = payload.toString('utf8');
  if (at === undefined) return text.trim();
  try {
    const word: unknown = follow(JSON.parse(text), at);
    return typeof word === 'number' || typeof word === 'boolean' || typeof word === 'string' ? String(word) : undefined;
  } catch {
    return undefined;
  }
}
