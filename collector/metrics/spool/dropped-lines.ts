export type DropReason = 'cap' | 'disk' | 'overload' | 'damage';

/** An interval of which lines are missing. */
export interface LineGap {
  readonly reason: DropReason;
  /** 0 where it cannot be known. */
  readonly lines: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Counts lost lines, and keeps what must still be declared: one gap for each reason, however often it happened. */
export class DroppedLines {
  #total = 0;
  readonly #undeclared = new Map<DropReason, LineGap>();

  /** Lines since start. */
  get total(): number {
    return this.#total;
  }

  note(gap: LineGap): void {
    this.#total += gap.lines;
    this.#remember(gap);
  }

  /** What was not declared yet; given out once. */
  take(): readonly LineGap[] {
    const gaps = [...this.#undeclared.values()];
    this.#undeclared.clear();
    return gaps;
  }

  /** Gaps that could not be declared after all. */
  again(gaps: readonly LineGap[]): void {
    for (const gap of gaps) this.#remember(gap);
  }

  #remember({ reason, lines, fromMs, toMs }: LineGap): void {
    const known = this.#undeclared.get(reason);
    this.#undeclared.set(reason, {
      reason,
      lines: (known?.lines ?? 0) + lines,
      fromMs: Math.min(known?.fromMs ?? fromMs, fromMs),
      toMs: Math.max(known?.toMs ?? toMs, toMs),
    });
  }
}
