/** One figure against its baseline of the same run. */
export interface BenchRow {
  readonly name: string;
  readonly measured: number;
  readonly baseline: number;
  /** Unit of both figures, for example `messages/s` or `µs CPU/message`. */
  readonly unit: string;
  /** `measured / baseline`, or what the budget is stated in; printed with three digits. */
  readonly ratio: number;
  /** The budget in words, for example `≥ 0.8`. */
  readonly budget: string;
  readonly pass: boolean;
}

/** One benchmark: `npm run bench -- NAME` runs `bench/NAME.bench.ts`, which exports it as `bench`. At most 3 minutes each, soaks aside. */
export interface Bench {
  readonly name: string;
  /** One line for the list. */
  readonly about: string;
  run(report: (row: BenchRow) => void): Promise<void>;
}
