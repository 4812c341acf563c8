import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isCreditCode } from '../../../../collector/config/credit-code.ts';
import { nearest } from '../../../../collector/config/nearest.ts';

describe('the nearest known word', () => {
  test.each([
    ['prot', ['host', 'port', 'tls'], 'port'],
    ['timezone', ['timeZone', 'data'], 'timeZone'],
    ['serial_number', ['serialNumber', 'assetNumber'], 'serialNumber'],
    ['bindngs', ['bindings', 'name'], 'bindings'],
    ['colour', ['host', 'port'], undefined],
    ['x', [], undefined],
  ])('of %s among %j is %s', (written, words, meant) => {
    expect(nearest(written, words)).toBe(meant);
  });

  test('a word with one letter changed, lost, added or swapped is found again', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z]{6,12}$/),
        fc.nat(),
        fc.constantFrom('change', 'lose', 'add', 'swap'),
        (word, at, fault) => {
          const i = at % (word.length - 1);
          const [before, a, b, after] = [word.slice(0, i), word[i], word[i + 1], word.slice(i + 2)];
          const written = {
            change: `${before}0${b}${after}`,
            lose: `${before}${b}${after}`,
            add: `${before}${a}0${b}${after}`,
            swap: `${before}${b}${a}${after}`,
          }[fault];
          expect(nearest(written, ['nothing-like-it-at-all', word])).toBe(word);
        },
      ),
    );
  });
});

describe('统一社会信用代码 (GB 32100-2015)', () => {
  test.each(['91330100799655058B', '9144030071526726XG'])('%s is one', (code) => {
    expect(isCreditCode(code)).toBe(true);
  });

  test.each([
    '91330100799655058C',
    '9133010079965505',
    '91330100799655058b',
    '9133010079965505OB',
    '',
    '91330100799655058B ',
  ])('%j is none', (code) => {
    expect(isCreditCode(code)).toBe(false);
  });

  test('no single changed character goes unseen', () => {
    const alphabet = '0123456789ABCDEFGHJKLMNPQRTUWXY';
    const code = '91330100799655058B';
    for (let place = 0; place < 18; place += 1) {
      for (const letter of alphabet) {
        const changed = code.slice(0, place) + letter + code.slice(place + 1);
        expect(isCreditCode(changed)).toBe(changed === code);
      }
    }
  });
});
