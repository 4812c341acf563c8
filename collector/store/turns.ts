import { setImmediate as turn } from 'node:timers/promises';

/** One piece of work at a time: a transaction must not meet another on the same connection. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `work` when everything taken before has ended, well or not. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work, work);
    this.#last = mine.catch(() => {});
    return mine;
  }
}

/** Works on one item after the other, and lets the event loop turn after every `perTurn` of them. */
export async function inTurns<T>(
  items: readonly T[],
  perTurn: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  for (const [place, item] of items.entries()) {
    if (place > 0 && place % perTurn === 0) await turn();
    await work(item);
  }
}
