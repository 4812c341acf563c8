import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readDocument } from '../../../../collector/config/document.ts';

describe('reading YAML', () => {
  test('never throws, whatever the text', () => {
    const yamlish = fc
      .array(
        fc.constantFrom(
          'a',
          ':',
          ' ',
          '\n',
          '-',
          '[',
          ']',
          '{',
          '}',
          '"',
          "'",
          '&a',
          '*a',
          '!',
          '|',
          '>',
          '?',
          '#',
          '\t',
          '%',
          '@',
          '<<',
          '---',
          '1',
        ),
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(yamlish, fc.string()), (text) => {
        const { misprints, value } = readDocument(text);
        if (misprints.length === 0) return;
        for (const { line, column, message } of misprints) {
          expect(line).toBeGreaterThan(0);
          expect(column).toBeGreaterThan(0);
          expect(message).not.toBe('');
        }
        expect(value === undefined || misprints.every(({ message }) => message === 'this key stands here twice')).toBe(
          true,
        );
      }),
      { numRuns: 2_000 },
    );
  });

  test('finds the place of every key and item, through aliases as far as they are written there', () => {
    const document = readDocument('a:\n  - x: 1\n    y: &n [1, 2]\nb: *n\n7: seven\n');
    expect(document.placeOf(['a', 0, 'y', 1])).toEqual({ line: 3, column: 15 });
    expect(document.placeOf(['b', 1])).toEqual({ line: 4, column: 1 });
    expect(document.placeOf(['7'])).toEqual({ line: 5, column: 1 });
    expect(document.placeOf(['a', 0, 'nothing'])).toEqual({ line: 2, column: 5 });
    expect(document.placeOf([])).toEqual({ line: 1, column: 1 });
  });

  test('an anchor may be used many times', () => {
    const { value, misprints } = readDocument(`a: &p [1, 2]\nb: [${'*p, '.repeat(5_000)}]`);
    expect(misprints).toEqual([]);
    expect((value as { b: unknown[] }).b).toHaveLength(5_000);
  });
});

describe('a hostile text is refused in words', () => {
  const refusal = (text: string): string | undefined => readDocument(text).misprints[0]?.message;

  test('nesting without end', () => {
    expect(refusal('['.repeat(100_000))).toBe('this is nested too deeply');
    expect(refusal(Array.from({ length: 3_000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'))).toBe(
      'this is nested too deeply',
    );
  });

  test('aliases that unfold to billions of values', () => {
    const levels = Array.from({ length: 12 }, (_, i) => `l${i + 1}: &l${i + 1} [${`*l${i}, `.repeat(10)}]`);
    expect(refusal(`l0: &l0 [x, x, x, x, x]\n${levels.join('\n')}`)).toMatch(/unfold to more than 10,000,000 values/);
  });

  test('aliases by the thousand', () => {
    expect(refusal(`a: &a 1\nb: [${'*a,'.repeat(10_001)}]`)).toBe('this is nested too deeply');
  });

  test('an alias inside what it stands for, and one of nothing', () => {
    expect(refusal('a: &a [*a]')).toMatch(/not a name of an alias/);
    expect(refusal('a: *b')).toMatch(/not a name of an alias/);
  });

  test('a mapping of very many keys, read in a time that grows with it', () => {
    const keys = Array.from({ length: 50_000 }, (_, i) => `k${i}: 1`).join('\n');
    expect(readDocument(keys).misprints).toEqual([]);
    expect(readDocument(`${keys}\nk7: 2`).misprints).toEqual([
      { line: 50_001, column: 1, message: 'this key stands here twice' },
    ]);
  });

  test('more than 32 MiB', () => {
    expect(refusal(`# ${'x'.repeat(32 * 1_048_576)}`)).toBe('the file is larger than 32 MiB');
  });
});
