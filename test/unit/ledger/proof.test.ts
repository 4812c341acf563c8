import { describe, expect, it } from 'vitest';
import { checkpointText } from '../../../ledger/checkpoint.ts';
import { SignatureType, signerKey } from '../../../ledger/key.ts';
import { leafHash, NodeTable, proveInclusion, rootAt } from '../../../ledger/merkle.ts';
import { noteSigner, noteVerifier, signNote } from '../../../ledger/note.ts';
import { parseProof, proofBytes, verifyProof } from '../../../ledger/proof.ts';

const failing = (code: string) => expect.objectContaining({ name: 'LedgerError', code });
const key = signerKey('log.example/1', SignatureType.ed25519, new Uint8Array(32).fill(1));
const trust = { origin: key.name, logKeys: [noteVerifier(key)] };
const leaves = Array.from({ length: 11 }, (_, i) => leafHash(Buffer.from(`leaf ${i}`)));
const table = new NodeTable(leaves);
const text = checkpointText({ origin: key.name, size: 11, rootHash: rootAt(11, table.read), extensions: [] });
const checkpoint = signNote(text, [noteSigner(key)]);
const proof = { index: 6, hashes: proveInclusion(6, 11, table.read), checkpoint };
const leaf = leaves[6] as Uint8Array;

describe('a proof file', () => {
  it('is written and read as the specification says, with and without extra data', () => {
    for (const any of [proof, { ...proof, extra: Buffer.from('context') }, { ...proof, extra: new Uint8Array() }]) {
      expect(proofBytes(parseProof(proofBytes(any)))).toEqual(proofBytes(any));
    }
    expect(Buffer.from(proofBytes(proof)).toString()).toMatch(
      /^c2sp\.org\/tlog-proof@v1\nindex 6\n([A-Za-z0-9+/]{43}=\n){4}\nlog\.example\/1\n11\n/,
    );
  });

  it('verifies for its leaf and no other', () => {
    expect(verifyProof(parseProof(proofBytes(proof)), leaf, trust).size).toBe(11);
    expect(() => verifyProof(proof, leaves[5] as Uint8Array, trust)).toThrow(failing('proof'));
    expect(() => verifyProof({ ...proof, index: 5 }, leaf, trust)).toThrow(failing('proof'));
    expect(() => verifyProof({ ...proof, index: 11 }, leaf, trust)).toThrow(failing('range'));
  });

  it('may have no hash in a tree of one leaf', () => {
    const one = checkpointText({ origin: key.name, size: 1, rootHash: leaf, extensions: [] });
    const alone = { index: 0, hashes: [], checkpoint: signNote(one, [noteSigner(key)]) };
    expect(verifyProof(parseProof(proofBytes(alone)), leaf, trust).size).toBe(1);
  });

  it('with any bit flipped, never verifies', () => {
    const bytes = proofBytes(proof);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => verifyProof(parseProof(flipped), leaf, trust)).toThrow(
        expect.objectContaining({ name: 'LedgerError' }),
      );
    }
  });

  const whole = Buffer.from(proofBytes(proof)).toString();

  it.each([
    ['another header', whole.replace('@v1', '@v2')],
    ['no index', whole.replace(/index 6\n/, '')],
    ['an index with a leading zero', whole.replace('index 6', 'index 06')],
    ['a negative index', whole.replace('index 6', 'index -6')],
    ['extra data after the index', whole.replace('index 6\n', 'index 6\nextra AAAA\n')],
    ['extra data twice', whole.replace('index 6\n', 'extra AAAA\nextra AAAA\nindex 6\n')],
    ['extra data that is not base64', whole.replace('index 6\n', 'extra !!\nindex 6\n')],
    ['a hash of 33 bytes', whole.replace('index 6\n', `index 6\n${Buffer.alloc(33).toString('base64')}\n`)],
    ['no blank line', whole.replaceAll('\n\n', '\n')],
    ['carriage returns', whole.replaceAll('\n', '\r\n')],
    ['a checkpoint that is no note', `${whole.slice(0, whole.indexOf('\n\n'))}\n\nsomething\n`],
  ])('is refused with %s', (_, bad) => {
    expect(() => parseProof(Buffer.from(bad))).toThrow(failing('malformed'));
  });

  it('is refused when it is longer than any proof can be', () => {
    const hashes = Array.from({ length: 55 }, () => leaf);
    expect(() => proofBytes({ ...proof, hashes })).toThrow(failing('limit'));
    expect(() => parseProof(new Uint8Array(2_097_153))).toThrow(failing('limit'));
    expect(() => proofBytes({ ...proof, index: -1 })).toThrow(failing('range'));
  });
});
