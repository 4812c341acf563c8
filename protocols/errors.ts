/**
 * What went wrong between us and a piece of equipment, as a code a program can act on.
 *
 * - `unreachable`: nobody answered at the configured endpoint
 * - `connection-lost`: an established connection ended
 * - `timeout`: no answer before the deadline
 * - `refused`: the peer answered and said no (credentials, authorisation, session limit)
 * - `untrusted`: the peer's certificate is not one the operator has approved
 * - `violation`: the peer broke its own protocol
 * - `exception`: the device answered with an error of its protocol
 * - `unknown-address`: the address names nothing at this source
 * - `unsupported`: the device or adapter cannot do what was asked
 * - `configuration`: the source cannot work as configured
 * - `aborted`: we asked it to stop
 */
export type ProtocolErrorCode =
  | 'unreachable'
  | 'connection-lost'
  | 'timeout'
  | 'refused'
  | 'untrusted'
  | 'violation'
  | 'exception'
  | 'unknown-address'
  | 'unsupported'
  | 'configuration'
  | 'aborted';

/** Raised by everything under `protocols/`. The message says what was being done to what; `hint` says what a person can do next. */
export class ProtocolError extends Error {
  readonly code: ProtocolErrorCode;
  readonly hint: string | undefined;

  constructor(code: ProtocolErrorCode, message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ProtocolError';
    this.code = code;
    this.hint = options.hint;
  }
}

/**
 * How soon the supervisor may try the source again: `soon` with ordinary backoff, `slowly` when only a person can
 * mend it (wrong password, untrusted certificate), `never` after we stopped it or when the configuration must change.
 */
export type RetryAdvice = 'soon' | 'slowly' | 'never';

const ADVICE: Readonly<Record<ProtocolErrorCode, RetryAdvice>> = {
  unreachable: 'soon',
  'connection-lost': 'soon',
  timeout: 'soon',
  refused: 'slowly',
  untrusted: 'slowly',
  violation: 'soon',
  exception: 'soon',
  'unknown-address': 'slowly',
  unsupported: 'slowly',
  configuration: 'never',
  aborted: 'never',
};

/** The retry advice for anything thrown by `observe()`; unknown errors are retried soon, because they are our own bugs or the network's. */
export function retryAdvice(error: unknown): RetryAdvice {
  return error instanceof ProtocolError ? ADVICE[error.code] : 'soon';
}

/** True when the supervisor may open a new connection after this error. */
export function isRetryable(error: unknown): boolean {
  return retryAdvice(error) !== 'never';
}
