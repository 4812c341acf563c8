/**
 * - `store`: the database could not be read or written
 * - `already-running`: another process holds the data folder
 * - `newer-schema`: the data folder was written by a newer version
 * - `configuration`: `rollcall.yaml` cannot be used
 * - `metrics`: InfluxDB could not be reached or refused
 * - `startup`: something else kept the collector from starting
 */
export type CollectorErrorCode = 'store' | 'already-running' | 'newer-schema' | 'configuration' | 'metrics' | 'startup';

/** Raised by everything under `collector/`. `hint` says what a person can do next. */
export class CollectorError extends Error {
  readonly code: CollectorErrorCode;
  readonly hint: string | undefined;

  constructor(code: CollectorErrorCode, message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CollectorError';
    this.code = code;
    this.hint = options.hint;
  }
}
