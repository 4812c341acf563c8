import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../support/port.ts';
import { Program } from '../support/program.ts';
import { requirePeer } from './peers.ts';

/** A Mosquitto with one listener, in a folder of its own. */
export class Mosquitto {
  readonly port: number;
  readonly #configFile: string;
  #program: Program;

  private constructor(port: number, configFile: string) {
    this.port = port;
    this.#configFile = configFile;
    this.#program = this.#run();
  }

  /** `settings` are lines of mosquitto.conf after the listener's; `files` are written beside it first. */
  static async start(
    folder: string,
    settings: readonly string[] = ['allow_anonymous true'],
    files: Readonly<Record<string, string>> = {},
  ): Promise<Mosquitto> {
    requirePeer('mosquitto');
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 });
    const port = await freePort();
    const configFile = join(folder, 'mosquitto.conf');
    const lines = [`listener ${port} 127.0.0.1`, ...settings, 'log_dest stderr', 'log_type all', 'user root'];
    writeFileSync(configFile, `${lines.join('\n')}\n`);
    const mosquitto = new Mosquitto(port, configFile);
    try {
      await mosquitto.#program.says(/running/);
    } catch (error) {
      await mosquitto[Symbol.asyncDispose]();
      throw error;
    }
    return mosquitto;
  }

  /** Ends it as a power cut would, and starts it again; `between` runs while it is away. */
  async restart(how: 'SIGKILL' | 'SIGTERM', between: () => void | Promise<void> = () => {}): Promise<void> {
    this.#program.kill(how);
    await this.#program.exited();
    await between();
    this.#program = this.#run();
    await this.#program.says(/running/);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
  }

  #run(): Program {
    return new Program('mosquitto', ['-c', this.#configFile], { name: 'mosquitto' });
  }
}

/** A password file of Mosquitto's own making, for the users `collector` and `device`, each with its name as password. */
export function passwordFile(folder: string): string {
  const file = join(folder, 'users');
  writeFileSync(file, 'collector:collector\ndevice:device\n', { mode: 0o600 });
  run('mosquitto_passwd', ['-U', file]);
  return file;
}

const PLUGIN = '/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so';

/** Settings of a Mosquitto whose permissions are kept by its own plugin, which refuses subscriptions in so many words. */
export function withRoles(folder: string): string[] {
  const file = join(folder, 'roles.json');
  run('mosquitto_ctrl', ['dynsec', 'init', file, 'admin', 'admin']);
  return ['allow_anonymous false', `plugin ${PLUGIN}`, `plugin_opt_config_file ${file}`];
}

/** One command of the plugin of `withRoles`. */
export function control(port: number, ...command: string[]): void {
  run('mosquitto_ctrl', ['-h', '127.0.0.1', '-p', String(port), '-u', 'admin', '-P', 'admin', 'dynsec', ...command]);
}

function run(program: string, args: readonly string[]): void {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (error !== undefined) throw new Error(`${program} is not installed: apt-get install mosquitto openssl`);
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stdout}${stderr}`);
}

/** Publishes with mosquitto_pub; fails with what it printed. */
export function publish(port: number, topic: string, payload: string, ...options: string[]): void {
  const given = ['-h', 'localhost', '-p', String(port), '-t', topic, '-m', payload, ...options];
  run('mosquitto_pub', given);
}

/** An authority and what it signed, made by OpenSSL; paths of PEM files. */
export interface Certificates {
  readonly ca: string;
  readonly serverCertificate: string;
  readonly serverKey: string;
  readonly clientCertificate: string;
  readonly clientKey: string;
  /** Signed by itself; nobody trusts it. */
  readonly strangerCertificate: string;
  readonly strangerKey: string;
}

export function makeCertificates(folder: string): Certificates {
  const at = (name: string): string => join(folder, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(at('server.ext'), 'subjectAltName=DNS:broker.plant.example,IP:127.0.0.1\n');
  writeFileSync(at('client.ext'), 'extendedKeyUsage=clientAuth\n');
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const own = ['req', '-x509', ...curve, '-days', '30'];
  openssl([...own, '-subj', '/CN=plant authority', '-keyout', at('ca.key'), '-out', at('ca.pem')]);
  openssl([...own, '-subj', '/CN=stranger', '-keyout', at('stranger.key'), '-out', at('stranger.pem')]);
  for (const name of ['server', 'client']) {
    openssl(['req', ...curve, '-subj', `/CN=${name}`, '-keyout', at(`${name}.key`), '-out', at(`${name}.csr`)]);
    const by = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '30'];
    openssl([
      'x509',
      '-req',
      '-in',
      at(`${name}.csr`),
      ...by,
      '-extfile',
      at(`${name}.ext`),
      '-out',
      at(`${name}.pem`),
    ]);
  }
  return {
    ca: at('ca.pem'),
    serverCertificate: at('server.pem'),
    serverKey: at('server.key'),
    clientCertificate: at('client.pem'),
    clientKey: at('client.key'),
    strangerCertificate: at('stranger.pem'),
    strangerKey: at('stranger.key'),
  };
}

function openssl(args: readonly string[]): void {
  run('openssl', args);
}
