import type { BatchLimit, LineBatch, LineQueue, QueueStatus } from '../line-queue.ts';
import type { SpoolDisk } from './disk.ts';
import { DroppedLines, type LineGap } from './dropped-lines.ts';
import { readBatch, type SegmentBatch } from './read-batch.ts';
import { encodeRecord } from './record.ts';
import { SegmentWriter, type SpoolBounds, type SyncPolicy } from './segment-writer.ts';
import { Segments } from './segments.ts';

/** Of one record. */
const RECORD_LINES = 5_000;
/** In memory before they are on disk, beyond one call's lines: more than that and the disk is slower than what comes. */
const MAX_PENDING_LINES = 200_000;

export interface SpoolParts {
  readonly disk: SpoolDisk;
  readonly bounds: SpoolBounds;
  readonly sync: SyncPolicy;
  /** The line that declares a gap. */
  readonly gapLine: (gap: LineGap) => string;
  readonly log: { warn(fields: object, message: string): void };
}

interface Pending {
  readonly lines: readonly string[];
  readonly atMs: number;
}

/**
 * Lines on disk, in segments that are only appended to. A segment is removed when all of it is settled; when the cap is
 * reached, or the disk is nearly full, the oldest is removed unsent, counted, and declared as a gap.
 *
 * What comes now is given out first, then what waits from before, oldest first: after an outage charts show the
 * present at once. Within a segment the order is kept. How far a segment is settled is noted after the fact, so that
 * after a crash some lines are given out again; sending them again changes nothing.
 */
export class Spool implements LineQueue {
  readonly #parts: SpoolParts;
  readonly #segments: Segments;
  readonly #writer: SegmentWriter;
  readonly #dropped = new DroppedLines();
  readonly #tell: (message: string) => void;
  #pending: Pending[] = [];
  #pendingLines = 0;
  #appending: Promise<void> | undefined;
  #isClosed = false;

  private constructor(parts: SpoolParts, segments: Segments, tell: (message: string) => void) {
    const { disk, bounds, sync } = parts;
    this.#parts = parts;
    this.#segments = segments;
    this.#tell = tell;
    this.#writer = new SegmentWriter({ disk, segments, bounds, sync, dropped: this.#dropped });
  }

  /** Opens what earlier runs left. Rejects when the folder cannot be read. */
  static async open(parts: SpoolParts): Promise<Spool> {
    const tell = onceEach((message) => parts.log.warn({}, message));
    return new Spool(parts, await Segments.open(parts.disk, tell), tell);
  }

  get status(): QueueStatus {
    const waiting = this.#segments.all.filter(({ isSettled }) => !isSettled);
    const instants = waiting.map(({ oldestAtMs }) => oldestAtMs);
    const [pending] = this.#pending;
    if (pending !== undefined) instants.push(pending.atMs);
    return {
      lines: waiting.reduce((sum, { waitingLines }) => sum + waitingLines, this.#pendingLines),
      bytes: waiting.reduce((sum, { waitingBytes }) => sum + waitingBytes, 0),
      dropped: this.#dropped.total,
      oldestAtMs: instants.length === 0 ? undefined : Math.min(...instants),
      isDurable: true,
    };
  }

  add(lines: readonly string[], atMs: number): void {
    if (lines.length === 0) return;
    const isTooMuch = this.#pendingLines > 0 && this.#pendingLines + lines.length > MAX_PENDING_LINES;
    if (this.#isClosed || isTooMuch) {
      this.#dropped.note({ reason: 'overload', lines: lines.length, fromMs: atMs, toMs: atMs });
      return;
    }
    for (let i = 0; i < lines.length; i += RECORD_LINES) {
      this.#pending.push({ lines: lines.slice(i, i + RECORD_LINES), atMs });
    }
    this.#pendingLines += lines.length;
    this.#appending ??= this.#appendPending();
  }

  async kept(): Promise<void> {
    while (this.#appending !== undefined) await this.#appending;
  }

  async next(most: BatchLimit): Promise<LineBatch | undefined> {
    await this.#appending;
    for (let segment = this.#segments.nextToGive; segment !== undefined; segment = this.#segments.nextToGive) {
      const batch = await readBatch(this.#parts.disk, segment, most).catch((error: unknown) => messageOf(error));
      // It gave way to newer lines while it was being read.
      if (!this.#segments.all.includes(segment)) continue;
      if (typeof batch === 'string') {
        this.#tell(`the metrics spool cannot be read, and is tried again: ${batch}`);
        return undefined;
      }
      segment.givenBytes = batch.end;
      this.#noteDamage(batch);
      return { text: batch.text, lines: batch.counted, place: batch };
    }
    return undefined;
  }

  settle({ place }: LineBatch): void {
    const { segment, end, counted, atMs } = place as SegmentBatch;
    segment.settled(end, counted, atMs);
    this.#segments.tidy();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.kept();
    await this.#writer.close().catch((error: unknown) => this.#tell(cannotWrite(error)));
    this.#segments.tidy();
    await this.#segments.tidied();
  }

  /** Never rejects. */
  async #appendPending(): Promise<void> {
    while (this.#pending.length > 0) {
      const taken = upTo(RECORD_LINES, this.#pending);
      const lines = taken.flatMap((each) => each.lines);
      const [fromMs, toMs] = [taken[0]?.atMs ?? 0, taken.at(-1)?.atMs ?? 0];
      const gaps = this.#dropped.take();
      try {
        const bytes = await encodeRecord([...gaps.map(this.#parts.gapLine), ...lines], fromMs);
        await this.#writer.append({ bytes, lines: lines.length + gaps.length, fromMs, toMs });
      } catch (error) {
        this.#tell(cannotWrite(error));
        this.#dropped.again(gaps);
        this.#dropped.note({ reason: 'disk', lines: lines.length, fromMs, toMs });
      }
      this.#pending.splice(0, taken.length);
      this.#pendingLines -= lines.length;
    }
    // In the same breath as the last look: lines that come now begin it anew.
    this.#appending = undefined;
  }

  #noteDamage({ damagedBytes, segment }: SegmentBatch): void {
    if (damagedBytes === 0) return;
    const { name, oldestAtMs: fromMs, newestAtMs: toMs } = segment;
    this.#dropped.note({ reason: 'damage', lines: 0, fromMs, toMs });
    this.#parts.log.warn({ segment: name, damagedBytes }, 'a part of the metrics spool was damaged and is left out');
  }
}

/** The first entries that together have at most so many lines, but at least one entry. */
function upTo(most: number, pending: readonly Pending[]): readonly Pending[] {
  let lines = 0;
  const end = pending.findIndex((each, i) => {
    lines += each.lines.length;
    return i > 0 && lines > most;
  });
  return end < 0 ? [...pending] : pending.slice(0, end);
}

/** Says a message once until another one comes. */
function onceEach(tell: (message: string) => void): (message: string) => void {
  let told: string | undefined;
  return (message) => {
    if (message !== told) tell(message);
    told = message;
  };
}

function cannotWrite(error: unknown): string {
  return `the metrics spool cannot be written, and what comes is dropped: ${messageOf(error)}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
