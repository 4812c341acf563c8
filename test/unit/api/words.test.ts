import { expect, test } from 'vitest';

/** The page is plain JavaScript; only its shape matters here. */
const { wordsFor } = (await import(new URL('../../../web/words.js', import.meta.url).href)) as {
  wordsFor: (language: string) => Record<string, unknown>;
};

/** Names of all words, with those of the groups inside. */
function namesOf(words: Record<string, unknown>): string[] {
  return Object.entries(words).flatMap(([name, word]) =>
    typeof word === 'object' && word !== null ? [name, ...namesOf(word as Record<string, unknown>)] : [name],
  );
}

test('the page says everything in both languages', () => {
  expect(namesOf(wordsFor('zh-CN'))).toEqual(namesOf(wordsFor('en')));
});

test('a Chinese browser is shown Chinese, every other English', () => {
  expect(['zh', 'zh-TW', 'ZH-hans', 'en-GB', 'de'].map((language) => wordsFor(language).language)).toEqual([
    'zh-CN',
    'zh-CN',
    'zh-CN',
    'en',
    'en',
  ]);
});
