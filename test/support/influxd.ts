import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './port.ts';
import { Program } from './program.ts';
import { until } from './wait.ts';

interface QueryAnswer {
  readonly results: readonly {
    readonly error?: string;
    readonly series?: readonly {
      readonly name: string;
      readonly columns: readonly string[];
      readonly values: readonly (readonly unknown[])[];
    }[];
  }[];
}

export interface InfluxdOptions {
  readonly auth?: { readonly user: string; readonly password: string };
}

/** InfluxDB 1.x with a configuration and a folder of its own; it can be killed and started again on the same data. */
export class Influxd {
  readonly url: string;
  readonly #configFile: string;
  readonly #auth: InfluxdOptions['auth'];
  #program: Program | undefined;

  private constructor(configFile: string, port: number, auth: InfluxdOptions['auth']) {
    this.#configFile = configFile;
    this.#auth = auth;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** The configuration in `folder`, not yet started. */
  static async prepare(folder: string, options: InfluxdOptions = {}): Promise<Influxd> {
    const [port, rpcPort] = [await freePort(), await freePort()];
    const configFile = join(folder, 'influxdb.conf');
    writeFileSync(
      configFile,
      `reporting-disabled = true
bind-address = "127.0.0.1:${rpcPort}"
[meta]
  dir = "${folder}/meta"
[data]
  dir = "${folder}/data"
  wal-dir = "${folder}/wal"
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:${port}"
  auth-enabled = ${options.auth !== undefined}
  log-enabled = false
`,
    );
    return new Influxd(configFile, port, options.auth);
  }

  async start(): Promise<void> {
    this.#program = new Program('influxd', ['run', '-config', this.#configFile]);
    await until(
      'influxd to answer',
      async () => (await fetch(`${this.url}/ping`).catch(() => undefined))?.status === 204,
      30_000,
    );
  }

  /** Ends it at once, as a loss of power would. */
  async kill(): Promise<void> {
    this.#program?.kill('SIGKILL');
    await this.#program?.exited();
    this.#program = undefined;
  }

  /** Rows of the first series of an InfluxQL query. */
  async query(text: string, database = ''): Promise<readonly (readonly unknown[])[]> {
    const headers: Record<string, string> = { 'content-type': 'application/x-www-form-urlencoded' };
    if (this.#auth !== undefined) {
      headers['authorization'] = `Basic ${Buffer.from(`${this.#auth.user}:${this.#auth.password}`).toString('base64')}`;
    }
    const body = new URLSearchParams({ q: text, db: database, epoch: 'ms' });
    const response = await fetch(`${this.url}/query`, { method: 'POST', headers, body });
    const { results } = (await response.json()) as QueryAnswer;
    const [first] = results;
    if (first?.error !== undefined) throw new Error(first.error);
    return first?.series?.[0]?.values ?? [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program?.[Symbol.asyncDispose]();
  }
}
