import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { abortedError } from '../bounded-queue.ts';
import type { AdapterContext } from '../contract.ts';
import { ProtocolError, type ProtocolErrorCode } from '../errors.ts';
import type { MqttConfig } from './config.ts';

/** CONNACK codes by which the broker says no: MQTT 3.1.1, 3.2.2.3, and MQTT 5.0, 3.2.2.2. */
const REFUSALS = new Set([
  1, 2, 4, 5, 128, 129, 130, 131, 132, 133, 134, 135, 138, 140, 144, 149, 151, 153, 154, 155, 157, 159,
]);

/** Certificate failures of OpenSSL and of Node's own check of the host name. */
const CERTIFICATE_FAILURE = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ERR_TLS/;

/**
 * Connects once. MQTT.js neither reconnects nor resubscribes: the supervisor opens a new connection, and what is
 * subscribed does not depend on what the library remembers. Rejects with `ProtocolError`.
 */
export async function connectOnce(
  config: MqttConfig,
  context: AdapterContext,
  signal: AbortSignal,
): Promise<MqttClient> {
  const options = await clientOptions(config, context);
  if (signal.aborted) throw abortedError(`connecting to ${config.url}`);
  const client = mqtt.connect(config.url, options);
  return new Promise((resolve, reject) => {
    let failure: unknown;
    const settle = (outcome: () => void): void => {
      signal.removeEventListener('abort', onAbort);
      client.off('close', onClose);
      outcome();
    };
    const fail = (error: ProtocolError): void =>
      settle(() => {
        // The library may still report on the socket it is closing; nobody is left to hear it.
        client.on('error', () => {});
        client.end(true);
        reject(error);
      });
    const onAbort = (): void => fail(abortedError(`connecting to ${config.url}`));
    const onClose = (): void => fail(connectFailure(config, failure));
    client.on('error', (error) => {
      failure = error;
    });
    client.once('close', onClose);
    client.once('connect', () => settle(() => resolve(client)));
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

async function clientOptions(config: MqttConfig, context: AdapterContext): Promise<IClientOptions> {
  const { tls } = config;
  const file = async (path: string | undefined): Promise<Buffer | undefined> =>
    path === undefined ? undefined : Buffer.from(await context.readFile(path));
  const [password, ca, cert, key] = await Promise.all([
    config.password === undefined ? undefined : context.readSecret(config.password),
    file(tls.ca),
    file(tls.certificate),
    file(tls.key),
  ]);
  const options: IClientOptions = {
    protocolVersion: config.version === '5.0' ? 5 : 4,
    clientId: config.clientId ?? `rollcall-${context.sourceId}`,
    clean: true,
    reconnectPeriod: 0,
    resubscribe: false,
    keepalive: Math.round(config.keepAlive / 1000),
    connectTimeout: config.connectTimeout,
  };
  if (config.username !== undefined) options.username = config.username;
  if (password !== undefined) options.password = password;
  if (config.url.startsWith('mqtts:')) {
    Object.assign(options, { minVersion: 'TLSv1.2', rejectUnauthorized: true });
    if (ca !== undefined) options.ca = ca;
    if (cert !== undefined) options.cert = cert;
    if (key !== undefined) options.key = key;
    if (tls.servername !== undefined) options.servername = tls.servername;
  }
  return options;
}

function connectFailure(config: MqttConfig, failure: unknown): ProtocolError {
  const doing = `connecting to ${config.url}`;
  if (!(failure instanceof Error)) {
    return new ProtocolError('unreachable', `${doing}: no answer from a broker`, {
      hint: 'check host and port, and that nothing else than an MQTT broker listens there',
    });
  }
  const code = 'code' in failure ? failure.code : undefined;
  if (typeof code === 'number' && REFUSALS.has(code)) {
    return new ProtocolError('refused', `${doing}: the broker refused: ${failure.message.toLowerCase()}`, {
      cause: failure,
      hint: 'check username, password and client id, and what the broker allows them',
    });
  }
  if (typeof code === 'string' && CERTIFICATE_FAILURE.test(code)) {
    return new ProtocolError('untrusted', `${doing}: the broker's certificate is not trusted: ${failure.message}`, {
      cause: failure,
      hint: 'set tls.ca to the authority that signed it, and tls.servername when the certificate names another host',
    });
  }
  const reached: ProtocolErrorCode = 'unreachable';
  return new ProtocolError(reached, `${doing}: ${failure.message}`, {
    cause: failure,
    hint: 'check that the broker runs and that host, port and mqtt:// or mqtts:// are right',
  });
}

/** Ends a client at once; resolves when its socket is gone. */
export function disconnect(client: MqttClient, manner: 'goodbye' | 'abrupt'): Promise<void> {
  return new Promise((resolve) => client.end(manner === 'abrupt', {}, () => resolve()));
}
