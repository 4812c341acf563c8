/** Sparkplug 3.0, 6.4.1: sequence numbers run from 0 to 255 and begin again. */
const MODULUS = 256;
/** Messages held back for one node; a gap that long is no reordering. */
const MAX_HELD = 64;

interface Held<T> {
  readonly seq: number;
  readonly item: T;
}

/**
 * Puts the messages of one edge node back into their order: what comes too early waits for what is missing, until
 * `release` gives up on it. Holds at most 64 messages.
 */
export class SequenceWindow<T> {
  #expected: number | undefined;
  #held: Held<T>[] = [];

  /** True while something is missing. */
  get isWaiting(): boolean {
    return this.#held.length > 0;
  }

  /** Messages that may be processed now, in order; none when the message has to wait. `full` when no more can wait. */
  take(seq: number, item: T): readonly T[] | 'full' {
    if (this.#expected !== undefined && seq !== this.#expected) {
      if (this.#held.length >= MAX_HELD) return 'full';
      this.#held.push({ seq, item });
      return [];
    }
    this.#expected = next(seq);
    return [item, ...this.#following()];
  }

  /** A birth begins the count anew. Returns what came before it too early, and follows it. */
  restart(seq: number): readonly T[] {
    this.#expected = next(seq);
    return this.#following();
  }

  /** Gives up on what is missing: everything held, in the order it was sent as far as that can be told. */
  release(): readonly T[] {
    const from = this.#expected ?? 0;
    const distance = (seq: number): number => (seq - from + MODULUS) % MODULUS;
    const all = this.#held.sort((a, b) => distance(a.seq) - distance(b.seq));
    const last = all.at(-1);
    this.#held = [];
    if (last !== undefined) this.#expected = next(last.seq);
    return all.map(({ item }) => item);
  }

  /** Forgets everything, as when the node has died: what follows begins a new count. */
  reset(): void {
    this.#expected = undefined;
    this.#held = [];
  }

  #following(): T[] {
    const items: T[] = [];
    for (;;) {
      const at = this.#held.findIndex(({ seq }) => seq === this.#expected);
      const [found] = at === -1 ? [] : this.#held.splice(at, 1);
      if (found === undefined) return items;
      items.push(found.item);
      this.#expected = next(found.seq);
    }
  }
}

function next(seq: number): number {
  return (seq + 1) % MODULUS;
}
