import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  encodeRecord,
  findRecord,
  HEADER_BYTES,
  readHeader,
  readRecord,
  textOfRecord,
} from '../../../../../collector/metrics/spool/record.ts';

const someLines = fc.array(
  fc.string({ unit: 'grapheme', maxLength: 40 }).map((text) => text.replaceAll('\n', '')),
  { minLength: 1, maxLength: 50 },
);

async function linesAt(buffer: Buffer, offset: number): Promise<string[] | undefined> {
  const record = readRecord(buffer, offset);
  return record === undefined ? undefined : (await textOfRecord(record)).split('\n');
}

describe('a record', () => {
  test('gives back the lines and the instant that were put in, wherever it stands', async () => {
    await fc.assert(
      fc.asyncProperty(someLines, fc.nat(), fc.uint8Array({ maxLength: 40 }), async (lines, atMs, before) => {
        const buffer = Buffer.concat([before, await encodeRecord(lines, atMs)]);
        expect(await linesAt(buffer, before.length)).toEqual(lines);
        expect(readHeader(buffer, before.length)).toMatchObject({ lines: lines.length, atMs });
        expect(readRecord(buffer, before.length)?.end).toBe(buffer.length);
      }),
    );
  });

  test('is none when it is cut off anywhere', async () => {
    const record = await encodeRecord(['m v=1i 1', 'm v=2i 2'], 1);
    for (let length = 0; length < record.length; length += 1)
      expect(readRecord(record.subarray(0, length), 0)).toBeUndefined();
  });

  test('is none when any bit of it is changed', async () => {
    const record = await encodeRecord(['m v=1i 1', 'm v=2i 2'], 1);
    for (let bit = 0; bit < record.length * 8; bit += 1) {
      const changed = Buffer.from(record);
      changed.writeUInt8((changed[bit >> 3] ?? 0) ^ (1 << (bit & 7)), bit >> 3);
      expect(readRecord(changed, 0), `bit ${bit}`).toBeUndefined();
    }
  });

  test('is found again behind any damage', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), someLines, async (garbage, lines) => {
        const good = await encodeRecord(lines, 7);
        const torn = (await encodeRecord(['lost'], 6)).subarray(0, HEADER_BYTES - 4);
        const at = findRecord(Buffer.concat([torn, garbage, good]), 0);
        expect(at).toBe(torn.length + garbage.length);
      }),
    );
    expect(findRecord(Buffer.from('RCS1RCS1RCS1 and nothing more'), 0)).toBeUndefined();
  });

  test('that says it is larger than any we write is none', async () => {
    const record = await encodeRecord(['a'], 1);
    record.writeUInt32LE(0xffffffff, 8);
    expect(readHeader(record, 0)).toBeUndefined();
    expect(HEADER_BYTES).toBe(24);
  });
});
