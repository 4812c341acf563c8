/**
 * Proof files (C2SP tlog-proof): one leaf's place in a log, with the signed checkpoint it leads to, checkable offline.
 *
 * Attacker-controlled: all bytes given to `parseProof`, the extra data above all, which nothing authenticates. Limits:
 * `MAX_PROOF_BYTES`, the proof length of `merkle.ts`, the limits of notes and checkpoints.
 */
import { type LogTrust, openCheckpoint, type SignedCheckpoint } from './checkpoint.ts';
import { base64, bytesOfBase64, concat, decimal, textOf, utf8 } from './encoding.ts';
import { LedgerError } from './errors.ts';
import { HASH_BYTES, MAX_PROOF_HASHES, verifyInclusion } from './merkle.ts';
import { MAX_NOTE_BYTES, parseNote } from './note.ts';

/** Bytes of a whole proof file. */
export const MAX_PROOF_BYTES = 2 * MAX_NOTE_BYTES;

const HEADER = 'c2sp.org/tlog-proof@v1';

/** A proof file taken apart, not yet believed. */
export interface LogProof {
  readonly index: number;
  /** Leaf to root, 32 bytes each. */
  readonly hashes: readonly Uint8Array[];
  /** The signed note, verbatim. */
  readonly checkpoint: Uint8Array;
  /** Not authenticated by anything. */
  readonly extra?: Uint8Array;
}

/** The bytes of a proof file. Throws `LedgerError`: `malformed`, `range`, `limit`. */
export function proofBytes(proof: LogProof): Uint8Array {
  if (!Number.isSafeInteger(proof.index) || proof.index < 0) {
    throw new LedgerError('range', `writing a proof file: index ${proof.index}`);
  }
  checkHashes(proof.hashes);
  parseNote(proof.checkpoint);
  const lines = [HEADER];
  if (proof.extra !== undefined) lines.push(`extra ${base64(proof.extra)}`);
  lines.push(`index ${proof.index}`, ...proof.hashes.map(base64), '', '');
  return concat(utf8(lines.join('\n')), proof.checkpoint);
}

/** Takes a proof file apart without believing it. Throws `LedgerError`: `malformed`, `range`, `limit`. */
export function parseProof(bytes: Uint8Array): LogProof {
  if (bytes.length > MAX_PROOF_BYTES) throw new LedgerError('limit', `reading a proof file: ${bytes.length} bytes`);
  const text = textOf(bytes, 'a proof file');
  const end = text.indexOf('\n\n');
  if (end < 0) throw new LedgerError('malformed', 'reading a proof file: no blank line before the checkpoint');
  const [header, ...lines] = text.slice(0, end).split('\n');
  if (header !== HEADER) throw new LedgerError('malformed', `reading a proof file: it does not begin with ${HEADER}`);
  const extra =
    lines[0]?.startsWith('extra ') === true ? bytesOfBase64(lines.shift()?.slice(6) ?? '', 'extra data') : undefined;
  const index = lines.shift();
  if (index?.startsWith('index ') !== true) throw new LedgerError('malformed', 'reading a proof file: no index');
  const hashes = lines.map((line) => bytesOfBase64(line, 'a hash of a proof file'));
  checkHashes(hashes);
  const checkpoint = utf8(text.slice(end + 2));
  parseNote(checkpoint);
  const proof = { index: decimal(index.slice(6), 'the index of a proof file'), hashes, checkpoint };
  return extra === undefined ? proof : { ...proof, extra };
}

/**
 * Verifies that a leaf, by its hash, is in the log at the proof's index, and returns the checkpoint that says so. How
 * many cosignatures are enough is for the caller to say. Throws `LedgerError`: as `openCheckpoint` and `verifyInclusion`.
 */
export function verifyProof(proof: LogProof, hash: Uint8Array, trust: LogTrust): SignedCheckpoint {
  const checkpoint = openCheckpoint(proof.checkpoint, trust);
  verifyInclusion(proof.index, checkpoint.size, hash, proof.hashes, checkpoint.rootHash);
  return checkpoint;
}

function checkHashes(hashes: readonly Uint8Array[]): void {
  if (hashes.length > MAX_PROOF_HASHES) throw new LedgerError('limit', `a proof of ${hashes.length} hashes`);
  if (hashes.some(({ length }) => length !== HASH_BYTES)) {
    throw new LedgerError('malformed', 'a proof with a hash that is not 32 bytes');
  }
}
