import type { SpoolDisk, SpoolFile } from './disk.ts';
import { reopenedSegment, Segment, segmentNumber } from './segment.ts';

const SETTLED_FILE = 'settled.json';

interface Settled {
  readonly bytes: number;
  readonly lines: number;
}

/** The files of a spool, and how far each is settled. */
export class Segments {
  readonly #disk: SpoolDisk;
  readonly #tell: (message: string) => void;
  /** In order of number. */
  #list: readonly Segment[] = [];
  #nextNumber = 1;
  #tidying: Promise<void> = Promise.resolve();
  #isTidyingSoon = false;

  private constructor(disk: SpoolDisk, tell: (message: string) => void) {
    this.#disk = disk;
    this.#tell = tell;
  }

  /** What earlier runs left; none of it is appended to again. Rejects when the folder cannot be read. */
  static async open(disk: SpoolDisk, tell: (message: string) => void): Promise<Segments> {
    const segments = new Segments(disk, tell);
    const numbers = (await disk.list()).map(segmentNumber).filter((number) => number !== undefined);
    const settled = await readSettled(disk);
    const list: Segment[] = [];
    for (const number of numbers.sort((a, b) => a - b)) {
      const segment = await reopenedSegment(disk, number);
      const known = settled.get(number);
      if (known !== undefined && known.bytes <= segment.bytes) segment.settled(known.bytes, known.lines, 0);
      list.push(segment);
    }
    segments.#list = list;
    // A number is never used twice, or what was settled under it would be taken for settled again.
    segments.#nextNumber = Math.max(0, ...numbers, ...settled.keys()) + 1;
    segments.tidy();
    await segments.tidied();
    return segments;
  }

  get all(): readonly Segment[] {
    return this.#list;
  }

  get bytes(): number {
    return this.#list.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  /** The newest first, so that the present is seen at once; then the oldest. Undefined when all was given out. */
  get nextToGive(): Segment | undefined {
    const waiting = this.#list.filter(({ givenBytes, bytes }) => givenBytes < bytes);
    const newest = waiting.at(-1);
    return newest !== undefined && newest === this.#list.at(-1) ? newest : waiting[0];
  }

  async create(): Promise<{ readonly segment: Segment; readonly file: SpoolFile }> {
    const segment = new Segment(this.#nextNumber);
    this.#nextNumber += 1;
    const file = await this.#disk.create(segment.name);
    this.#list = [...this.#list, segment];
    segment.isOpen = true;
    return { segment, file };
  }

  async remove(segment: Segment): Promise<void> {
    this.#list = this.#list.filter((other) => other !== segment);
    await this.#disk.remove(segment.name);
  }

  /** Removes what is settled and notes how far the rest is; in the background, never rejects. */
  tidy(): void {
    if (this.#isTidyingSoon) return;
    this.#isTidyingSoon = true;
    this.#tidying = this.#tidyAfter(this.#tidying);
  }

  /** Resolves when everything was tidied that was asked for. */
  tidied(): Promise<void> {
    return this.#tidying;
  }

  async #tidyAfter(previous: Promise<void>): Promise<void> {
    await previous;
    this.#isTidyingSoon = false;
    try {
      for (const segment of this.#list) if (segment.isSettled && !segment.isOpen) await this.remove(segment);
      const begun = this.#list.filter(({ settledBytes }) => settledBytes > 0);
      const note = begun.map(({ number, settledBytes: bytes, settledLines: lines }) => [number, { bytes, lines }]);
      await this.#disk.replace(SETTLED_FILE, JSON.stringify(Object.fromEntries(note)));
    } catch (error) {
      this.#tell(`the metrics spool cannot be tidied: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

/** Nothing is settled where that cannot be read: then everything is sent again. */
async function readSettled(disk: SpoolDisk): Promise<Map<number, Settled>> {
  const settled = new Map<number, Settled>();
  try {
    const read = JSON.parse(await disk.text(SETTLED_FILE)) as Readonly<Record<string, Partial<Settled> | null>>;
    for (const [number, known] of Object.entries(read)) {
      const [bytes, lines] = [known?.bytes, known?.lines];
      const isSound = /^\d{1,12}$/.test(number) && Number.isSafeInteger(bytes) && Number.isSafeInteger(lines);
      if (isSound) settled.set(Number(number), { bytes: Number(bytes), lines: Number(lines) });
    }
  } catch {
    return new Map();
  }
  return settled;
}
