import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { Aedes } from 'aedes';
import type { SecretReference } from '../contract.ts';
import { ProtocolError } from '../errors.ts';
import type { BrokerConfig } from './broker-config.ts';

/** A client that has not said CONNECT by then is cut. */
const CONNECT_TIMEOUT_MS = 10_000;
/** MQTT 3.1.1, 3.2.2.3: bad user name or password. */
const BAD_CREDENTIALS = 4;

/** A running embedded broker. */
export interface EmbeddedBroker {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Starts Aedes on a TCP port. Rejects with `ProtocolError`: `unreachable` when the port cannot be had, `refused` when a
 * password cannot be read. What the broker counts of its clients is never evidence: equipment is counted by what it says.
 */
export async function startBroker(
  config: BrokerConfig,
  readSecret: (reference: SecretReference) => Promise<string>,
): Promise<EmbeddedBroker> {
  const passwords = new Map<string, Buffer>();
  for (const { name, password } of config.users) passwords.set(name, digest(await readSecret(password)));
  const aedes = await Aedes.createBroker({ connectTimeout: CONNECT_TIMEOUT_MS });
  aedes.authenticate = (_client, username, password, done) => {
    if (config.access === 'anonymous' || isRight(passwords, username, password)) done(null, true);
    else done(Object.assign(new Error('bad user name or password'), { returnCode: BAD_CREDENTIALS }), false);
  };
  aedes.authorizePublish = (_client, packet, done) => {
    if (packet.topic.startsWith('$')) done(new Error('topics that begin with $ belong to the broker'));
    else if (packet.payload.length > config.maxPayloadBytes) done(new Error('the payload is too large'));
    else done(null);
  };
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    aedes.handle(socket);
  });
  server.maxConnections = config.maxConnections;
  try {
    await listen(server, config);
  } catch (error) {
    await closed((done) => aedes.close(done));
    throw new ProtocolError(
      'unreachable',
      `listening as a broker on ${config.host}:${config.port}: ${messageOf(error)}`,
      {
        cause: error,
        hint: 'choose another broker.port, or end the program that has it',
      },
    );
  }
  return {
    url: `mqtt://${config.host}:${config.port}`,
    async close(): Promise<void> {
      await closed((done) => aedes.close(done));
      for (const socket of sockets) socket.destroy();
      await closed((done) => server.close(() => done()));
    },
  };
}

function listen(server: Server, { host, port }: BrokerConfig): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, resolve);
  });
}

function closed(close: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => close(resolve));
}

/** Equal lengths, so that comparing takes the same time for every guess. */
function digest(password: string | Buffer): Buffer {
  return createHash('sha256').update(password).digest();
}

function isRight(
  passwords: ReadonlyMap<string, Buffer>,
  username: string | undefined,
  password: Buffer | undefined,
): boolean {
  const kept = passwords.get(username ?? '');
  const shown = digest(password ?? '');
  return timingSafeEqual(kept ?? digest('nobody has this'), shown) && kept !== undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
