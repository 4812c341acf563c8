import type { SourceEvent } from '../contract.ts';
import { fastestAnswerUs, type LineSpeed } from './line-time.ts';
import type { Exchange } from './transaction.ts';

/** Answers in a row that must be too fast, or not, before a finding is made or taken back. */
const IN_A_ROW = 3;

type Notice = Extract<SourceEvent, { kind: 'notice' }>;

/** R13 for one unit behind a line of known speed: answers faster than the line could carry them are a finding. */
export class Plausibility {
  readonly #address: string;
  readonly #speed: LineSpeed;
  readonly #tell: (notice: Notice) => void;
  #inARow = 0;
  #isFinding = false;

  constructor(address: string, speed: LineSpeed, tell: (notice: Notice) => void) {
    this.#address = address;
    this.#speed = speed;
    this.#tell = tell;
  }

  /** Looks at one exchange. */
  add({ pdu, roundTripUs }: Pick<Exchange, 'pdu' | 'roundTripUs'>, requestPduBytes: number): void {
    const leastUs = fastestAnswerUs(requestPduBytes + pdu.length, this.#speed);
    const isTooFast = roundTripUs < leastUs;
    if (isTooFast === this.#isFinding) {
      this.#inARow = 0;
      return;
    }
    this.#inARow += 1;
    if (this.#inARow < IN_A_ROW) return;
    this.#inARow = 0;
    this.#isFinding = isTooFast;
    const code = `answers-too-fast ${this.#address}`;
    if (!isTooFast) {
      this.#tell({ kind: 'notice', code, level: 'cleared', message: '' });
      return;
    }
    const { baudRate } = this.#speed;
    this.#tell({
      kind: 'notice',
      code,
      level: 'warning',
      message: `${this.#address} answered in ${milliseconds(roundTripUs)} what a line of ${baudRate} baud carries in ${milliseconds(leastUs)} at the least (R13)`,
      hint: 'innocent when the gateway answers from a memory of its own, or when the speed of the line is another than configured; else somebody answers who is not on the line',
    });
  }
}

function milliseconds(us: number): string {
  return `${(us / 1000).toFixed(1)} ms`;
}
