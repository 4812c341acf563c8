import { AttributeIds, TimestampsToReturn } from 'node-opcua-client';
import { BoundedQueue } from '../bounded-queue.ts';
import type { AdapterContext, ProbeAnswer, ProtocolLine } from '../contract.ts';
import { UNBOUND } from '../contract.ts';
import { ProtocolError } from '../errors.ts';
import type { Identification } from '../identity.ts';
import type { OpcuaConfig } from './config.ts';
import { DeviceFold, ItemClock } from './device-fold.ts';
import { discover, type FoundDevice } from './discovery.ts';
import { readNameplate } from './nameplate.ts';
import { type OpcuaSession, openSession } from './session.ts';
import { Subscription, type WantedItem } from './subscription.ts';

const SERVER_TIME = 'i=2258';
/** Problems named in one notice. */
const MAX_NAMED = 5;

/** Everything of one connection that needs the client library; loaded when the first source connects. */
export class OpcuaConnection {
  readonly #config: OpcuaConfig;
  readonly #context: AdapterContext;
  readonly #opened: OpcuaSession;
  readonly #devices: ReadonlyMap<string, FoundDevice>;

  private constructor(
    config: OpcuaConfig,
    context: AdapterContext,
    opened: OpcuaSession,
    devices: readonly FoundDevice[],
  ) {
    this.#config = config;
    this.#context = context;
    this.#opened = opened;
    this.#devices = new Map(devices.map((device) => [device.address, device]));
  }

  /** Connects and finds the devices; with `queue`, also tells what was not found. */
  static async open(
    config: OpcuaConfig,
    context: AdapterContext,
    signal: AbortSignal,
    queue?: BoundedQueue,
  ): Promise<OpcuaConnection> {
    const opened = await openSession(config, context, signal);
    try {
      const { devices, problems } = await discover(opened.session, config);
      if (queue !== undefined)
        notice(queue, 'devices-not-found', problems, 'check the node ids, and what this user may browse');
      return new OpcuaConnection(config, context, opened, devices);
    } catch (error) {
      await opened.close();
      if (signal.aborted || error instanceof ProtocolError) throw error;
      throw new ProtocolError('connection-lost', `looking for devices at ${config.url}: ${String(error)}`, {
        cause: error,
      });
    }
  }

  /** Subscribes to all devices and fills the queue until it fails. Returns what ends the subscription. */
  async subscribe(queue: BoundedQueue): Promise<() => void> {
    const { client, session } = this.#opened;
    const fail = (why: string) => (): void =>
      queue.fail(new ProtocolError('connection-lost', `listening to ${this.#config.url}: ${why}`));
    client.once('connection_lost', fail('the connection was lost'));
    client.once('close', fail('the connection was closed'));
    session.once('session_closed', fail('the server closed the session'));
    const line: ProtocolLine = {
      family: 'opcua',
      variant: this.#config.security === 'none' ? 'None' : 'SignAndEncrypt',
      reach: 'direct',
    };
    const items: WantedItem[] = [];
    for (const device of this.#devices.values()) {
      const index = this.#context.addresses.bind(device.address, line);
      if (index === UNBOUND) continue;
      const fold = new DeviceFold(index);
      for (const nodeId of device.values) items.push({ nodeId, clock: new ItemClock(fold) });
    }
    const { subscription, refused } = await Subscription.create(
      session,
      items,
      queue,
      this.#context.clock,
      this.#config,
    );
    notice(queue, 'items-refused', refused, 'these values are not evidence; check the nodes in the server');
    const detail = `${this.#config.url}, ${this.#devices.size} devices, ${items.length - refused.length} of ${items.length} values`;
    queue.emit({ kind: 'connected', atMs: this.#context.clock.nowMs(), detail });
    return () => subscription.stop();
  }

  async identify(address: string): Promise<Identification> {
    const { claims, method, raw } = await readNameplate(this.#opened.session, this.#device(address).nodeId);
    return { claims, method, raw, receivedAtMs: this.#context.clock.nowMs() };
  }

  async probe(address: string): Promise<ProbeAnswer> {
    const { clock } = this.#context;
    const device = this.#device(address);
    const requestedAtMs = clock.nowMs();
    const startedAtMs = clock.monotonicMs();
    const nodes = [...device.values, SERVER_TIME];
    const values = await this.#opened.session.read(
      nodes.map((nodeId) => ({ nodeId, attributeId: AttributeIds.Value })),
      0,
    );
    const roundTripUs = (clock.monotonicMs() - startedAtMs) * 1000;
    const own = values.slice(0, device.values.length);
    if (!own.some((value) => value.statusCode.isGood())) {
      throw new ProtocolError(
        'exception',
        `probing ${address}: none of its values is good, ${own[0]?.statusCode.name ?? 'no answer'}`,
      );
    }
    const described = nodes.map((nodeId, i) => ({ nodeId, dataValue: values[i]?.toJSON() }));
    return {
      request: Buffer.from(
        JSON.stringify({ service: 'Read', maxAge: 0, timestamps: TimestampsToReturn[TimestampsToReturn.Both], nodes }),
      ),
      response: Buffer.from(JSON.stringify(described)),
      requestedAtMs,
      receivedAtMs: clock.nowMs(),
      roundTripUs,
      values: Object.fromEntries(device.values.map((nodeId, i) => [nodeId, String(values[i]?.value.value)])),
    };
  }

  close(): Promise<void> {
    return this.#opened.close();
  }

  #device(address: string): FoundDevice {
    const device = this.#devices.get(address);
    if (device === undefined)
      throw new ProtocolError('unknown-address', `looking for ${address} at ${this.#config.url}: it is not there`);
    return device;
  }
}

function notice(queue: BoundedQueue, code: string, problems: readonly string[], hint: string): void {
  if (problems.length === 0) {
    queue.emit({ kind: 'notice', code, level: 'cleared', message: '' });
    return;
  }
  const named = problems.slice(0, MAX_NAMED).join('; ');
  const rest = problems.length > MAX_NAMED ? ` and ${problems.length - MAX_NAMED} more` : '';
  queue.emit({ kind: 'notice', code, level: 'error', message: `${problems.length} not usable: ${named}${rest}`, hint });
}
