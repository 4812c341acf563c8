/** Listens to abort signals on behalf of many requests: one listener for a signal, however many requests it may stop. */
export class StopSignals {
  readonly #onAbort: (signal: AbortSignal) => void;
  readonly #used = new Map<AbortSignal, { uses: number; readonly listener: () => void }>();

  constructor(onAbort: (signal: AbortSignal) => void) {
    this.#onAbort = onAbort;
  }

  /** One more request is stopped by `signal`. */
  use(signal: AbortSignal): void {
    const known = this.#used.get(signal);
    if (known !== undefined) {
      known.uses += 1;
      return;
    }
    const listener = (): void => this.#onAbort(signal);
    this.#used.set(signal, { uses: 1, listener });
    signal.addEventListener('abort', listener, { once: true });
  }

  /** One request less; after the last the signal is let go. */
  release(signal: AbortSignal): void {
    const known = this.#used.get(signal);
    if (known === undefined) return;
    known.uses -= 1;
    if (known.uses > 0) return;
    signal.removeEventListener('abort', known.listener);
    this.#used.delete(signal);
  }

  clear(): void {
    for (const [signal, { listener }] of this.#used) signal.removeEventListener('abort', listener);
    this.#used.clear();
  }
}
