/**
 * Signed notes (C2SP signed-note): a text, a blank line, and one line for each signature.
 *
 * Attacker-controlled: all bytes given to `parseNote` and `openNote`. Limits: `MAX_NOTE_BYTES`, `MAX_SIGNATURES`. Nothing
 * of a note may be believed before `openNote` returned it: it demands at least one good signature of a key the caller
 * trusts, refuses the note when any signature of such a key is bad, and ignores all other signatures.
 */
import { base64, bytesOfBase64, concat, textOf, utf8 } from './encoding.ts';
import { LedgerError } from './errors.ts';
import { isKeyName, SignatureType, type SignerKey, signEd25519, type VerifierKey, verifyEd25519 } from './key.ts';

/** Bytes of a whole note. */
export const MAX_NOTE_BYTES = 1_048_576;
/** Signatures on one note; the specification asks for 16 at least, Go's implementation stops at 100 too. */
export const MAX_SIGNATURES = 100;

const SIGNATURE_PREFIX = '— ';

/** One signature line, not yet believed. */
export interface NoteSignature {
  readonly name: string;
  readonly keyId: number;
  /** What follows the key id: at least one byte. */
  readonly signature: Uint8Array;
}

/** A note taken apart, not yet believed. */
export interface Note {
  /** Ends in a newline. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** Decides over signatures of one name and key id. */
export interface NoteVerifier {
  readonly name: string;
  readonly keyId: number;
  /** True when `signature` is good for `text`. Never throws for bad ones. */
  verifies(text: string, signature: Uint8Array): boolean;
}

/** Makes signatures of one name and key id. */
export interface NoteSigner {
  readonly name: string;
  readonly keyId: number;
  sign(text: string): Uint8Array;
}

/** A note with at least one good signature. */
export interface OpenedNote {
  readonly text: string;
  /** Signatures that verified, in the order of the note, once for each line. */
  readonly verified: readonly NoteSignature[];
  /** Signatures of keys the caller does not know. They say nothing. */
  readonly unknown: readonly NoteSignature[];
}

/** Verifies plain Ed25519 signatures over the text. Throws `LedgerError('key')` for a key of another type. */
export function noteVerifier(key: VerifierKey): NoteVerifier {
  checkType(key);
  const { name, keyId } = key;
  return { name, keyId, verifies: (text, signature) => verifyEd25519(key, utf8(text), signature) };
}

/** Signs the text with plain Ed25519. Throws `LedgerError('key')` for a key of another type. */
export function noteSigner(key: SignerKey): NoteSigner {
  checkType(key);
  const { name, keyId } = key;
  return { name, keyId, sign: (text) => signEd25519(key, utf8(text)) };
}

/** The note of a text and signers, one line each in their order. Throws `LedgerError('malformed')` for a text that no note can have. */
export function signNote(text: string, signers: readonly NoteSigner[]): Uint8Array {
  checkText(text);
  return noteBytes({
    text,
    signatures: signers.map((signer) => ({
      name: signer.name,
      keyId: signer.keyId,
      signature: signer.sign(text),
    })),
  });
}

/** The bytes of a note. At least one signature is needed for others to be able to read it. */
export function noteBytes(note: Note): Uint8Array {
  return utf8(`${note.text}\n${note.signatures.map(signatureLine).join('')}`);
}

/** A signature as a line of a note, with its newline. */
export function signatureLine({ name, keyId, signature }: NoteSignature): string {
  const id = Buffer.alloc(4);
  id.writeUInt32BE(keyId);
  return `${SIGNATURE_PREFIX}${name} ${base64(concat(id, signature))}\n`;
}

/** Takes a note apart without believing it. Throws `LedgerError`: `malformed`, `limit`. */
export function parseNote(bytes: Uint8Array): Note {
  if (bytes.length > MAX_NOTE_BYTES) throw new LedgerError('limit', `reading a note: ${bytes.length} bytes`);
  const whole = textOf(bytes, 'a note');
  if (hasControls(whole)) throw new LedgerError('malformed', 'reading a note: a control character');
  const split = whole.lastIndexOf('\n\n');
  if (split < 0) throw new LedgerError('malformed', 'reading a note: no blank line before the signatures');
  const lines = whole.slice(split + 2).split('\n');
  if (lines.pop() !== '' || lines.length === 0) {
    throw new LedgerError('malformed', 'reading a note: it does not end with signature lines');
  }
  if (lines.length > MAX_SIGNATURES) throw new LedgerError('limit', `reading a note: ${lines.length} signatures`);
  return { text: whole.slice(0, split + 1), signatures: lines.map(parseSignatureLine) };
}

/**
 * The note, believed under the given keys. Throws `LedgerError`: `malformed` and `limit` as `parseNote`; `signature`
 * when a signature of a known key is bad; `untrusted` when no known key signed; `key` when two verifiers share name and id.
 */
export function openNote(bytes: Uint8Array, verifiers: readonly NoteVerifier[]): OpenedNote {
  const { text, signatures } = parseNote(bytes);
  const known = new Map<string, NoteVerifier>();
  for (const verifier of verifiers) {
    const place = `${verifier.name}+${verifier.keyId}`;
    if (known.has(place)) throw new LedgerError('key', `opening a note: two keys ${verifier.name} with the same id`);
    known.set(place, verifier);
  }
  const verified: NoteSignature[] = [];
  const unknown: NoteSignature[] = [];
  for (const signature of signatures) {
    const verifier = known.get(`${signature.name}+${signature.keyId}`);
    if (verifier === undefined) {
      unknown.push(signature);
    } else if (verifier.verifies(text, signature.signature)) {
      verified.push(signature);
    } else {
      throw new LedgerError('signature', `opening a note: the signature of ${signature.name} does not verify`);
    }
  }
  if (verified.length === 0) throw new LedgerError('untrusted', 'opening a note: no signature of a known key');
  return { text, verified, unknown };
}

function parseSignatureLine(line: string): NoteSignature {
  const [, name = '', encoded = ''] = /^— ([^ ]+) ([^ ]+)$/u.exec(line) ?? [];
  if (!isKeyName(name)) throw new LedgerError('malformed', 'reading a note: a line is no signature line');
  const bytes = Buffer.from(bytesOfBase64(encoded, `the signature of ${name}`));
  if (bytes.length < 5) throw new LedgerError('malformed', `reading a note: the signature of ${name} is too short`);
  return { name, keyId: bytes.readUInt32BE(0), signature: bytes.subarray(4) };
}

function checkText(text: string): void {
  if (!text.endsWith('\n')) throw new LedgerError('malformed', 'signing a note: the text does not end in a newline');
  if (!text.isWellFormed() || hasControls(text)) {
    throw new LedgerError('malformed', 'signing a note: the text has a lone surrogate or a control character');
  }
}

/** True where a character below U+0020 other than a newline stands. */
function hasControls(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 && unit !== 0x0a) return true;
  }
  return false;
}

function checkType(key: VerifierKey): void {
  if (key.type !== SignatureType.ed25519) {
    throw new LedgerError('key', `using the key of ${key.name}: it is not for plain Ed25519 signatures`);
  }
}
