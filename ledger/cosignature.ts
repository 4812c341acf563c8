/**
 * Cosignatures (C2SP tlog-cosignature, Ed25519, `cosignature/v1`): a witness says that, at a time, this was the largest
 * consistent tree it had seen of a log.
 *
 * Attacker-controlled: signatures and checkpoint texts. Limits: a signature is exactly 72 bytes; a time up to 2⁵³ − 1
 * seconds. A cosignature's time is the witness's word; it is returned, not judged. The signed message does not name the
 * witness, so one public key must not serve two names.
 */
import { concat, uint64, utf8 } from './encoding.ts';
import { LedgerError } from './errors.ts';
import {
  ED25519_SIGNATURE_BYTES,
  parseVkey,
  SignatureType,
  type SignerKey,
  signEd25519,
  type VerifierKey,
  verifierKey,
  verifyEd25519,
} from './key.ts';
import { type NoteSignature, type NoteVerifier } from './note.ts';

const TIME_BYTES = 8;

/** The message that is signed: header line, time line, and the whole text of the checkpoint. */
export function cosignedMessage(text: string, timeS: number): Uint8Array {
  if (!Number.isSafeInteger(timeS) || timeS < 0) throw new LedgerError('range', `cosigning at ${timeS} seconds`);
  return utf8(`cosignature/v1\ntime ${timeS}\n${text}`);
}

/** Cosigns a checkpoint's text at a time in seconds since 1970. Throws `LedgerError`: `key`, `range`. */
export function cosign(key: SignerKey, text: string, timeS: number): NoteSignature {
  checkType(key);
  const message = cosignedMessage(text, timeS);
  return { name: key.name, keyId: key.keyId, signature: concat(uint64(timeS), signEd25519(key, message)) };
}

/** Verifies cosignatures of one witness. Throws `LedgerError('key')` for a key of another type. */
export function cosignatureVerifier(key: VerifierKey): NoteVerifier {
  checkType(key);
  const { name, keyId } = key;
  return {
    name,
    keyId,
    verifies(text, signature) {
      const timeS = timeOf(signature);
      return timeS !== undefined && verifyEd25519(key, cosignedMessage(text, timeS), signature.subarray(TIME_BYTES));
    },
  };
}

/** A witness's vkey, also where it is written with the type of a plain Ed25519 key. Throws `LedgerError('key')`. */
export function parseWitnessKey(vkey: string): VerifierKey {
  const { name, publicKey } = parseVkey(vkey);
  return verifierKey(name, SignatureType.cosignatureV1, publicKey);
}

/** The time in a cosignature, in seconds since 1970. Throws `LedgerError('malformed')`. Only of worth when the signature is good. */
export function cosignatureTimeS(signature: Uint8Array): number {
  const timeS = timeOf(signature);
  if (timeS === undefined) throw new LedgerError('malformed', 'reading a cosignature: not a time and 64 bytes');
  return timeS;
}

function timeOf(signature: Uint8Array): number | undefined {
  if (signature.length !== TIME_BYTES + ED25519_SIGNATURE_BYTES) return undefined;
  const timeS = Number(Buffer.from(signature).readBigUInt64BE(0));
  return Number.isSafeInteger(timeS) ? timeS : undefined;
}

function checkType(key: VerifierKey): void {
  if (key.type !== SignatureType.cosignatureV1) {
    throw new LedgerError('key', `using the key of ${key.name}: it is not for cosignatures`);
  }
}
