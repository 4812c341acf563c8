import mqtt, { type IClientOptions, type IConnackPacket, type MqttClient, type OnMessageCallback } from 'mqtt';
import { abortedError } from '../bounded-queue.ts';
import type { AdapterContext } from '../contract.ts';
import { ProtocolError } from '../errors.ts';
import { clientIdOf } from './client-id.ts';
import type { MqttConfig } from './config.ts';
import { FrameLimit } from './frame-limit.ts';
import type { OwnStatus } from './own-status.ts';
import { refusal } from './reason-codes.ts';

/** A goodbye may take this long; then the socket is cut. */
const GOODBYE_MS = 500;
/** Timers fire a little early by another clock. */
const TIMER_SLACK = 0.95;
/** Certificate failures of OpenSSL and of Node's own check of the host name. */
const CERTIFICATE_FAILURE = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ERR_TLS|ALTNAME/;

/** What is called while a connection lasts; set before the first byte is sent, so that nothing is missed. */
export interface ConnectionHandlers {
  readonly onMessage: OnMessageCallback;
  /** Once, when an established connection has ended by itself. */
  readonly onLost: (error: ProtocolError) => void;
}

/** An established connection. */
export interface Connection {
  readonly client: MqttClient;
  readonly clientId: string;
  /** The broker goes on with a session it kept (MQTT 5.0, 3.2.2.1.1). */
  readonly sessionPresent: boolean;
}

/**
 * Connects once. MQTT.js neither reconnects nor resubscribes: the supervisor opens a new connection, and what is
 * subscribed does not depend on what the library remembers. Rejects with `ProtocolError`: `unreachable`, `refused`,
 * `untrusted`, `timeout`, `aborted`.
 */
