import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { OPCUACertificateManager } from 'node-opcua-certificate-manager';
import {
  type ClientSession,
  type EndpointDescription,
  MessageSecurityMode,
  OPCUAClient,
  SecurityPolicy,
  setErrorLogger,
  setWarningLogger,
  type UserIdentityInfo,
  UserTokenType,
} from 'node-opcua-client';
import { abortedError } from '../bounded-queue.ts';
import type { AdapterContext } from '../contract.ts';
import { ProtocolError } from '../errors.ts';
import type { OpcuaConfig } from './config.ts';
import { fingerprintOf, TrustList } from './trust.ts';

/** A session that we close ourselves may take this long; then the socket is cut. */
const CLOSE_MS = 700;
const SESSION_TIMEOUT_MS = 60_000;

/** One client with one session. `close` ends both, whatever state they are in. */
export interface OpcuaSession {
  readonly client: OPCUAClient;
  readonly session: ClientSession;
  close(): Promise<void>;
}

/** Opens a session as configured. Rejects with `ProtocolError`: `unreachable`, `timeout`, `untrusted`, `refused`, `aborted`. */
export async function openSession(
  config: OpcuaConfig,
  context: AdapterContext,
  signal: AbortSignal,
): Promise<OpcuaSession> {
  quietLibrary(context);
  const doing = `connecting to ${config.url}`;
  const pki = join(context.stateFolder, 'pki');
  await mkdir(pki, { recursive: true, mode: 0o700 });
  const certificates = new OPCUACertificateManager({
    rootFolder: pki,
    automaticallyAcceptUnknownCertificate: false,
    disableFileWatchers: true,
  });
  await certificates.initialize();
  try {
    const endpoint =
      config.security === 'none' ? undefined : await trustedEndpoint(config, context, certificates, signal);
    const client = newClient(config, certificates, endpoint);
    const close = async (): Promise<void> => {
      await Promise.race([client.disconnect().catch(() => {}), delay(CLOSE_MS)]);
      await certificates.dispose();
    };
    try {
      await within(client.connect(config.url), config.connectTimeout, signal, doing);
      const session = await within(
        client.createSession(await identity(config, context)),
        config.connectTimeout,
        signal,
        `opening a session at ${config.url}`,
      );
      return { client, session, close };
    } catch (error) {
      await close();
      throw explained(error, doing);
    }
  } catch (error) {
    await certificates.dispose();
    throw explained(error, doing);
  }
}

/** The library writes to the console by itself; what it has to say goes to our log, at the level of detail it is. */
function quietLibrary({ log }: AdapterContext): void {
  const say = (_context: unknown, ...said: unknown[]): void =>
    log.debug({ library: 'node-opcua' }, said.map(String).join(' '));
  setWarningLogger(say);
  setErrorLogger(say);
}

/** The library never retries: the supervisor does. */
function newClient(
  config: OpcuaConfig,
  certificates: OPCUACertificateManager,
  endpoint: EndpointDescription | undefined,
): OPCUAClient {
  return OPCUAClient.create({
    applicationName: 'Rollcall',
    clientName: `rollcall-${config.id}`,
    clientCertificateManager: certificates,
    connectionStrategy: { maxRetry: 0, initialDelay: 500, maxDelay: 500 },
    keepSessionAlive: true,
    keepPendingSessionsOnDisconnect: false,
    endpointMustExist: false,
    requestedSessionTimeout: SESSION_TIMEOUT_MS,
    transportTimeout: config.connectTimeout,
    defaultTransactionTimeout: config.connectTimeout,
    ...(endpoint === undefined
      ? {}
      : {
          securityMode: MessageSecurityMode.SignAndEncrypt,
          securityPolicy: SecurityPolicy.Basic256Sha256,
          serverCertificate: endpoint.serverCertificate,
        }),
  });
}

/** The endpoint with the configured security, if the operator has approved its certificate. */
async function trustedEndpoint(
  config: OpcuaConfig,
  context: AdapterContext,
  certificates: OPCUACertificateManager,
  signal: AbortSignal,
): Promise<EndpointDescription> {
  const client = newClient(config, certificates, undefined);
  const doing = `asking ${config.url} for its endpoints`;
  let endpoints: EndpointDescription[];
  try {
    await within(client.connect(config.url), config.connectTimeout, signal, doing);
    endpoints = await within(client.getEndpoints(), config.connectTimeout, signal, doing);
  } finally {
    await Promise.race([client.disconnect().catch(() => {}), delay(CLOSE_MS)]);
  }
  const endpoint = endpoints.find(
    ({ securityMode, securityPolicyUri }) =>
      securityMode === MessageSecurityMode.SignAndEncrypt && securityPolicyUri === SecurityPolicy.Basic256Sha256,
  );
  if (endpoint === undefined) {
    throw new ProtocolError('refused', `${doing}: it offers no SignAndEncrypt with Basic256Sha256`, {
      hint: 'enable that policy in the server, or set security: none, which every document will say',
    });
  }
  const trust = new TrustList(context.stateFolder);
  if ((await trust.check(endpoint.serverCertificate)) === 'pending') {
    const fingerprint = fingerprintOf(endpoint.serverCertificate);
    throw new ProtocolError('untrusted', `${doing}: its certificate is not approved, SHA-256 ${fingerprint}`, {
      hint: `compare the fingerprint with the server's own and approve it: rollcall opcua trust ${fingerprint.slice(0, 16)}`,
    });
  }
  await certificates.trustCertificate(endpoint.serverCertificate);
  return endpoint;
}

async function identity(config: OpcuaConfig, context: AdapterContext): Promise<UserIdentityInfo> {
  if (config.user === undefined) return { type: UserTokenType.Anonymous };
  return {
    type: UserTokenType.UserName,
    userName: config.user.name,
    password: await context.readSecret(config.user.password),
  };
}

/** The library's failures in our words. */
function explained(error: unknown, doing: string): ProtocolError {
  if (error instanceof ProtocolError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (/BadIdentityToken|BadUserAccessDenied/.test(message)) {
    return new ProtocolError('refused', `${doing}: the server refused the user`, {
      cause: error,
      hint: 'check user.name and its password',
    });
  }
  if (/BadTooManySessions/.test(message)) {
    return new ProtocolError('refused', `${doing}: the server has too many sessions`, {
      cause: error,
      hint: 'end other clients, or raise the limit in the server',
    });
  }
  if (/BadCertificate|BadSecurityChecksFailed|certificate/i.test(message)) {
    return new ProtocolError('untrusted', `${doing}: ${firstLine(message)}`, {
      cause: error,
      hint: "approve this client's certificate in the server; it is in the data folder under opcua/pki/own/certs",
    });
  }
  return new ProtocolError('unreachable', `${doing}: ${firstLine(message)}`, {
    cause: error,
    hint: 'check that the server runs and that host and port are right',
  });
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? message;
}

/** A promise with a deadline and a signal. */
async function within<T>(work: Promise<T>, timeoutMs: number, signal: AbortSignal, doing: string): Promise<T> {
  const stop = new AbortController();
  const ended = new Promise<never>((_resolve, reject) => {
    const timer = setTimeout(
      () => reject(new ProtocolError('timeout', `${doing}: no answer in ${timeoutMs} ms`)),
      timeoutMs,
    );
    const onAbort = (): void => reject(abortedError(doing));
    signal.addEventListener('abort', onAbort, { once: true });
    stop.signal.addEventListener('abort', () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    });
    if (signal.aborted) onAbort();
  });
  // Whichever loses the race must not end the process.
  work.catch(() => {});
  try {
    return await Promise.race([work, ended]);
  } finally {
    stop.abort();
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
