/** When not one more message comes for so long, the rest never will. */
const STALLED_MS = 30_000;

/** Counts messages and, when all are there, prints time and CPU from the first to the last as one line of JSON. */
export class Meter {
  readonly finished: Promise<void>;
  readonly #expected: number;
  #finish: () => void = () => {};
  #counted = 0;
  #startedAtMs = 0;
  #cpu: NodeJS.CpuUsage = { user: 0, system: 0 };
  #stalled: NodeJS.Timeout | undefined;

  constructor(expected: number) {
    this.#expected = expected;
    this.finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  /** Ends the program with an error when messages stop to come before all are there. */
  watch(): void {
    let before = this.#counted;
    this.#stalled = setInterval(() => {
      if (this.#counted === before) {
        console.error(`${this.#counted} of ${this.#expected} messages came, and no more for ${STALLED_MS / 1000} s`);
        process.exit(1);
      }
      before = this.#counted;
    }, STALLED_MS);
  }

  count(messages: number): void {
    if (this.#counted === 0 && messages > 0) {
      this.#startedAtMs = performance.now();
      this.#cpu = process.cpuUsage();
    }
    this.#counted += messages;
    if (this.#counted >= this.#expected) this.#report();
  }

  #report(): void {
    clearInterval(this.#stalled);
    const seconds = (performance.now() - this.#startedAtMs) / 1000;
    const { user, system } = process.cpuUsage(this.#cpu);
    const rssMiB = process.memoryUsage.rss() / 1_048_576;
    console.log(JSON.stringify({ messages: this.#counted, seconds, cpuUs: user + system, rssMiB }));
    this.#finish();
  }
}
