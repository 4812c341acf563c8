/**
 * A fast 53-bit digest of decoded values, without their times. It detects change and identical value streams (R13);
 * it is not cryptographic and proves nothing to a third party, which is the ledger's work.
 *
 * Two 32-bit multiplicative lanes (murmur3 constants), folded to 53 bits so that the digest is an exact `number` in
 * JavaScript and an exact INTEGER in SQL. One instance serves any number of digests: `start`, then values, then `finish`.
 */
export class ValueDigest {
  #a = 0;
  #b = 0;
  readonly #double = new Float64Array(1);
  readonly #words = new Uint32Array(this.#double.buffer);

  /** Begins a new digest. */
  start(): void {
    this.#a = 0xdeadbeef | 0;
    this.#b = 0x41c6ce57 | 0;
  }

  /** Adds one 32-bit word. */
  word(value: number): void {
    this.#a = Math.imul(this.#a ^ value, 0x9e3779b1);
    this.#b = Math.imul(this.#b ^ value, 0x5f356495);
    this.#a ^= this.#a >>> 15;
    this.#b ^= this.#b >>> 13;
  }

  /** Adds a number by its IEEE 754 bits; `-0` and `0` are the same value, every NaN is the same value. */
  number(value: number): void {
    this.#double[0] = value === 0 ? 0 : value;
    this.word(this.#words[0] ?? 0);
    this.word(this.#words[1] ?? 0);
  }

  boolean(value: boolean): void {
    this.word(value ? 0x74 : 0x66);
  }

  /** Adds a text by its UTF-16 units and its length. */
  text(value: string): void {
    for (let i = 0; i < value.length; i++) this.word(value.charCodeAt(i));
    this.word(value.length ^ 0x5a5a5a5a);
  }

  /** Adds raw bytes and their count. */
  bytes(value: Uint8Array): void {
    for (let i = 0; i < value.length; i++) this.word(value[i] ?? 0);
    this.word(value.length ^ 0x3c3c3c3c);
  }

  /** The digest, an integer in 0 … 2⁵³ − 1. */
  finish(): number {
    let a = Math.imul(this.#a ^ (this.#a >>> 16), 0x85ebca6b);
    a ^= Math.imul(this.#b ^ (this.#b >>> 13), 0xc2b2ae35);
    let b = Math.imul(this.#b ^ (this.#b >>> 16), 0x85ebca6b);
    b ^= Math.imul(this.#a ^ (this.#a >>> 13), 0xc2b2ae35);
    return 4_294_967_296 * (0x1fffff & b) + (a >>> 0);
  }
}
