/**
 * Ed25519 keys (RFC 8032) and the texts they are kept in: verifier keys (vkey) and signer keys (skey) of C2SP signed-note.
 *
 * Attacker-controlled: the text of a vkey that somebody hands over; a bad one is refused, but whether to trust a good one
 * is the caller's decision. Limits: a key text has at most `MAX_KEY_TEXT` characters.
 */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { base64, bytesOfBase64, concat, hex, utf8 } from './encoding.ts';
import { LedgerError } from './errors.ts';

/** Signature types of C2SP signed-note: what kind of statement a key makes. */
export const SignatureType = { ed25519: 0x01, cosignatureV1: 0x04 } as const;
export type SignatureType = (typeof SignatureType)[keyof typeof SignatureType];

/** Bytes of an Ed25519 seed and of a public key. */
export const ED25519_KEY_BYTES = 32;
/** Bytes of an Ed25519 signature. */
export const ED25519_SIGNATURE_BYTES = 64;

const MAX_KEY_TEXT = 1024;
const NAME = /^[^\p{White_Space}+]+$/u;
// DER of everything that comes before the 32 bytes in RFC 8410's PrivateKeyInfo and SubjectPublicKeyInfo
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** A public key under a name, for one type of signature. */
export interface VerifierKey {
  readonly name: string;
  /** First four bytes of a hash, as they stand in a signature line; an identifier, not a fingerprint. */
  readonly keyId: number;
  readonly type: SignatureType;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** A key that can sign, with its public side. */
export interface SignerKey extends VerifierKey {
  /** 32 bytes, secret. */
  readonly seed: Uint8Array;
}

/** True for a key name: not empty, no white space, no plus. */
export function isKeyName(name: string): boolean {
  return name.isWellFormed() && NAME.test(name);
}

/** SHA-256(name ‖ 0x0A ‖ type ‖ public key), its first four bytes as a big-endian number (C2SP signed-note). */
export function keyIdOf(name: string, type: number, publicKey: Uint8Array): number {
  const digest = createHash('sha256')
    .update(utf8(`${name}\n`))
    .update(Uint8Array.of(type))
    .update(publicKey)
    .digest();
  return digest.readUInt32BE(0);
}

/** Lower-case hex SHA-256 of the public key: what people compare. */
export function fingerprintOf(key: Pick<VerifierKey, 'publicKey'>): string {
  return createHash('sha256').update(key.publicKey).digest('hex');
}

/** A verifier key of a name, a type and 32 bytes. Throws `LedgerError('key')`. */
export function verifierKey(name: string, type: SignatureType, publicKey: Uint8Array): VerifierKey {
  if (!isKeyName(name)) throw new LedgerError('key', `making a key: ${JSON.stringify(name)} cannot be its name`);
  if (publicKey.length !== ED25519_KEY_BYTES) {
    throw new LedgerError(
      'key',
      `making the key of ${name}: ${publicKey.length} bytes instead of ${ED25519_KEY_BYTES}`,
    );
  }
  return { name, type, publicKey, keyId: keyIdOf(name, type, publicKey) };
}

/** A signer key from 32 random bytes that the caller drew. Throws `LedgerError('key')`. */
export function signerKey(name: string, type: SignatureType, seed: Uint8Array): SignerKey {
  if (seed.length !== ED25519_KEY_BYTES) {
    throw new LedgerError('key', `making the key of ${name}: a seed of ${seed.length} bytes`);
  }
  const spki = createPublicKey(privateKeyOf(seed)).export({ format: 'der', type: 'spki' });
  return { ...verifierKey(name, type, spki.subarray(PUBLIC_PREFIX.length)), seed };
}

/** `<name>+<key id>+<base64 of type and public key>`. */
export function vkeyText(key: VerifierKey): string {
  return `${key.name}+${keyIdText(key.keyId)}+${base64(concat(Uint8Array.of(key.type), key.publicKey))}`;
}

/** The key of a vkey; its type must be one this library knows. Throws `LedgerError('key')`. */
export function parseVkey(text: string): VerifierKey {
  const { name, keyId, type, bytes } = parseKeyText(text, 'a verifier key');
  const key = verifierKey(name, type, bytes);
  if (key.keyId !== keyId)
    throw new LedgerError('key', `reading the verifier key of ${name}: its key id does not match`);
  return key;
}

/** `PRIVATE+KEY+<name>+<key id>+<base64 of type and seed>`, as Go's `sumdb/note` writes it. Secret. */
export function skeyText(key: SignerKey): string {
  return `PRIVATE+KEY+${key.name}+${keyIdText(key.keyId)}+${base64(concat(Uint8Array.of(key.type), key.seed))}`;
}

/** The key of an skey. Throws `LedgerError('key')`, never with the text in it. */
export function parseSkey(text: string): SignerKey {
  const PREFIX = 'PRIVATE+KEY+';
  if (!text.startsWith(PREFIX))
    throw new LedgerError('key', 'reading a signer key: it does not begin with PRIVATE+KEY+');
  const { name, keyId, type, bytes } = parseKeyText(text.slice(PREFIX.length), 'a signer key');
  const key = signerKey(name, type, bytes);
  if (key.keyId !== keyId) throw new LedgerError('key', `reading the signer key of ${name}: its key id does not match`);
  return key;
}

/** An Ed25519 signature over `message`: 64 bytes, the same for the same key and message. */
export function signEd25519(key: SignerKey, message: Uint8Array): Uint8Array {
  return sign(null, message, privateKeyOf(key.seed));
}

/** True when `signature` is `key`'s over `message`. */
export function verifyEd25519(key: VerifierKey, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== ED25519_SIGNATURE_BYTES) return false;
  const spki = Buffer.concat([PUBLIC_PREFIX, key.publicKey]);
  return verify(null, message, createPublicKey({ key: spki, format: 'der', type: 'spki' }), signature);
}

function privateKeyOf(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, seed]), format: 'der', type: 'pkcs8' });
}

function keyIdText(keyId: number): string {
  return hex(Uint8Array.of(keyId >>> 24, keyId >>> 16, keyId >>> 8, keyId));
}

function parseKeyText(text: string, what: string) {
  if (text.length > MAX_KEY_TEXT)
    throw new LedgerError('key', `reading ${what}: longer than ${MAX_KEY_TEXT} characters`);
  // base64 may hold plus signs, a name and a key id cannot
  const [, name = '', id = '', encoded = ''] = /^([^+]*)\+([^+]*)\+(.*)$/su.exec(text) ?? [];
  if (!isKeyName(name) || !/^[0-9a-f]{8}$/.test(id)) throw new LedgerError('key', `reading ${what}: not name+id+key`);
  let bytes: Uint8Array;
  try {
    bytes = bytesOfBase64(encoded, what);
  } catch (cause) {
    throw new LedgerError('key', `reading ${what} of ${name}: not standard base64`, { cause });
  }
  const type = Object.values(SignatureType).find((known) => known === bytes[0]);
  if (type === undefined) throw new LedgerError('key', `reading ${what} of ${name}: unknown signature type`);
  return { name, keyId: Number.parseInt(id, 16), type, bytes: bytes.subarray(1) };
}
