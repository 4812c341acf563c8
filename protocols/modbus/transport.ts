import { connect } from 'node:net';
import type { SerialPort } from 'serialport';
import { abortedError } from '../bounded-queue.ts';
import { ProtocolError } from '../errors.ts';

/** TCP keep-alive probes begin after this silence: they find a peer that is gone while we do not write. */
const KEEP_ALIVE_MS = 15_000;

export interface TcpEndpoint {
  readonly kind: 'tcp';
  readonly host: string;
  readonly port: number;
}

export interface SerialEndpoint {
  readonly kind: 'serial';
  readonly path: string;
  readonly baudRate: number;
  readonly dataBits: 7 | 8;
  readonly parity: 'none' | 'even' | 'odd';
  readonly stopBits: 1 | 2;
}

export type LinkEndpoint = TcpEndpoint | SerialEndpoint;

/** A stream of bytes to an endpoint and back. */
export interface Link {
  write(bytes: Uint8Array): void;
  /** Says who hears the bytes, and of the end; to be called at once, before the next turn of the event loop. */
  listen(onBytes: (bytes: Uint8Array) => void, onEnd: (reason: string, cause?: Error) => void): void;
  /** Resolves when it is closed; may be called more than once. */
  close(): Promise<void>;
}

/** Where it is, for people; two endpoints of one name are the same. */
export function endpointName(endpoint: LinkEndpoint): string {
  return endpoint.kind === 'tcp' ? `${endpoint.host}:${endpoint.port}` : endpoint.path;
}

/**
 * Opens a link. Rejects with `ProtocolError`: `unreachable`, `timeout`, `aborted`; nothing is left open then.
 */
export function openLink(endpoint: LinkEndpoint, timeoutMs: number, signal: AbortSignal): Promise<Link> {
  return endpoint.kind === 'tcp' ? openTcp(endpoint, timeoutMs, signal) : openSerial(endpoint, timeoutMs, signal);
}

async function openTcp({ host, port }: TcpEndpoint, timeoutMs: number, signal: AbortSignal): Promise<Link> {
  const doing = `connecting to ${host}:${port}`;
  if (signal.aborted) throw abortedError(doing);
  const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS });
  const advice = { hint: 'check host and port, and that the gateway takes another connection: many take one or two' };
  const isOpen = new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  try {
    await within({ work: isOpen, doing, timeoutMs, signal, advice });
  } catch (error) {
    socket.on('error', () => {});
    socket.destroy();
    throw error;
  }
  return {
    write: (bytes) => void socket.write(bytes),
    listen(onBytes, onEnd) {
      socket.removeAllListeners('error');
      socket.on('error', (error) => onEnd(error.message, error));
      socket.on('close', () => onEnd('the device closed the connection'));
      socket.on('data', onBytes);
    },
    close() {
      socket.destroy();
      if (socket.closed) return Promise.resolve();
      return new Promise((resolve) => socket.once('close', () => resolve()));
    },
  };
}

async function openSerial(endpoint: SerialEndpoint, timeoutMs: number, signal: AbortSignal): Promise<Link> {
  const { path, baudRate, dataBits, parity, stopBits } = endpoint;
  const doing = `opening the serial port ${path}`;
  // The addon is loaded only where there is a serial line.
  const { SerialPort } = await import('serialport');
  if (signal.aborted) throw abortedError(doing);
  const port = new SerialPort({ path, baudRate, dataBits, parity, stopBits, autoOpen: false });
  const isOpen = new Promise<void>((resolve, reject) => {
    port.open((error) => (error === null || error === undefined ? resolve() : reject(error)));
  });
  try {
    const advice = {
      hint: 'check the path, that the adapter is plugged in, that this user may open it (on Linux the group dialout), and that no other program holds it',
    };
    await within({ work: isOpen, doing, timeoutMs, signal, advice });
  } catch (error) {
    // It may still open after we gave up.
    void isOpen.then(
      () => closed(port),
      () => {},
    );
    throw error;
  }
  return {
    write: (bytes) => void port.write(bytes),
    listen(onBytes, onEnd) {
      port.on('error', (error) => onEnd(error.message, error));
      port.on('close', (error: Error | null) => onEnd(error?.message ?? 'the serial port was closed'));
      port.on('data', onBytes);
    },
    close: () => closed(port),
  };
}

function closed(port: SerialPort): Promise<void> {
  if (!port.isOpen) return Promise.resolve();
  if (port.closing) return new Promise((resolve) => port.once('close', () => resolve()));
  return new Promise((resolve) => port.close(() => resolve()));
}

interface Wait {
  readonly work: Promise<void>;
  readonly doing: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly advice: { readonly hint: string };
}

/** Waits for `work` with a deadline and a signal. */
function within({ work, doing, timeoutMs, signal, advice }: Wait): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (outcome: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      outcome();
    };
    const onAbort = (): void => settle(() => reject(abortedError(doing)));
    const timer = setTimeout(
      () => settle(() => reject(new ProtocolError('timeout', `${doing}: no answer in ${timeoutMs} ms`, advice))),
      timeoutMs,
    );
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(
      () => settle(resolve),
      (error: Error) =>
        settle(() =>
          reject(new ProtocolError('unreachable', `${doing}: ${error.message}`, { cause: error, ...advice })),
        ),
    );
  });
}
