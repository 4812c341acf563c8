/**
 * The Merkle tree of RFC 6962 section 2.1 (RFC 9162 section 2.1) over SHA-256: hashes, roots, and proofs made and
 * verified.
 *
 * Attacker-controlled: every argument of `verifyInclusion` and `verifyConsistency`. Limits: sizes and indices up to
 * 2⁵³ − 1; a proof has at most `MAX_PROOF_HASHES` hashes, so verification costs at most as many hashes twice. A proof
 * must have exactly the length its sizes demand, and every hash exactly 32 bytes.
 */
import { createHash } from 'node:crypto';
import { sameBytes } from './encoding.ts';
import { LedgerError } from './errors.ts';

/** Bytes of a hash. */
export const HASH_BYTES = 32;
/** The longest proof there can be: a consistency proof between sizes below 2⁵³. */
export const MAX_PROOF_HASHES = 54;

const LEAF_PREFIX = Uint8Array.of(0);
const NODE_PREFIX = Uint8Array.of(1);

/** MTH({}): SHA-256 of nothing. */
export const EMPTY_ROOT: Uint8Array = sha256();

/** SHA-256 over the parts, one after the other. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** The hash of a leaf: SHA-256(0x00 ‖ leaf). */
export function leafHash(leaf: Uint8Array): Uint8Array {
  return sha256(LEAF_PREFIX, leaf);
}

/** The hash of an inner node: SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(NODE_PREFIX, left, right);
}

/** Hashes the perfect subtree of 2^`level` leaves that begins at leaf `index` · 2^`level`. Such nodes never change. */
export type NodeReader = (level: number, index: number) => Uint8Array;

/**
 * An append-only tree that keeps only the roots of the perfect subtrees its size is made of (a compact range): at most
 * 53 hashes, whatever the number of leaves.
 */
export class CompactTree {
  readonly #peaks: { readonly level: number; readonly hash: Uint8Array }[] = [];
  #size = 0;

  /** Leaves so far. */
  get size(): number {
    return this.#size;
  }

  /** Adds the hash of the next leaf. */
  append(hash: Uint8Array): void {
    let peak = { level: 0, hash: checkHash(hash, 'a leaf hash') };
    for (let last = this.#peaks.at(-1); last?.level === peak.level; last = this.#peaks.at(-1)) {
      this.#peaks.pop();
      peak = { level: peak.level + 1, hash: nodeHash(last.hash, peak.hash) };
    }
    this.#peaks.push(peak);
    this.#size += 1;
  }

  /** MTH of the leaves so far. */
  root(): Uint8Array {
    return foldPeaks(this.#peaks.map(({ hash }) => hash));
  }
}

/** The root over leaf hashes in order. */
export function rootOf(leafHashes: Iterable<Uint8Array>): Uint8Array {
  const tree = new CompactTree();
  for (const hash of leafHashes) tree.append(hash);
  return tree.root();
}

/** Every perfect node of a tree held in memory, for making proofs over trees of moderate size (32 bytes times two a leaf). */
export class NodeTable {
  readonly #levels: Uint8Array[][] = [[]];

  constructor(leafHashes: Iterable<Uint8Array> = []) {
    for (const hash of leafHashes) this.append(hash);
  }

  get size(): number {
    return this.#levels[0]?.length ?? 0;
  }

