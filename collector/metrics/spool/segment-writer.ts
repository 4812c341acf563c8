import type { SpoolDisk, SpoolFile } from './disk.ts';
import type { DroppedLines, DropReason } from './dropped-lines.ts';
import type { Segment } from './segment.ts';
import type { Segments } from './segments.ts';

/** The oldest segment gives way as a whole, so each is a small part of the cap, and of the disk. */
const SEGMENTS_OF_CAP = 32;
const SEGMENT_BYTES = { least: 64 * 1024, most: 8 * 1_048_576 };
const SYNC_EVERY_MS = 1_000;

/**
 * When what was appended is forced to the disk: before it may be sent (`each`), once a second (`second`: a loss of
 * power takes at most the last second), or when the operating system likes (`never`: a loss of power may take half a
 * minute). The end of our process alone, even by `kill -9`, takes nothing that was appended.
 */
export type SyncPolicy = 'each' | 'second' | 'never';

/** How much of the disk may be taken. */
export interface SpoolBounds {
  /** Bytes of all segments together. */
  readonly maxBytes: number;
  /** Bytes of the file system that are left to others, above all to the evidence; at most a twentieth of it. */
  readonly reserveBytes: number;
}

export interface WrittenRecord {
  readonly bytes: Buffer;
  readonly lines: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Appends records to the newest segment, and makes room for them. One call at a time. */
export class SegmentWriter {
  readonly #disk: SpoolDisk;
  readonly #segments: Segments;
  readonly #bounds: SpoolBounds;
  readonly #sync: SyncPolicy;
  readonly #dropped: DroppedLines;
  #open: { readonly segment: Segment; readonly file: SpoolFile } | undefined;
  #syncTimer: NodeJS.Timeout | undefined;

  constructor(parts: {
    readonly disk: SpoolDisk;
    readonly segments: Segments;
    readonly bounds: SpoolBounds;
    readonly sync: SyncPolicy;
    readonly dropped: DroppedLines;
  }) {
    this.#disk = parts.disk;
    this.#segments = parts.segments;
    this.#bounds = parts.bounds;
    this.#sync = parts.sync;
    this.#dropped = parts.dropped;
  }

  /** Rejects when the disk would not take it; what is there already is not harmed then. */
  async append({ bytes, lines, fromMs, toMs }: WrittenRecord): Promise<void> {
    try {
      const segmentBytes = await this.#makeRoom(bytes.length);
      const { segment, file } = await this.#opened(segmentBytes - bytes.length);
      await file.append(bytes);
      segment.appended({ bytes: bytes.length, lines, fromMs, toMs });
      if (this.#sync === 'each') await file.sync();
      else if (this.#sync === 'second') this.#syncSoon();
    } catch (error) {
      await this.#abandon();
      throw error;
    }
  }

  /** Rejects when the last bytes could not be synced. */
  async close(): Promise<void> {
    clearTimeout(this.#syncTimer);
    this.#syncTimer = undefined;
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return;
    open.segment.isOpen = false;
    try {
      if (this.#sync !== 'never') await open.file.sync();
    } finally {
      await open.file.close();
    }
  }

  /**
   * The oldest segments give way to the cap, and to what the disk has left: the evidence comes first. Resolves with how
   * large a segment may become.
   */
  async #makeRoom(bytes: number): Promise<number> {
    const { maxBytes, reserveBytes } = this.#bounds;
    while (this.#segments.all.length > 0 && this.#segments.bytes + bytes > maxBytes) await this.#dropOldest('cap');
    for (;;) {
      const { freeBytes, totalBytes } = await this.#disk.space();
      if (freeBytes - bytes >= Math.min(reserveBytes, totalBytes / 20)) {
        const share = Math.min(maxBytes, totalBytes) / SEGMENTS_OF_CAP;
        return Math.min(SEGMENT_BYTES.most, Math.max(SEGMENT_BYTES.least, share));
      }
      if (this.#segments.all.length === 0) throw new Error('what is left of the disk is kept for the evidence');
      await this.#dropOldest('disk');
    }
  }

  async #dropOldest(reason: DropReason): Promise<void> {
    const [oldest] = this.#segments.all;
    if (oldest === undefined) return;
    if (oldest.isOpen) await this.close();
    const { isSettled, waitingLines: lines, oldestAtMs: fromMs, newestAtMs: toMs } = oldest;
    await this.#segments.remove(oldest);
    if (!isSettled) this.#dropped.note({ reason, lines, fromMs, toMs });
  }

  /** The newest segment while it has no more than so many bytes, otherwise a new one. */
  async #opened(mostBytes: number): Promise<{ readonly segment: Segment; readonly file: SpoolFile }> {
    if (this.#open !== undefined && this.#open.segment.bytes <= mostBytes) return this.#open;
    await this.close();
    this.#open = await this.#segments.create();
    this.#segments.tidy();
    return this.#open;
  }

  /** Some of a record may stand at the end of the file: the next one begins a new file. */
  async #abandon(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return;
    open.segment.isOpen = false;
    await open.file.truncate(open.segment.bytes).catch(() => {});
    await open.file.close().catch(() => {});
  }

  /** A failure is found again, and told, by the next append or by closing. */
  #syncSoon(): void {
    this.#syncTimer ??= setTimeout(() => {
      this.#syncTimer = undefined;
      this.#open?.file.sync().catch(() => this.#abandon());
    }, SYNC_EVERY_MS).unref();
  }
}