export async function connect(
  config: MqttConfig,
  context: AdapterContext,
  handlers: ConnectionHandlers,
  status: OwnStatus | undefined,
  signal: AbortSignal,
): Promise<Connection> {
  const doing = `connecting to ${config.url}`;
  const options = await clientOptions(config, context, status);
  if (signal.aborted) throw abortedError(doing);
  const startedAtMs = context.clock.monotonicMs();
  const client = mqtt.connect(config.url, options);
  limitPackets(client, config.limits.packetBytes);
  return new Promise((resolve, reject) => {
    let failure: unknown;
    let state: 'connecting' | 'connected' | 'over' = 'connecting';
    const fail = (error: ProtocolError): void => {
      signal.removeEventListener('abort', onAbort);
      const was = state;
      state = 'over';
      if (was === 'connected') handlers.onLost(error);
      if (was !== 'connecting') return;
      client.end(true);
      reject(error);
    };
    const onAbort = (): void => fail(abortedError(doing));
    client.on('message', handlers.onMessage);
    client.on('error', (error) => {
      failure = error;
    });
    client.on('disconnect', ({ reasonCode }) => {
      if (reasonCode !== undefined && reasonCode >= 128) failure = Object.assign(new Error(), { code: reasonCode });
    });
    client.on('close', () => {
      const lastedMs = context.clock.monotonicMs() - startedAtMs;
      if (state !== 'connecting') fail(lossOf(config.url, failure));
      else fail(connectFailure(doing, failure, lastedMs >= config.connectTimeout * TIMER_SLACK));
    });
    client.once('connect', ({ sessionPresent }: IConnackPacket) => {
      signal.removeEventListener('abort', onAbort);
      state = 'connected';
      failure = undefined;
      resolve({ client, clientId: options.clientId, sessionPresent });
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** Ends a connection and resolves when its socket is gone: with a goodbye where the broker takes it, without after a moment. */
export async function disconnect({ client }: Connection): Promise<void> {
  client.removeAllListeners('message');
  await new Promise<void>((resolve) => {
    // The library would wait for the answer to whatever is still in flight.
    const cut = setTimeout(() => {
      client.stream.destroy();
      resolve();
    }, GOODBYE_MS);
    client.end(!client.connected, {}, () => {
      clearTimeout(cut);
      resolve();
    });
  });
}

async function clientOptions(
  config: MqttConfig,
  context: AdapterContext,
  status: OwnStatus | undefined,
): Promise<IClientOptions & { readonly clientId: string }> {
  const { version, session } = config;
  const options: IClientOptions & { clientId: string } = {
    protocolVersion: version === '5.0' ? 5 : 4,
    clientId: config.clientId ?? clientIdOf(context),
    clean: session === 'clean',
    reconnectPeriod: 0,
    resubscribe: false,
    keepalive: Math.round(config.keepAlive / 1_000),
    connectTimeout: config.connectTimeout,
    // The library formats a line for its debug log for every packet, also when nobody reads it.
    log: () => {},
  };
  if (version === '5.0') options.properties = connectProperties(config);
  if (config.username !== undefined) options.username = config.username;
  if (config.password !== undefined) options.password = await context.readSecret(config.password);
  if (status !== undefined) {
    options.will = { topic: status.topic, payload: Buffer.from(status.will), qos: status.qos, retain: true };
  }
  if (/^(mqtts|wss):/.test(config.url)) {
    const security = await tlsOptions(config.tls, context);
    Object.assign(options, security, { wsOptions: security });
  }
  return options;
}

function connectProperties(config: MqttConfig): NonNullable<IClientOptions['properties']> {
  const { sessionExpiry, receiveMaximum, userProperties, limits } = config;
  return {
    maximumPacketSize: limits.packetBytes,
    ...(sessionExpiry === undefined ? {} : { sessionExpiryInterval: Math.round(sessionExpiry / 1_000) }),
    ...(receiveMaximum === undefined ? {} : { receiveMaximum }),
    ...(userProperties === undefined ? {} : { userProperties }),
  };
}

async function tlsOptions(tls: MqttConfig['tls'], { readFile, readSecret }: AdapterContext): Promise<object> {
  const file = async (path: string | undefined): Promise<Buffer | undefined> =>
    path === undefined ? undefined : Buffer.from(await readFile(path));
  const [ca, cert, key, passphrase] = await Promise.all([
    file(tls?.ca),
    file(tls?.certificate),
    file(tls?.key),
    tls?.passphrase === undefined ? undefined : readSecret(tls.passphrase),
  ]);
  const { servername, minVersion = '1.2' } = tls ?? {};
  const given = Object.entries({ ca, cert, key, passphrase, servername }).filter(([, value]) => value !== undefined);
  return { rejectUnauthorized: true, minVersion: `TLSv${minVersion}`, ...Object.fromEntries(given) };
}

/** A broker that announces a packet beyond the limit is cut off before the library gathers it. */
function limitPackets(client: MqttClient, maxBytes: number): void {
  const limit = new FrameLimit(maxBytes);
  client.stream.on('data', (chunk: Buffer) => {
    if (limit.accepts(chunk)) return;
    const error = new ProtocolError('violation', `receiving a packet of more than ${maxBytes} bytes`, {
      hint: 'find who publishes it; raise limits.packetBytes only when it is meant',
    });
    client.stream.destroy(error);
  });
}

function lossOf(url: string, failure: unknown): ProtocolError {
  const doing = `receiving from ${url}`;
  if (failure instanceof ProtocolError) return failure;
  const reason = (failure as { code?: unknown } | undefined)?.code;
  if (typeof reason === 'number') return refusal(reason, doing, failure);
  const why = failure instanceof Error ? failure.message.toLowerCase() : 'the broker closed the connection';
  return new ProtocolError('connection-lost', `${doing}: ${why}`, {
    cause: failure,
    hint: 'if it happens again and again, look for a second client with the same client id',
  });
}

function connectFailure(doing: string, failure: unknown, isLate: boolean): ProtocolError {
  const code = (failure as { code?: unknown } | undefined)?.code;
  if (isLate && code === undefined) {
    return new ProtocolError('timeout', `${doing}: no answer`, {
      hint: 'check host and port, the firewalls on the way, and that an MQTT broker listens there',
    });
  }
  if (typeof code === 'number') return refusal(code, doing, failure);
  if (!(failure instanceof Error)) {
    return new ProtocolError('unreachable', `${doing}: the connection ended without an answer`, {
      hint: 'check that an MQTT broker listens there, and with TLS only where the URL says mqtts:// or wss://',
    });
  }
  if (typeof code === 'string' && CERTIFICATE_FAILURE.test(code)) {
    return new ProtocolError('untrusted', `${doing}: the certificate is not trusted: ${failure.message}`, {
      cause: failure,
      hint: 'set tls.ca to the authority that signed it, and tls.servername when it names another host',
    });
  }
  return new ProtocolError('unreachable', `${doing}: ${failure.message}`, {
    cause: failure,
    hint: 'check that the broker runs and that host, port and scheme of the URL are right',
  });
}
