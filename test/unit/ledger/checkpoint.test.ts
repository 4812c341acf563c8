import { describe, expect, it } from 'vitest';
import { type Checkpoint, checkpointText, openCheckpoint, parseCheckpoint } from '../../../ledger/checkpoint.ts';
import { cosign, cosignatureTimeS, cosignatureVerifier, parseWitnessKey } from '../../../ledger/cosignature.ts';
import { SignatureType, signerKey, verifierKey, vkeyText } from '../../../ledger/key.ts';
import { leafHash } from '../../../ledger/merkle.ts';
import { noteBytes, noteSigner, noteVerifier, parseNote, signNote } from '../../../ledger/note.ts';
import { vector } from './vectors.ts';

const failing = (code: string) => expect.objectContaining({ name: 'LedgerError', code });
const root = leafHash(Buffer.from('hello world'));
const log = signerKey('log.example/1', SignatureType.ed25519, new Uint8Array(32).fill(1));
const witness = signerKey('witness.example/w', SignatureType.cosignatureV1, new Uint8Array(32).fill(2));
const head: Checkpoint = { origin: 'log.example/1', size: 5, rootHash: root, extensions: [] };
const text = checkpointText(head);

describe('vectors', () => {
  const formats = vector('tlog/checkpoint-parse.json') as {
    valid: { m: string; origin: string; size: string; rest: string }[];
    invalid: string[];
  };
  const go = vector('tlog/go-xmod-tree.json') as {
    checkpointBody: { n: string; recordHashOf: string; text: string };
    badBodies: string[];
  };

  it.each(formats.valid)('reads $origin at $size, given a root of 32 bytes', ({ m, origin, size, rest }) => {
    // the vectors' roots are words; the specification's are SHA-256 hashes
    expect(() => parseCheckpoint(m)).toThrow(/root hash of \d+ bytes/);
    const lines = m.split('\n').with(2, Buffer.from(root).toString('base64'));
    const extensions = rest.split('\n').filter((line) => line !== '');
    expect(parseCheckpoint(lines.join('\n'))).toEqual({ origin, size: Number(size), rootHash: root, extensions });
  });

  it.each([...formats.invalid, ...go.badBodies])('refuses %j', (body) => {
    expect(() => parseCheckpoint(body)).toThrow(expect.objectContaining({ name: 'LedgerError' }));
  });

  it('reads and writes the tree head of Go', () => {
    const { n, recordHashOf, text: body } = go.checkpointBody;
    const rootHash = leafHash(Buffer.from(recordHashOf));
    const parsed = parseCheckpoint(body);
    expect(parsed).toEqual({ origin: 'go.sum database tree', size: Number(n), rootHash, extensions: [] });
    expect(checkpointText(parsed)).toBe(body);
  });
});

describe('the text of a checkpoint', () => {
  it.each([
    ['a leading zero', text.replace('\n5\n', '\n05\n')],
    ['a plus', text.replace('\n5\n', '\n+5\n')],
    ['a space', text.replace('\n5\n', '\n5 \n')],
    ['an empty line', `${text}\n`],
    ['an empty extension before another', `${text}\nmore\n`],
    ['no newline at the end', text.slice(0, -1)],
    ['a root without padding', text.replace('=', '')],
    ['a root of 31 bytes', text.replace(/\n[^\n]+\n$/, `\n${Buffer.alloc(31).toString('base64')}\n`)],
    ['left-over bits in the root', text.replace(/.=\n$/, 'B=\n')],
  ])('is refused with %s', (_, bad) => {
    expect(() => parseCheckpoint(bad)).toThrow(failing('malformed'));
  });

  it('is refused beyond 2^53 - 1 leaves', () => {
    expect(() => parseCheckpoint(text.replace('\n5\n', '\n9007199254740992\n'))).toThrow(failing('range'));
    expect(() => checkpointText({ ...head, size: 2 ** 53 })).toThrow(failing('range'));
  });

  it('is not written with an origin or extension of two lines', () => {
    expect(() => checkpointText({ ...head, origin: 'a\nb' })).toThrow(failing('malformed'));
    expect(() => checkpointText({ ...head, extensions: [''] })).toThrow(failing('malformed'));
  });
});

describe('a signed checkpoint', () => {
  const trust = { origin: head.origin, logKeys: [noteVerifier(log)], witnesses: [cosignatureVerifier(witness)] };
  const signed = signNote(text, [noteSigner(log)]);
  const cosigned = noteBytes({
    text,
    signatures: [...parseNote(signed).signatures, cosign(witness, text, 1_679_315_147)],
  });

  it('is believed with the log’s signature, and says which witnesses cosigned', () => {
    expect(openCheckpoint(signed, trust)).toMatchObject({ size: 5, cosignatures: [] });
    const { logSignatures, cosignatures } = openCheckpoint(cosigned, trust);
    expect(logSignatures.map(({ name }) => name)).toEqual([log.name]);
    expect(cosignatures.map(({ name }) => name)).toEqual([witness.name]);
    expect(cosignatureTimeS(cosignatures[0]?.signature ?? new Uint8Array())).toBe(1_679_315_147);
  });

  it('is refused with only a witness’s signature', () => {
    const alone = noteBytes({ text, signatures: [cosign(witness, text, 1)] });
    expect(() => openCheckpoint(alone, trust)).toThrow(failing('untrusted'));
  });

  it('is refused when it is of another log, although the key is right', () => {
    expect(() => openCheckpoint(signed, { ...trust, origin: 'log.example/2' })).toThrow(failing('mismatch'));
  });

  it('is refused when a known witness’s cosignature is bad', () => {
    const line = cosign(witness, text, 5);
    for (const at of [7, 8, 71]) {
      const signature = Buffer.from(line.signature);
      signature[at] = (signature[at] ?? 0) ^ 1;
      const bad = noteBytes({ text, signatures: [...parseNote(signed).signatures, { ...line, signature }] });
      expect(() => openCheckpoint(bad, trust)).toThrow(failing('signature'));
    }
  });

  it('covers extension lines', () => {
    const extended = checkpointText({ ...head, extensions: ['more'] });
    const other = checkpointText({ ...head, extensions: ['less'] });
    const bad = noteBytes({ text: other, signatures: [cosign(witness, extended, 5)] });
    expect(() => openCheckpoint(bad, trust)).toThrow(failing('signature'));
  });
});

describe('a witness’s key', () => {
  it('has the id of its own type, also where it is written as a plain key', () => {
    const plain = verifierKey(witness.name, SignatureType.ed25519, witness.publicKey);
    expect(plain.keyId).not.toBe(witness.keyId);
    expect(parseWitnessKey(vkeyText(plain)).keyId).toBe(witness.keyId);
    expect(parseWitnessKey(vkeyText(witness)).keyId).toBe(witness.keyId);
  });

  it('does not make plain signatures, nor a plain key cosignatures', () => {
    expect(() => noteVerifier(witness)).toThrow(failing('key'));
    expect(() => noteSigner(witness)).toThrow(failing('key'));
    expect(() => cosignatureVerifier(log)).toThrow(failing('key'));
    expect(() => cosign(log, text, 1)).toThrow(failing('key'));
  });

  it('does not cosign at times that cannot be', () => {
    expect(() => cosign(witness, text, -1)).toThrow(failing('range'));
    expect(() => cosign(witness, text, 0.5)).toThrow(failing('range'));
    expect(() => cosignatureTimeS(new Uint8Array(71))).toThrow(failing('malformed'));
    expect(() => cosignatureTimeS(new Uint8Array(72).fill(0xff))).toThrow(failing('malformed'));
  });
});