  append(hash: Uint8Array): void {
    let added = checkHash(hash, 'a leaf hash');
    for (let level = 0; ; level++) {
      const row = (this.#levels[level] ??= []);
      row.push(added);
      if (row.length % 2 === 1) return;
      added = nodeHash(row.at(-2) as Uint8Array, added);
    }
  }

  /** A `NodeReader` over this table; throws `LedgerError('range')` for nodes that are not there. */
  readonly read: NodeReader = (level, index) => {
    const hash = this.#levels[level]?.[index];
    if (hash === undefined) throw new LedgerError('range', `reading node ${index} of level ${level}: not in the tree`);
    return hash;
  };
}

/** MTH of the first `size` leaves, from perfect nodes. */
export function rootAt(size: number, read: NodeReader): Uint8Array {
  checkSize(size, 'a tree size');
  return size === 0 ? EMPTY_ROOT : rangeRoot(0, size, read);
}

/**
 * The inclusion proof PATH(index, D[size]) of RFC 6962 section 2.1.1, leaf to root. Throws `LedgerError('range')` unless
 * 0 ≤ `index` < `size`.
 */
export function proveInclusion(index: number, size: number, read: NodeReader): Uint8Array[] {
  return inclusionRanges(index, size).map(([from, to]) => rangeRoot(from, to, read));
}

/**
 * The consistency proof PROOF(size1, D[size2]) of RFC 6962 section 2.1.2; empty for equal sizes. Throws
 * `LedgerError('range')` unless 0 < `size1` ≤ `size2`.
 */
export function proveConsistency(size1: number, size2: number, read: NodeReader): Uint8Array[] {
  return consistencyRanges(size1, size2).map(([from, to]) => rangeRoot(from, to, read));
}

/** Verifies an inclusion proof (RFC 9162 section 2.1.3.2). Throws `LedgerError`: `range`, `malformed`, `proof`. */
export function verifyInclusion(
  index: number,
  size: number,
  hash: Uint8Array,
  proof: readonly Uint8Array[],
  rootHash: Uint8Array,
): void {
  checkHash(rootHash, 'a root hash');
  const computed = rootFromInclusion(index, size, hash, proof);
  if (!sameBytes(computed, rootHash)) {
    throw new LedgerError('proof', `inclusion of leaf ${index} in a tree of ${size}: the proof leads to another root`);
  }
}

/** The root that an inclusion proof leads to. Throws `LedgerError`: `range`, `malformed`, `proof` for a wrong length. */
export function rootFromInclusion(
  index: number,
  size: number,
  hash: Uint8Array,
  proof: readonly Uint8Array[],
): Uint8Array {
  checkIndex(index, size);
  const wanted = inclusionRanges(index, size).length;
  if (proof.length !== wanted) {
    throw new LedgerError(
      'proof',
      `inclusion of leaf ${index} in a tree of ${size}: ${proof.length} hashes, not ${wanted}`,
    );
  }
  let computed = checkHash(hash, 'a leaf hash');
  let at = index;
  let last = size - 1;
  for (const sibling of proof) {
    checkHash(sibling, 'a hash of an inclusion proof');
    if (at % 2 === 1 || at === last) {
      computed = nodeHash(sibling, computed);
      // the last node of a level without a sibling is carried up unchanged
      while (at % 2 === 0 && at !== 0) {
        at = at / 2;
        last = Math.floor(last / 2);
      }
    } else {
      computed = nodeHash(computed, sibling);
    }
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  return computed;
}

/**
 * Verifies that the tree of `size2` with `root2` extends the tree of `size1` with `root1` (RFC 9162 section 2.1.4.2).
 * The proof is empty for equal sizes, never else; nothing can be said of an empty `size1`. Throws `LedgerError`:
 * `range`, `malformed`, `proof`.
 */
export function verifyConsistency(
  size1: number,
  size2: number,
  proof: readonly Uint8Array[],
  root1: Uint8Array,
  root2: Uint8Array,
): void {
  const doing = `consistency of trees of ${size1} and ${size2}`;
  checkSizes(size1, size2);
  checkHash(root1, 'a root hash');
  checkHash(root2, 'a root hash');
  const wanted = consistencyRanges(size1, size2).length;
  if (proof.length !== wanted) throw new LedgerError('proof', `${doing}: ${proof.length} hashes, not ${wanted}`);
  for (const hash of proof) checkHash(hash, 'a hash of a consistency proof');
  const [computed1, computed2] = size1 === size2 ? [root1, root1] : rootsFromConsistency(size1, size2, proof, root1);
  if (!sameBytes(computed1, root1)) throw new LedgerError('proof', `${doing}: the proof leads to another first root`);
  if (!sameBytes(computed2, root2)) throw new LedgerError('proof', `${doing}: the proof leads to another second root`);
}

function rootsFromConsistency(
  size1: number,
  size2: number,
  proof: readonly Uint8Array[],
  root1: Uint8Array,
): [Uint8Array, Uint8Array] {
  // the first tree is one perfect subtree: its root is the seed and is left out of the proof
  const path = isPowerOfTwo(size1) ? [root1, ...proof] : proof;
  let at = size1 - 1;
  let last = size2 - 1;
  while (at % 2 === 1) {
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  const [seed, ...rest] = path as [Uint8Array, ...Uint8Array[]];
  let first = seed;
  let second = seed;
  for (const hash of rest) {
    if (at % 2 === 1 || at === last) {
      first = nodeHash(hash, first);
      second = nodeHash(hash, second);
      while (at % 2 === 0 && at !== 0) {
        at = at / 2;
        last = Math.floor(last / 2);
      }
    } else {
      second = nodeHash(second, hash);
    }
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  return [first, second];
}

/** Leaves `from` … `to` − 1. */
type LeafRange = readonly [from: number, to: number];

/** The subtrees whose roots make up an inclusion proof, leaf to root. */
function inclusionRanges(index: number, size: number): LeafRange[] {
  checkIndex(index, size);
  const ranges: LeafRange[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + splitOf(to - from);
    if (index < middle) {
      ranges.push([middle, to]);
      to = middle;
    } else {
      ranges.push([from, middle]);
      from = middle;
    }
  }
  return ranges.toReversed();
}

/** The subtrees whose roots make up a consistency proof: SUBPROOF of RFC 6962 section 2.1.2, in its order. */
function consistencyRanges(size1: number, size2: number): LeafRange[] {
  checkSizes(size1, size2);
  const ranges: LeafRange[] = [];
  let [from, to] = [0, size2];
  while (size1 !== to) {
    const middle = from + splitOf(to - from);
    if (size1 <= middle) {
      ranges.push([middle, to]);
      to = middle;
    } else {
      ranges.push([from, middle]);
      from = middle;
    }
  }
  if (from !== 0) ranges.push([from, to]);
  return ranges.toReversed();
}

/** Root of the leaves `from` … `to` − 1 of a subtree: its perfect nodes from the left, folded from the right. */
function rangeRoot(from: number, to: number, read: NodeReader): Uint8Array {
  const hashes: Uint8Array[] = [];
  for (let at = from; at < to; ) {
    let level = 0;
    let width = 1;
    while (width * 2 <= to - at) {
      width *= 2;
      level += 1;
    }
    hashes.push(read(level, at / width));
    at += width;
  }
  return foldPeaks(hashes);
}

function foldPeaks(hashes: readonly Uint8Array[]): Uint8Array {
  return hashes.length === 0 ? EMPTY_ROOT : hashes.reduceRight((right, left) => nodeHash(left, right));
}

/** The largest power of two below `size`; `size` is at least 2. */
function splitOf(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

function isPowerOfTwo(size: number): boolean {
  return splitOf(size + 1) === size;
}

function checkSize(size: number, what: string): void {
  if (!Number.isSafeInteger(size) || size < 0) throw new LedgerError('range', `${what} of ${size}`);
}

function checkIndex(index: number, size: number): void {
  checkSize(size, 'a tree size');
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) {
    throw new LedgerError('range', `leaf ${index} of a tree of ${size}`);
  }
}

function checkSizes(size1: number, size2: number): void {
  checkSize(size1, 'a tree size');
  checkSize(size2, 'a tree size');
  if (size1 === 0 || size1 > size2) {
    throw new LedgerError('range', `consistency of trees of ${size1} and ${size2}: nothing to prove`);
  }
}

function checkHash(hash: Uint8Array, what: string): Uint8Array {
  if (hash.length !== HASH_BYTES) throw new LedgerError('malformed', `${what} of ${hash.length} bytes`);
  return hash;
}
