import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Answer } from '../../../../collector/metrics/influx-answer.ts';
import { InfluxWriter } from '../../../../collector/metrics/influx-writer.ts';
import { LineBuffer } from '../../../../collector/metrics/line-buffer.ts';
import { until } from '../../../support/wait.ts';
import { unwatched } from '../../../support/writer-parts.ts';

const STORED: Answer = { kind: 'stored' };
const REFUSED: Answer = { kind: 'refused', dropped: undefined, words: '400 no' };
const LATER: Answer = { kind: 'later', waitMs: undefined, words: 'connect ECONNREFUSED' };
const FAST = { firstMs: 1, longestMs: 4, instructedMs: 2 };
const SLOW = { firstMs: 60_000, longestMs: 60_000, instructedMs: 60_000 };

function writerOf(
  answer: (lines: readonly string[], attempt: number) => Answer | Promise<Answer>,
  { timing = FAST } = {},
) {
  const stored: string[] = [];
  const aside: string[] = [];
  const told: string[] = [];
  const sizes: number[] = [];
  const server = {
    target: { url: 'http://metrics', place: 'database d' },
    async write(text: string): Promise<Answer> {
      const lines = text.split('\n');
      sizes.push(lines.length);
      const said = await answer(lines, sizes.length);
      if (said.kind === 'stored') stored.push(...lines);
      return said;
    },
    close: () => {},
  };
  const log = {
    warn: (_: object, message: string) => void told.push(message),
    info: (_: object, message: string) => void told.push(message),
  };
  const setAside = (lines: readonly string[]): Promise<void> => {
    aside.push(...lines);
    return Promise.resolve();
  };
  const writer = new InfluxWriter({
    server,
    queue: new LineBuffer(100_000_000, () => 'gap'),
    ...unwatched(),
    setAside,
    log,
    random: () => 0.5,
    timing,
  });
  return { writer, stored, aside, told, sizes };
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `m v=${i}i ${i}`);

