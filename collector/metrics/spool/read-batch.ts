import type { BatchLimit } from '../line-queue.ts';
import type { SpoolDisk } from './disk.ts';
import { findRecord, readRecord, textOfRecord } from './record.ts';
import type { Segment } from './segment.ts';

/** Read at once; more where the next record needs it. */
const WINDOW_BYTES = 262_144;

/** Lines of a segment, with a line break between them, and where it is settled when they are. */
export interface SegmentBatch {
  readonly text: string;
  readonly segment: Segment;
  readonly end: number;
  /** Lines by the headers of their records. */
  readonly counted: number;
  /** Of the last record. */
  readonly atMs: number;
  /** Bytes that were no records and are left out. */
  readonly damagedBytes: number;
}

/**
 * Whole records from where the segment was given out: as many as the limit takes, but at least one. No lines where
 * nothing but damage follows. Rejects when the file cannot be read.
 */
export async function readBatch(disk: SpoolDisk, segment: Segment, most: BatchLimit): Promise<SegmentBatch> {
  const from = segment.givenBytes;
  const buffer = await readWindow(disk, segment, from);
  const texts: string[] = [];
  let [offset, bytes, counted, damagedBytes, atMs] = [0, 0, 0, 0, segment.oldestAtMs];
  while (offset < buffer.length) {
    const record = readRecord(buffer, offset);
    if (record === undefined) {
      // Behind good records it may only be cut off by the window: that is seen when it comes first.
      if (counted > 0) break;
      const found = findRecord(buffer, offset) ?? buffer.length;
      damagedBytes += found - offset;
      offset = found;
      continue;
    }
    if (counted > 0 && counted + record.lines > most.lines) break;
    const more = await textOfRecord(record).catch(() => undefined);
    const moreBytes = more?.length ?? 0;
    if (counted > 0 && bytes + moreBytes > most.bytes) break;
    if (more === undefined) damagedBytes += record.payload.length;
    else texts.push(more);
    bytes += moreBytes;
    counted += record.lines;
    atMs = record.atMs;
    offset = record.end;
  }
  return { text: texts.join('\n'), segment, end: from + offset, counted, atMs, damagedBytes };
}

/** Bytes from an offset on, with at least one whole record among them where there is one. */
async function readWindow(disk: SpoolDisk, segment: Segment, from: number): Promise<Buffer> {
  const rest = segment.bytes - from;
  for (let length = WINDOW_BYTES; ; length *= 8) {
    const buffer = await disk.read(segment.name, from, Math.min(length, rest));
    if (length >= rest || findRecord(buffer, 0) !== undefined) return buffer;
  }
}
