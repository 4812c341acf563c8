import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CompactTree,
  EMPTY_ROOT,
  leafHash,
  NodeTable,
  nodeHash,
  proveConsistency,
  proveInclusion,
  rootAt,
  rootOf,
  verifyConsistency,
  verifyInclusion,
} from '../../../ledger/merkle.ts';
import { vector, vectorsBelow } from './vectors.ts';

interface InclusionVector {
  leafIdx: number;
  treeSize: number;
  root: string;
  leafHash: string;
  proof: string[] | null;
  desc: string;
  wantErr: boolean;
}

interface ConsistencyVector {
  size1: number;
  size2: number;
  root1: string;
  root2: string;
  proof: string[] | null;
  desc: string;
  wantErr: boolean;
}

const bytes = (text: string) => Buffer.from(text, 'base64');
const leaf = (i: number) => leafHash(Buffer.from(`leaf ${i}`));

describe('vectors of transparency-dev/merkle', () => {
  it.each(vectorsBelow('rfc6962/inclusion'))('%s', (path) => {
    const { leafIdx, treeSize, root, leafHash: hash, proof, wantErr } = vector(path) as InclusionVector;
    const verify = () => verifyInclusion(leafIdx, treeSize, bytes(hash), (proof ?? []).map(bytes), bytes(root));
    if (wantErr) expect(verify).toThrow(expect.objectContaining({ name: 'LedgerError' }));
    else expect(verify).not.toThrow();
  });

  it.each(vectorsBelow('rfc6962/consistency'))('%s', (path) => {
    const { size1, size2, root1, root2, proof, wantErr } = vector(path) as ConsistencyVector;
    const verify = () => verifyConsistency(size1, size2, (proof ?? []).map(bytes), bytes(root1), bytes(root2));
    if (wantErr) expect(verify).toThrow(expect.objectContaining({ name: 'LedgerError' }));
    else expect(verify).not.toThrow();
  });

  it('gives the roots of the eight-leaf tree at every size', () => {
    const { leafInputsHex, rootsHexBySize } = vector('rfc6962/tree8.json') as {
      leafInputsHex: string[];
      rootsHexBySize: string[];
    };
    const tree = new CompactTree();
    const table = new NodeTable();
    expect(Buffer.from(tree.root()).toString('hex')).toBe(rootsHexBySize[0]);
    leafInputsHex.forEach((input, i) => {
      tree.append(leafHash(Buffer.from(input, 'hex')));
      table.append(leafHash(Buffer.from(input, 'hex')));
      expect(Buffer.from(tree.root()).toString('hex')).toBe(rootsHexBySize[i + 1]);
      expect(Buffer.from(rootAt(i + 1, table.read)).toString('hex')).toBe(rootsHexBySize[i + 1]);
    });
  });
});

describe('accumulated subtree vectors of draft-ietf-plants-merkle-tree-certs', () => {
  const max = 130;
  const table = new NodeTable(Array.from({ length: max }, (_, i) => leafHash(Uint8Array.of(i))));
  /** The subtree's own nodes, as those of a tree of its own. */
  const below = (start: number) => (level: number, index: number) => table.read(level, index + start / 2 ** level);
  const line = (prefix: string, proof: readonly Uint8Array[]) =>
    `${[prefix, ...proof.map((hash) => Buffer.from(hash).toString('hex'))].join(' ')}\n`;
  const { subtreeAccumulated: wanted } = vector('rfc6962/tree8.json') as {
    subtreeAccumulated: { hash: string; inclusion: string; consistency: string };
  };

  it('gives every subtree hash and every inclusion proof in it', () => {
    const hashes = createHash('sha256');
    const inclusions = createHash('sha256');
    for (const [start, end] of subtrees(max)) {
      hashes.update(line(`[${start}, ${end})`, [rootAt(end - start, below(start))]));
      for (let index = start; index < end; index++) {
        const proof = proveInclusion(index - start, end - start, below(start));
        inclusions.update(line(`${index} [${start}, ${end})`, proof));
      }
    }
    expect(hashes.digest('hex')).toBe(wanted.hash);
    expect(inclusions.digest('hex')).toBe(wanted.inclusion);
  });
});

/** The draft's valid subtrees, in its order: `start` is a multiple of the least power of two that holds the leaves. */
function* subtrees(max: number): Iterable<[start: number, end: number]> {
  for (let end = 0; end <= max; end++) {
    for (let start = 0; start <= end; start++) {
      if (start === end || start % 2 ** Math.ceil(Math.log2(end - start)) === 0) yield [start, end];
    }
  }
}