describe('the writer', () => {
  test('writes what it was given before it started and what comes while it runs, 10,000 lines at once', async () => {
    const { writer, stored, sizes } = writerOf(() => STORED);
    writer.add(numbered(12_000), 1);
    writer.start();
    await until('12,000 lines stored', () => stored.length === 12_000);
    writer.add(['later v=1i 1'], 2);
    await until('one more', () => stored.length === 12_001);
    await writer.stop(1_000);
    expect(sizes).toEqual([10_000, 2_000, 1]);
    expect(writer.status).toMatchObject({ lines: 0, written: 12_001, rejected: 0, dropped: 0, failure: undefined });
  });

  test('keeps a line until the server has answered for it, in order, however often it fails', async () => {
    const { writer, stored } = writerOf((_, attempt) => (attempt % 3 === 0 ? STORED : LATER));
    writer.start();
    for (let i = 0; i < 20; i += 1) writer.add([`l${i}`], i);
    await until('all lines stored', () => stored.length === 20);
    expect(stored).toEqual(Array.from({ length: 20 }, (_, i) => `l${i}`));
    await writer.stop(1_000);
  });

  test('finds the lines that are refused by halving, sets them aside, and stores all others', async () => {
    const bad = new Set(['m v=7i 7', 'm v=4999i 4999', 'm v=5000i 5000']);
    const { writer, stored, aside, sizes } = writerOf((lines) =>
      lines.some((line) => bad.has(line)) ? REFUSED : STORED,
    );
    writer.add(numbered(10_000), 1);
    writer.start();
    await until('all lines settled', () => writer.status.lines === 0);
    await writer.stop(1_000);
    expect(aside).toEqual([...bad]);
    expect(stored).toHaveLength(9_997);
    expect(sizes.length).toBeLessThan(3 * 2 * 14);
    expect(writer.status).toMatchObject({ written: 9_997, rejected: 3 });
  });

  test('does not halve what the server dropped altogether', async () => {
    const { writer, aside, sizes } = writerOf((lines) => ({
      kind: 'refused',
      dropped: lines.length,
      words: 'beyond retention',
    }));
    writer.add(numbered(5_000), 1);
    writer.start();
    await until('all lines settled', () => writer.status.lines === 0);
    await writer.stop(1_000);
    expect([aside.length, sizes]).toEqual([5_000, [5_000]]);
  });

  test('halves what is too large, and sets aside a line that is too large alone', async () => {
    const { writer, stored, aside } = writerOf((lines) =>
      lines.join('\n').length > 100 ? { kind: 'too-large', words: '413' } : STORED,
    );
    writer.add(['a'.repeat(101), ...numbered(50)], 1);
    writer.start();
    await until('all lines settled', () => writer.status.lines === 0);
    await writer.stop(1_000);
    expect(aside).toEqual(['a'.repeat(101)]);
    expect(stored).toEqual(numbered(50));
  });

  test('goes on halving where it was after the server was away', async () => {
    const { writer, stored, aside } = writerOf((lines, attempt) => {
      if (attempt % 2 === 0) return LATER;
      return lines.includes('m v=3i 3') ? REFUSED : STORED;
    });
    writer.add(numbered(64), 1);
    writer.start();
    await until('all lines settled', () => writer.status.lines === 0);
    await writer.stop(1_000);
    expect(aside).toEqual(['m v=3i 3']);
    expect(new Set(stored).size).toBe(63);
    expect(stored).toHaveLength(63);
  });

  test('says once why it fails and what to do, shows it while it lasts, and says when it is over', async () => {
    let isThere = false;
    const { writer, told } = writerOf(() =>
      isThere ? STORED : { kind: 'instruction', words: '401 unauthorized', hint: 'check the token' },
    );
    writer.add(['a'], 1);
    writer.start();
    await until('a few attempts', () => writer.status.failure !== undefined);
    expect(writer.status.failure).toEqual({
      message: 'writing metrics to http://metrics: 401 unauthorized',
      hint: 'check the token',
    });
    isThere = true;
    await until('the line is stored', () => writer.status.written === 1);
    expect(told).toEqual(['writing metrics to http://metrics: 401 unauthorized', 'InfluxDB takes metrics again']);
    expect(writer.status.failure).toBeUndefined();
    await writer.stop(1_000);
  });

  test('waits as long as the server asks, and new lines do not cut that short', async () => {
    const { writer, sizes } = writerOf((_, attempt) =>
      attempt === 1 ? { kind: 'later', waitMs: 3_600_000, words: '429' } : STORED,
    );
    writer.add(['a'], 1);
    writer.start();
    await until('the first attempt', () => writer.status.failure !== undefined);
    writer.add(['b'], 2);
    await new Promise((resolve) => setImmediate(resolve));
    expect(sizes).toEqual([1]);
    await writer.stop(1_000);
    expect(sizes).toEqual([1, 1, 1]);
  });

  test('tries once more when it is stopped during a wait, and says what is lost', async () => {
    const away = writerOf(() => LATER, { timing: SLOW });
    away.writer.add(['a', 'b'], 1);
    away.writer.start();
    await until('the first attempt', () => away.writer.status.failure !== undefined);
    await away.writer.stop(60_000);
    expect(away.sizes).toHaveLength(2);
    expect(away.told.at(-1)).toBe('metrics that InfluxDB did not take are lost; the evidence is not');
  });

  test('ends in time when the server never answers', async () => {
    let abort: (() => void) | undefined;
    const writer = new InfluxWriter({
      server: {
        target: { url: 'http://metrics', place: 'database d' },
        write: (_, signal) =>
          new Promise((resolve) => {
            abort = () => resolve({ kind: 'later', waitMs: undefined, words: 'stopped' });
            signal.addEventListener('abort', () => abort?.());
          }),
        close: () => {},
      },
      queue: new LineBuffer(100, () => 'gap'),
      ...unwatched(),
      setAside: () => Promise.resolve(),
      log: { warn: () => {}, info: () => {} },
      random: () => 0,
    });
    writer.add(['a'], 1);
    writer.start();
    await until('a request under way', () => abort !== undefined);
    await writer.stop(10);
    expect(writer.status.lines).toBe(1);
  });

  test('takes nothing more once it stops', async () => {
    const { writer, stored } = writerOf(() => STORED);
    writer.start();
    await writer.stop(1_000);
    writer.add(['a'], 1);
    expect([stored, writer.status.lines]).toEqual([[], 0]);
  });

  test('stores every line exactly once or sets it aside, whatever the server answers in between', async () => {
    const answers = fc.infiniteStream(fc.constantFrom('ok', 'ok', 'later', 'too-large', 'instruction'));
    await fc.assert(
      fc.asyncProperty(
        answers,
        fc.integer({ min: 1, max: 300 }),
        fc.uniqueArray(fc.nat(299), { maxLength: 5 }),
        async (stream, count, bad) => {
          const isBad = new Set(bad.map((i) => `m v=${i}i ${i}`));
          const { writer, stored, aside } = writerOf(
            (lines) => {
              const next = stream.next().value;
              if (next === 'later') return LATER;
              if (next === 'instruction') return { kind: 'instruction', words: '401', hint: 'x' };
              if (lines.some((line) => isBad.has(line))) return REFUSED;
              return next === 'too-large' && lines.length > 1 ? { kind: 'too-large', words: '413' } : STORED;
            },
            { timing: { firstMs: 0, longestMs: 0, instructedMs: 0 } },
          );
          writer.add(numbered(count), 1);
          writer.start();
          await until('all lines settled', () => writer.status.lines === 0);
          await writer.stop(1_000);
          const good = numbered(count).filter((line) => !isBad.has(line));
          expect(stored).toEqual(good);
          expect(aside.length + stored.length).toBe(count);
        },
      ),
      { numRuns: 20 },
    );
  });
});
