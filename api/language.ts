/** The languages that titles and hints of problems are written in. */
export type Language = 'en' | 'zh-CN';

/** Longest `Accept-Language` that is looked at; a longer one asks for nothing we have. */
const MAX_HEADER_LENGTH = 1000;

/**
 * The language a caller asks for (RFC 9110, 12.5.4): the highest weighted range that is Chinese or English; English
 * without a header, with `*`, and for every other language, because most callers of the API are programs.
 */
export function preferredLanguage(acceptLanguage: string | undefined): Language {
  if (acceptLanguage === undefined || acceptLanguage.length > MAX_HEADER_LENGTH) return 'en';
  let best: Language = 'en';
  let bestWeight = 0;
  for (const part of acceptLanguage.split(',')) {
    const [range = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const language = languageOf(range);
    const weight = weightOf(parameters);
    if (language === undefined || !(weight > bestWeight)) continue;
    best = language;
    bestWeight = weight;
  }
  return best;
}

function languageOf(range: string): Language | undefined {
  if (range === 'zh' || range.startsWith('zh-')) return 'zh-CN';
  if (range === 'en' || range.startsWith('en-') || range === '*') return 'en';
  return undefined;
}

/** The weight of a range, 1 where none is stated, NaN where it is no number. */
function weightOf(parameters: readonly string[]): number {
  const stated = parameters.find((parameter) => parameter.startsWith('q='));
  return stated === undefined ? 1 : Number(stated.slice(2) || Number.NaN);
}
