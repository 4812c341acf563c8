import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameLimit } from '../../../../protocols/mqtt/frame-limit.ts';
import { packet } from './scripted-broker.ts';

describe('a limit of packets', () => {
  test('accepts any packets within it, however the stream is cut', () => {
    const packets = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 });
    fc.assert(
      fc.property(packets, fc.integer({ min: 1, max: 50 }), (bodies, step) => {
        const stream = Buffer.concat(bodies.map((body) => packet(0x30, Buffer.from(body))));
        const limit = new FrameLimit(300);
        for (let at = 0; at < stream.length; at += step)
          expect(limit.accepts(stream.subarray(at, at + step))).toBe(true);
      }),
    );
  });

  test('refuses a longer one at its header, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.integer({ min: 301, max: 200_000 }), fc.integer({ min: 1, max: 3 }), (length, step) => {
        const stream = Buffer.concat([
          packet(0x30, Buffer.alloc(300)),
          packet(0x30, Buffer.alloc(length)).subarray(0, 5),
        ]);
        const limit = new FrameLimit(300);
        const accepted = [];
        for (let at = 0; at < stream.length; at += step) accepted.push(limit.accepts(stream.subarray(at, at + step)));
        expect(accepted).toContain(false);
      }),
    );
  });

  test('refuses a length of five bytes', () => {
    expect(new FrameLimit(300).accepts(Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80, 0x01]))).toBe(false);
  });
});
