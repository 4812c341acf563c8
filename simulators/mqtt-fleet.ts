import mqtt, { type MqttClient } from 'mqtt';
import { faultAt, type SimulatedDevice, type Simulator, seeded } from './plan.ts';

export interface MqttFleetOptions {
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  readonly devices: readonly SimulatedDevice[];
  readonly seed: number;
}

/** Who a device is goes into every n-th message, as real devices do to save bytes. */
const IDENTITY_EVERY = 30;

/**
 * One MQTT client a device. Each publishes JSON on `plants/{enterprise}/{site}/{id}/telemetry` every interval, says in
 * every message that it is simulated, and leaves a will on `…/status`.
 */
export async function startMqttFleet(options: MqttFleetOptions): Promise<Simulator> {
  const startedAtMs = performance.now();
  const machines = options.devices.map(
    (device, i) => new Machine(device, options, seeded(options.seed * 10_007 + i), startedAtMs),
  );
  await Promise.all(machines.map((machine) => machine.start()));
  return {
    endpoint: options.url,
    stop: async () => {
      await Promise.all(machines.map((machine) => machine.stop()));
    },
  };
}

class Machine {
  readonly #device: SimulatedDevice;
  readonly #options: MqttFleetOptions;
  readonly #random: () => number;
  readonly #startedAtMs: number;
  #client: MqttClient | undefined;
  #timer: NodeJS.Timeout | undefined;
  #messages = 0;
  #load = 50;
  #temperature = 40;

  constructor(device: SimulatedDevice, options: MqttFleetOptions, random: () => number, startedAtMs: number) {
    this.#device = device;
    this.#options = options;
    this.#random = random;
    this.#startedAtMs = startedAtMs;
  }

  async start(): Promise<void> {
    await this.#connect();
    const { intervalMs } = this.#device;
    this.#timer = setTimeout(() => {
      this.#tick();
      this.#timer = setInterval(() => this.#tick(), intervalMs);
    }, this.#random() * intervalMs);
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#client?.endAsync(true);
  }

  get #base(): string {
    const { enterprise, site, id } = this.#device;
    return `plants/${enterprise}/${site}/${id}`;
  }

  async #connect(): Promise<void> {
    const { url, username, password } = this.#options;
    const client = mqtt.connect(url, {
      clientId: `simulated-${this.#device.id}`,
      reconnectPeriod: 2_000,
      will: { topic: `${this.#base}/status`, payload: Buffer.from('offline'), qos: 0, retain: false },
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
    });
    client.on('error', () => {});
    this.#client = client;
    await new Promise<void>((resolve) => client.once('connect', () => resolve()));
  }

  #tick(): void {
    const fault = faultAt(this.#device, (performance.now() - this.#startedAtMs) / 1000);
    if (fault === 'dead') {
      this.#die();
      return;
    }
    if (this.#client === undefined) void this.#connect();
    if (fault === 'silent' || this.#client?.connected !== true) return;
    const payload = fault === 'bad-values' ? '{"metrics":{"load":' : this.#telemetry();
    this.#client.publish(`${this.#base}/telemetry`, payload, { qos: 0 });
  }

  /** Cuts the socket without a goodbye, so that the broker publishes the will. */
  #die(): void {
    const client = this.#client;
    if (client === undefined) return;
    this.#client = undefined;
    client.stream.destroy();
    client.end(true);
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
