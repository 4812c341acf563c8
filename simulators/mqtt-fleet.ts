import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { faultAt, type SimulatedDevice, type Simulator, seeded } from './plan.ts';

export interface MqttFleetOptions {
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  /** PEM of the authority that signed the broker's certificate; for mqtts:// only. */
  readonly ca?: string;
  readonly devices: readonly SimulatedDevice[];
  readonly seed: number;
  /**
   * Connections that all devices share, as behind gateways; left out: one a device, each with its will. On a shared
   * connection the gateway says that a dead device is gone.
   */
  readonly sharedConnections?: number;
}

/** Who a device is goes into every n-th message, as real devices do to save bytes. */
const IDENTITY_EVERY = 30;
const RECONNECT_MS = 2_000;
/** What nobody can use: JSON that breaks off. */
const BAD_PAYLOAD = '{"ts":1,"simulated":true,"metrics":{"load":';

/**
 * Machines that publish JSON on `plants/{enterprise}/{site}/{id}/telemetry` every interval, say in every message that
 * they are simulated, and have a status topic `…/status` that says `online` or, by the will, `offline`. Resolves when
 * all are connected; until the broker is there they go on trying.
 */
export async function startMqttFleet(options: MqttFleetOptions): Promise<Simulator> {
  const { devices, seed, sharedConnections } = options;
  const startedAtMs = performance.now();
  const shared = Array.from(
    { length: sharedConnections ?? 0 },
    (_, i) => new Line(options, { clientId: `simulated-gateway-${seed}-${i}` }),
  );
  const machines = devices.map((device, i) => {
    const line = shared.length === 0 ? ownLine(options, device) : shared[i % shared.length];
    if (line === undefined) throw new RangeError('a fleet needs at least one connection');
    return new Machine(device, line, seeded(seed * 10_007 + i), startedAtMs);
  });
  const lines = new Set(machines.map(({ line }) => line));
  await Promise.all([...lines].map((line) => line.connected()));
  for (const machine of machines) machine.start();
  return {
    endpoint: options.url,
    stop: async () => {
      for (const machine of machines) machine.stop();
      await Promise.all([...lines].map((line) => line.stop()));
    },
  };
}

function topicOf({ enterprise, site, id }: SimulatedDevice, leaf: 'telemetry' | 'status'): string {
  return `plants/${enterprise}/${site}/${id}/${leaf}`;
}

function ownLine(options: MqttFleetOptions, device: SimulatedDevice): Line {
  const will = { topic: topicOf(device, 'status'), payload: Buffer.from('offline'), qos: 0, retain: false } as const;
  return new Line(options, { clientId: `simulated-${device.id}`, will });
}

/** One connection to the broker, with a will when it belongs to one machine. Connects again by itself unless it is dead. */
class Line {
  readonly isOwn: boolean;
  readonly #url: string;
  readonly #options: IClientOptions;
  #client: MqttClient | undefined;

  constructor({ url, username, password, ca }: MqttFleetOptions, options: IClientOptions) {
    const given = Object.entries({ username, password, ca }).filter(([, value]) => value !== undefined);
    this.#url = url;
    this.#options = { reconnectPeriod: RECONNECT_MS, ...options, ...Object.fromEntries(given) };
    this.isOwn = options.will !== undefined;
    this.revive();
  }

  async connected(): Promise<void> {
    const client = this.#client;
    if (client?.connected === true) return;
    await new Promise<void>((resolve) => client?.once('connect', () => resolve()));
  }

  get isConnected(): boolean {
    return this.#client?.connected === true;
  }

  publish(topic: string, payload: string): void {
    this.#client?.publish(topic, payload, { qos: 0 });
  }

  /** Cuts the socket without a goodbye, so that the broker publishes the will. */
  die(): void {
    const client = this.#client;
    if (client === undefined) return;
    this.#client = undefined;
    client.stream.destroy();
    client.end(true);
  }

  /** Connects when it is not connected. */
  revive(): void {
    if (this.#client !== undefined) return;
    this.#client = mqtt.connect(this.#url, this.#options);
    // the client tries again by itself; what it says of a broker that is away is no news
    this.#client.on('error', () => {});
  }

  async stop(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.endAsync(true);
  }
}

class Machine {
  readonly line: Line;
  readonly #device: SimulatedDevice;
  readonly #random: () => number;
  readonly #startedAtMs: number;
  #timer: NodeJS.Timeout | undefined;
  #isDead = false;
  #messages = 0;
  #load = 50;
  #temperature = 40;

  constructor(device: SimulatedDevice, line: Line, random: () => number, startedAtMs: number) {
    this.#device = device;
    this.line = line;
    this.#random = random;
    this.#startedAtMs = startedAtMs;
  }

  /** The first message comes within one interval, so that a fleet does not speak in chorus. */
  start(): void {
    const { intervalMs } = this.#device;
    this.#timer = setTimeout(() => {
      this.#tick();
      this.#timer = setInterval(() => this.#tick(), intervalMs);
    }, this.#random() * intervalMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #tick(): void {
    const fault = faultAt(this.#device, (performance.now() - this.#startedAtMs) / 1_000);
    if (fault === 'dead') {
      this.#die();
      return;
    }
    this.line.revive();
    if (!this.line.isConnected || fault === 'silent') return;
    if (this.#isDead) this.#wake();
    this.line.publish(topicOf(this.#device, 'telemetry'), fault === 'bad-values' ? BAD_PAYLOAD : this.#telemetry());
  }

  #die(): void {
    if (this.#isDead) return;
    this.#isDead = true;
    if (this.line.isOwn) this.line.die();
    else this.line.publish(topicOf(this.#device, 'status'), 'offline');
  }

  /** Says who it is again, as after power on. */
  #wake(): void {
    this.#isDead = false;
    this.#messages = 0;
    this.line.publish(topicOf(this.#device, 'status'), 'online');
  }

  #telemetry(): string {
    const { manufacturer, model, serialNumber, type } = this.#device;
    this.#load = Math.min(100, Math.max(0, this.#load + (this.#random() - 0.5) * 8));
    this.#temperature += (this.#random() - 0.5) * 0.6;
    const identity = this.#messages % IDENTITY_EVERY === 0 ? { manufacturer, model, serialNumber, type } : {};
    this.#messages += 1;
    return JSON.stringify({
      ts: Date.now(),
      simulated: true,
      ...identity,
      metrics: {
        load: Math.round(this.#load * 10) / 10,
        temperature: Math.round(this.#temperature * 10) / 10,
        cycles: this.#messages,
        running: this.#load > 1,
      },
    });
  }
}
