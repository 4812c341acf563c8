/**
 * Why a piece of evidence was refused, as a code a program can act on.
 *
 * - `malformed`: the bytes do not follow their format
 * - `not-canonical`: the bytes are well-formed but not in the one form their format allows
 * - `limit`: larger, deeper or more numerous than the stated limit
 * - `range`: an index, size, day or count outside what it can be
 * - `key`: the text or bytes of a key cannot be used
 * - `signature`: a signature by a known key does not verify
 * - `untrusted`: nothing verifies under a key that the verifier knows
 * - `proof`: a Merkle proof does not lead to the root
 * - `mismatch`: two things that must agree do not
 * - `missing`: something that must be there is not
 */
export type LedgerErrorCode =
  | 'malformed'
  | 'not-canonical'
  | 'limit'
  | 'range'
  | 'key'
  | 'signature'
  | 'untrusted'
  | 'proof'
  | 'mismatch'
  | 'missing';

/** Raised by everything under `ledger/`. The message says what was being checked and what is wrong with it. */
export class LedgerError extends Error {
  readonly code: LedgerErrorCode;

  constructor(code: LedgerErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'LedgerError';
    this.code = code;
  }
}
