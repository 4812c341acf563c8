/**
 * Checkpoints (C2SP tlog-checkpoint): the head of a log's tree as the text of a signed note.
 *
 * Attacker-controlled: all text and bytes given to `parseCheckpoint` and `openCheckpoint`. Limits: those of a note; a
 * size up to 2⁵³ − 1; a root of exactly 32 bytes; at most `MAX_EXTENSIONS` extension lines. This project's own log
 * writes no extension line.
 */
import { base64, bytesOfBase64, decimal } from './encoding.ts';
import { LedgerError } from './errors.ts';
import { HASH_BYTES } from './merkle.ts';
import { type NoteSignature, type NoteVerifier, openNote } from './note.ts';

/** Extension lines a foreign checkpoint may have. */
export const MAX_EXTENSIONS = 64;

/** The head of a log's tree. */
export interface Checkpoint {
  /** Which log: not empty, one line. */
  readonly origin: string;
  readonly size: number;
  /** 32 bytes. */
  readonly rootHash: Uint8Array;
  /** Lines that this specification gives no meaning. */
  readonly extensions: readonly string[];
}

/** The text that is signed. Throws `LedgerError`: `malformed`, `range`. */
export function checkpointText({ origin, size, rootHash, extensions }: Checkpoint): string {
  if (!Number.isSafeInteger(size) || size < 0) throw new LedgerError('range', `writing a checkpoint: size ${size}`);
  checkRoot(rootHash);
  for (const line of [origin, ...extensions]) {
    if (line === '' || line.includes('\n')) {
      throw new LedgerError('malformed', 'writing a checkpoint: an origin or extension that is not one line');
    }
  }
  return [origin, String(size), base64(rootHash), ...extensions, ''].join('\n');
}

/** The checkpoint of a text. Throws `LedgerError`: `malformed`, `range`, `limit`. */
export function parseCheckpoint(text: string): Checkpoint {
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.length < 3 || lines.includes('')) {
    throw new LedgerError('malformed', 'reading a checkpoint: not three or more lines that each end in a newline');
  }
  const [origin = '', size = '', root = '', ...extensions] = lines;
  if (extensions.length > MAX_EXTENSIONS) {
    throw new LedgerError('limit', `reading a checkpoint: ${extensions.length} extension lines`);
  }
  const rootHash = bytesOfBase64(root, 'the root hash of a checkpoint');
  checkRoot(rootHash);
  return { origin, size: decimal(size, 'the size of a checkpoint'), rootHash, extensions };
}

/** Whom a verifier believes about one log. */
export interface LogTrust {
  readonly origin: string;
  /** The log's own keys; one good signature of any is needed. */
  readonly logKeys: readonly NoteVerifier[];
  /** Witnesses that are known; their signatures are checked and reported, how many are needed is a matter of policy. */
  readonly witnesses?: readonly NoteVerifier[];
}

/** A checkpoint with a good signature of its log. */
export interface SignedCheckpoint extends Checkpoint {
  /** The signed text. */
  readonly text: string;
  readonly logSignatures: readonly NoteSignature[];
  /** Good signatures of known witnesses. */
  readonly cosignatures: readonly NoteSignature[];
}

/**
 * The checkpoint of a note, believed under `trust`. Throws `LedgerError`: as `openNote` and `parseCheckpoint`;
 * `mismatch` for another origin; `untrusted` when only witnesses signed it.
 */
export function openCheckpoint(note: Uint8Array, trust: LogTrust): SignedCheckpoint {
  const witnesses = trust.witnesses ?? [];
  const { text, verified } = openNote(note, [...trust.logKeys, ...witnesses]);
  const checkpoint = parseCheckpoint(text);
  if (checkpoint.origin !== trust.origin) {
    throw new LedgerError('mismatch', `opening a checkpoint: it is of ${checkpoint.origin}, not of ${trust.origin}`);
  }
  const isBy = (signature: NoteSignature, keys: readonly NoteVerifier[]) =>
    keys.some(({ name, keyId }) => name === signature.name && keyId === signature.keyId);
  const logSignatures = verified.filter((signature) => isBy(signature, trust.logKeys));
  if (logSignatures.length === 0)
    throw new LedgerError('untrusted', `opening a checkpoint: ${trust.origin} did not sign it`);
  const cosignatures = verified.filter((signature) => isBy(signature, witnesses));
  return { ...checkpoint, text, logSignatures, cosignatures };
}

function checkRoot(rootHash: Uint8Array): void {
  if (rootHash.length !== HASH_BYTES) {
    throw new LedgerError('malformed', `a checkpoint with a root hash of ${rootHash.length} bytes`);
  }
}