describe('proofs of trees of any size', () => {
  const hashes = Array.from({ length: 300 }, (_, i) => leaf(i));
  const table = new NodeTable(hashes);
  const roots = hashes.reduce<{ tree: CompactTree; roots: Uint8Array[] }>(
    ({ tree, roots }, hash) => {
      tree.append(hash);
      return { tree, roots: [...roots, tree.root()] };
    },
    { tree: new CompactTree(), roots: [EMPTY_ROOT] },
  ).roots;
  const root = (size: number) => roots[size] as Uint8Array;

  it('gives the root that the definition of RFC 6962 gives', () => {
    for (let size = 0; size <= 70; size++)
      expect(rootOf(hashes.slice(0, size))).toEqual(defined(hashes.slice(0, size)));
  });

  it('verifies every inclusion in every tree up to 70 leaves, with the proof that the definition gives', () => {
    for (let size = 1; size <= 70; size++) {
      for (let index = 0; index < size; index++) {
        const proof = proveInclusion(index, size, table.read);
        expect(proof).toEqual(definedPath(index, hashes.slice(0, size)));
        verifyInclusion(index, size, leaf(index), proof, root(size));
      }
    }
  });

  it('verifies every pair of trees up to 70 leaves, with the proof that the definition gives', () => {
    for (let size2 = 1; size2 <= 70; size2++) {
      for (let size1 = 1; size1 <= size2; size1++) {
        const proof = proveConsistency(size1, size2, table.read);
        expect(proof).toEqual(definedProof(size1, hashes.slice(0, size2), true));
        verifyConsistency(size1, size2, proof, root(size1), root(size2));
      }
    }
  });

  const sizes = fc.integer({ min: 1, max: 300 });

  it('refuses an inclusion proof with any bit flipped, at another index, or with a hash more or less', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), fc.nat(), (size, at, flip) => {
        const index = at % size;
        const proof = proveInclusion(index, size, table.read);
        const all = Buffer.concat([leaf(index), root(size), ...proof]);
        const flipped = Buffer.from(all);
        const bit = flip % (all.length * 8);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const [hash = all, rootHash = all, ...path] = Array.from({ length: all.length / 32 }, (_, i) =>
          flipped.subarray(i * 32, i * 32 + 32),
        );
        expect(() => verifyInclusion(index, size, hash, path, rootHash)).toThrow(/another root/);
        expect(() => verifyInclusion(index, size, leaf(index), [...proof, leaf(0)], root(size))).toThrow(/hashes, not/);
        if (proof.length > 0) {
          expect(() => verifyInclusion(index, size, leaf(index), proof.slice(1), root(size))).toThrow(/hashes, not/);
          const other = (index + 1) % size;
          expect(() => verifyInclusion(other, size, leaf(index), proof, root(size))).toThrow();
        }
      }),
    );
  });

  it('refuses a consistency proof with any bit flipped or between other sizes', () => {
    fc.assert(
      fc.property(sizes, sizes, fc.nat(), (a, b, flip) => {
        const [size1, size2] = [Math.min(a, b), Math.max(a, b)];
        if (size1 === size2) return;
        const proof = proveConsistency(size1, size2, table.read);
        const all = Buffer.concat([root(size1), root(size2), ...proof]);
        const bit = flip % (all.length * 8);
        all[bit >> 3] = (all[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const [first = all, second = all, ...path] = Array.from({ length: all.length / 32 }, (_, i) =>
          all.subarray(i * 32, i * 32 + 32),
        );
        expect(() => verifyConsistency(size1, size2, path, first, second)).toThrow(/another/);
        expect(() => verifyConsistency(size1, size2, [...proof, leaf(0)], root(size1), root(size2))).toThrow();
        expect(() => verifyConsistency(size1, size2, [], root(size1), root(size2))).toThrow(/0 hashes/);
      }),
    );
  });

  it('works at sizes beyond 32 bits', () => {
    const size = 2 ** 52 + 2 ** 33 + 5;
    const read = (level: number, index: number) => leafHash(Buffer.from(`${level}/${index}`));
    const proof = proveInclusion(size - 1, size, read);
    verifyInclusion(size - 1, size, read(0, size - 1), proof, rootAt(size, read));
  });

  it('refuses sizes and indices that cannot be', () => {
    const range = expect.objectContaining({ code: 'range' });
    expect(() => verifyInclusion(1, 1, leaf(0), [], root(1))).toThrow(range);
    expect(() => verifyInclusion(-1, 1, leaf(0), [], root(1))).toThrow(range);
    expect(() => verifyInclusion(0.5, 1, leaf(0), [], root(1))).toThrow(range);
    expect(() => verifyInclusion(0, 2 ** 53, leaf(0), [], root(1))).toThrow(range);
    expect(() => verifyConsistency(0, 8, [], EMPTY_ROOT, root(8))).toThrow(range);
    expect(() => verifyConsistency(9, 8, [], root(9), root(8))).toThrow(range);
  });
});

/** MTH exactly as RFC 6962 section 2.1 defines it. */
function defined(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return EMPTY_ROOT;
  if (leaves.length === 1) return leaves[0] as Uint8Array;
  const k = split(leaves.length);
  return nodeHash(defined(leaves.slice(0, k)), defined(leaves.slice(k)));
}

/** PATH exactly as RFC 6962 section 2.1.1 defines it. */
function definedPath(m: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  if (leaves.length === 1) return [];
  const k = split(leaves.length);
  return m < k
    ? [...definedPath(m, leaves.slice(0, k)), defined(leaves.slice(k))]
    : [...definedPath(m - k, leaves.slice(k)), defined(leaves.slice(0, k))];
}

/** SUBPROOF exactly as RFC 6962 section 2.1.2 defines it. */
function definedProof(m: number, leaves: readonly Uint8Array[], known: boolean): Uint8Array[] {
  if (m === leaves.length) return known ? [] : [defined(leaves)];
  const k = split(leaves.length);
  return m <= k
    ? [...definedProof(m, leaves.slice(0, k), known), defined(leaves.slice(k))]
    : [...definedProof(m - k, leaves.slice(k), false), defined(leaves.slice(0, k))];
}

function split(n: number): number {
  return 2 ** Math.floor(Math.log2(n - 1));
}
