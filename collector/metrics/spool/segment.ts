import type { SpoolDisk } from './disk.ts';
import { HEADER_BYTES, readHeader } from './record.ts';

const SUFFIX = '.spool';
const NAME = /^(\d{12})\.spool$/;

/** What is known of one file of the spool without reading its lines. */
export class Segment {
  readonly number: number;
  bytes = 0;
  lines = 0;
  /** Up to here every record is settled. */
  settledBytes = 0;
  settledLines = 0;
  /** Up to here every record was given out, or passed over as damage. */
  givenBytes = 0;
  /** Of the first line that is not settled, or a little earlier. */
  oldestAtMs = 0;
  newestAtMs = 0;
  /** It is being appended to. */
  isOpen = false;

  constructor(number: number) {
    this.number = number;
  }

  get name(): string {
    return `${String(this.number).padStart(12, '0')}${SUFFIX}`;
  }

  get isSettled(): boolean {
    return this.settledBytes >= this.bytes;
  }

  get waitingLines(): number {
    return this.isSettled ? 0 : Math.max(0, this.lines - this.settledLines);
  }

  get waitingBytes(): number {
    return Math.max(0, this.bytes - this.settledBytes);
  }

  appended(record: {
    readonly bytes: number;
    readonly lines: number;
    readonly fromMs: number;
    readonly toMs: number;
  }): void {
    if (this.isSettled) this.oldestAtMs = record.fromMs;
    this.bytes += record.bytes;
    this.lines += record.lines;
    this.newestAtMs = record.toMs;
  }

  /** `atMs` is that of the last settled line; 0 where it is not known. */
  settled(end: number, lines: number, atMs: number): void {
    this.settledBytes = Math.max(this.settledBytes, end);
    this.settledLines += lines;
    this.givenBytes = Math.max(this.givenBytes, end);
    if (atMs > 0) this.oldestAtMs = atMs;
  }
}

/** The number of a segment's file name; undefined for other files. */
export function segmentNumber(name: string): number | undefined {
  const digits = NAME.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/**
 * A segment as an earlier run left it. Only headers are read: whether a record is whole is seen when it is sent.
 * What follows a header that is none counts as bytes without lines.
 */
export async function reopenedSegment(disk: SpoolDisk, number: number): Promise<Segment> {
  const segment = new Segment(number);
  const size = await disk.sizeOf(segment.name);
  for (let offset = 0; offset < size; ) {
    const header = readHeader(await disk.read(segment.name, offset, HEADER_BYTES), 0);
    if (header === undefined) break;
    const bytes = Math.min(HEADER_BYTES + header.payloadBytes, size - offset);
    segment.appended({ bytes, lines: header.lines, fromMs: header.atMs, toMs: header.atMs });
    offset += bytes;
  }
  segment.bytes = size;
  return segment;
}
