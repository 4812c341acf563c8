/**
 * Keeps the number of series within bounds: a server's memory grows with each series it ever saw, and one mistake in a
 * register can make a million. Points of series met before pass; those of further ones are left out and counted.
 */
export class SeriesCap {
  readonly #most: number;
  readonly #tell: (most: number) => void;
  readonly #known = new Set<number>();
  #capped = 0;

  /** `tell` is called once, when the first line is left out. */
  constructor(most: number, tell: (most: number) => void) {
    this.#most = most;
    this.#tell = tell;
  }

  /** Distinct series that passed since start. */
  get series(): number {
    return this.#known.size;
  }

  /** Lines left out since start. */
  get capped(): number {
    return this.#capped;
  }

  /** The lines whose series are within the cap, in their order. */
  admit(lines: readonly string[]): readonly string[] {
    const admitted = lines.filter((line) => this.#isKnown(seriesHash(line)));
    if (admitted.length === lines.length) return lines;
    if (this.#capped === 0) this.#tell(this.#most);
    this.#capped += lines.length - admitted.length;
    return admitted;
  }

  #isKnown(series: number): boolean {
    if (this.#known.has(series)) return true;
    if (this.#known.size >= this.#most) return false;
    this.#known.add(series);
    return true;
  }
}

/**
 * 52 bits of FNV-1a over measurement and tags, which end at the first space that is not escaped. A number is kept for
 * each series, not its text; among a million series two share one with a probability of one in ten thousand.
 */
function seriesHash(line: string): number {
  let [low, high] = [0x811c9dc5, 0x9e3779b9];
  for (let i = 0; i < line.length; i += 1) {
    const code = line.charCodeAt(i);
    if (code === 32 && line.charCodeAt(i - 1) !== 92) break;
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code, 0x01000193) ^ (low >>> 15);
  }
  return (high >>> 12) * 2 ** 32 + (low >>> 0);
}
