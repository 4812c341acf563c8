/** Counts messages and, when all are there, prints time and CPU from the first to the last as one line of JSON. */
export class Meter {
  readonly finished: Promise<void>;
  readonly #expected: number;
  #finish: () => void = () => {};
  #counted = 0;
  #startedAtMs = 0;
  #cpu: NodeJS.CpuUsage = { user: 0, system: 0 };

  constructor(expected: number) {
    this.#expected = expected;
    this.finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
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
    const seconds = (performance.now() - this.#startedAtMs) / 1000;
    const { user, system } = process.cpuUsage(this.#cpu);
    const rssMiB = process.memoryUsage.rss() / 1_048_576;
    console.log(JSON.stringify({ messages: this.#counted, seconds, cpuUs: user + system, rssMiB }));
    this.#finish();
  }
}
