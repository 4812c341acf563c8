import type { SourceEvent } from '../contract.ts';

/** A notice that goes on is said again after this long, with its latest words. */
const REPEAT_MS = 60_000;

/** Things a person should know of, said when they begin and then at most once a minute, however often they happen. */
export class Notices {
  readonly #emit: (event: SourceEvent) => void;
  readonly #saidAtMs = new Map<string, number>();
  readonly #counts = new Map<string, number>();

  constructor(emit: (event: SourceEvent) => void) {
    this.#emit = emit;
  }

  /** Counts one occurrence; true when it is time to `say` it. Cheap, for the packet path. */
  happened(code: string, atMs: number): boolean {
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1);
    const saidAtMs = this.#saidAtMs.get(code);
    return saidAtMs === undefined || atMs - saidAtMs >= REPEAT_MS || atMs < saidAtMs;
  }

  /** Occurrences on this connection. */
  countOf(code: string): number {
    return this.#counts.get(code) ?? 0;
  }

  say(code: string, atMs: number, words: { level: 'warning' | 'error'; message: string; hint: string }): void {
    this.#saidAtMs.set(code, atMs);
    this.#emit({ kind: 'notice', code, ...words });
  }

  /** Takes a notice back; harmless when it was never said. */
  clear(code: string): void {
    this.#saidAtMs.delete(code);
    this.#emit({ kind: 'notice', code, level: 'cleared', message: '' });
  }
}
