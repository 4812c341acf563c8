import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createSecureServer } from 'node:tls';
import type { Aedes, Client, ConnectPacket, PublishPacket, Subscription } from 'aedes';
import type { AdapterContext } from '../contract.ts';
import { ProtocolError } from '../errors.ts';
import type { BrokerConfig } from './broker-config.ts';
import { FrameLimit } from './frame-limit.ts';
import { Passwords } from './passwords.ts';
import { type Asker, mayPublish, maySubscribe } from './permissions.ts';

/** A client that has not said CONNECT by then is cut. */
const CONNECT_TIMEOUT_MS = 10_000;
/** A client that does not read for so long is cut, so that it cannot hold up the others. */
const DRAIN_TIMEOUT_MS = 10_000;
/** What the broker needs of its host. */
export type BrokerContext = Pick<AdapterContext, 'readFile' | 'log'>;

/** A running embedded broker. */
export interface EmbeddedBroker {
  readonly url: string;
  /** Ends all connections and resolves when the port is free again. */
  close(): Promise<void>;
}

/**
 * Starts Aedes on a TCP or TLS port. Rejects with `ProtocolError`: `unreachable` when the port cannot be had, `refused`
 * when a file cannot be read, `configuration` when one is not what it should be. What the broker counts of its clients
 * is never evidence: equipment is counted by what it says.
 */
export async function startEmbeddedBroker(config: BrokerConfig, context: BrokerContext): Promise<EmbeddedBroker> {
  const passwords = await passwordsOf(config, context);
  const { Aedes } = await import('aedes');
  const aedes = await Aedes.createBroker({ connectTimeout: CONNECT_TIMEOUT_MS, drainTimeout: DRAIN_TIMEOUT_MS });
  guard(aedes, config, passwords);
  aedes.on('clientError', (client, error) => context.log.debug({ client: client.id, err: error }, 'a client failed'));
  aedes.on('connectionError', (_client, error) => context.log.debug({ err: error }, 'a connection failed'));
  const sockets = new Set<Socket>();
  const accept = (socket: Socket): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    aedes.handle(socket);
    const limit = new FrameLimit(config.maxPacketBytes);
    // Aedes reads the socket itself; what it has read passes by here.
    socket.on('data', (chunk: Buffer) => {
      if (!limit.accepts(chunk)) socket.destroy();
    });
  };
  const server = await serverOf(config, context, accept);
  server.maxConnections = config.maxConnections;
  const port = config.port ?? (config.tls === undefined ? 1883 : 8883);
  try {
    await listen(server, config.host, port);
  } catch (error) {
    await closed((done) => aedes.close(done));
    throw new ProtocolError('unreachable', `listening as a broker on ${config.host}:${port}: ${messageOf(error)}`, {
      cause: error,
      hint: 'choose another broker.port, or end the program that has it',
    });
  }
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  return {
    url: `${config.tls === undefined ? 'mqtt' : 'mqtts'}://${host}:${port}`,
    async close(): Promise<void> {
      const freed = closed((done) => server.close(() => done()));
      await closed((done) => aedes.close(done));
      for (const socket of sockets) socket.destroy();
      await freed;
    },
  };
}

type Answer = (error: null, accepted: boolean) => void;

/** Sets who may come in, publish and read. */
function guard(aedes: Aedes, config: BrokerConfig, passwords: Passwords | undefined): void {
  const users = new WeakMap<Client, string>();
  const askerOf = (client: Client): Asker => ({ user: users.get(client) ?? '', clientId: client.id });
  aedes.preConnect = (_client, packet: ConnectPacket, done) => {
    // Messages kept for clients that are away would grow without bound.
    packet.clean = true;
    done(null, true);
  };
  const admit = async (client: Client, username: string, password: Buffer, done: Answer): Promise<void> => {
    const accepted = passwords === undefined || (await passwords.accepts(username, password).catch(() => false));
    if (accepted) users.set(client, username);
    done(null, accepted);
  };
  aedes.authenticate = (client, username = '', password = Buffer.alloc(0), done) => {
    void admit(client, username, password, done);
  };
  const retained = new Set<string>();
  aedes.authorizePublish = (client, packet, done) => {
    const { topic } = packet;
    if (topic.startsWith('$')) done(new Error('topics that begin with $ belong to the broker'));
    else if (client !== null && config.permissions && !mayPublish(config.permissions, askerOf(client), topic)) {
      done(new Error(`${client.id} may not publish to ${topic}`));
    } else {
      if (packet.retain) limitRetained(retained, packet, config.maxRetained);
      done(null);
    }
  };
  aedes.authorizeSubscribe = (client, subscription: Subscription, done) => {
    const { permissions } = config;
    const allowed = permissions === undefined || maySubscribe(permissions, askerOf(client), subscription.topic);
    done(null, allowed ? subscription : null);
  };
}

/** Beyond the limit a message is passed on but not kept. */
function limitRetained(retained: Set<string>, packet: PublishPacket, max: number): void {
  if (packet.payload.length === 0) retained.delete(packet.topic);
  else if (retained.has(packet.topic)) return;
  else if (retained.size < max) retained.add(packet.topic);
  else packet.retain = false;
}

async function passwordsOf(
  { passwordFile }: BrokerConfig,
  { readFile }: BrokerContext,
): Promise<Passwords | undefined> {
  if (passwordFile === undefined) return undefined;
  return new Passwords(Buffer.from(await readFile(passwordFile)).toString('utf8'));
}

async function serverOf(
  { tls }: BrokerConfig,
  { readFile }: BrokerContext,
  accept: (socket: Socket) => void,
): Promise<Server> {
  if (tls === undefined) return createServer({ noDelay: true }, accept);
  const file = async (path: string): Promise<Buffer> => Buffer.from(await readFile(path));
  const [cert, key] = await Promise.all([file(tls.certificate), file(tls.key)]);
  const authority =
    tls.clientAuthority === undefined
      ? {}
      : { ca: await file(tls.clientAuthority), requestCert: true, rejectUnauthorized: true };
  try {
    return createSecureServer({ cert, key, minVersion: 'TLSv1.2', noDelay: true, ...authority }, accept);
  } catch (error) {
    throw new ProtocolError('configuration', `reading the broker's certificate and key: ${messageOf(error)}`, {
      cause: error,
      hint: 'broker.tls.certificate and broker.tls.key must be PEM files that belong together',
    });
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function closed(close: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => close(resolve));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
