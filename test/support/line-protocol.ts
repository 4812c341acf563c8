/** One point as a server understands it. */
export interface ParsedPoint {
  readonly measurement: string;
  /** Measurement and tags in order of tag: what makes a series. */
  readonly series: string;
  readonly tags: Readonly<Record<string, string>>;
  /** As written: `3i`, `0.5`, `"text"`, `t`. */
  readonly fields: Readonly<Record<string, string>>;
  readonly time: number;
}

const FIELD_VALUE =
  /^([-+]?\d+[iu]|[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|"(\\.|[^"\\])*"|t|T|true|True|TRUE|f|F|false|False|FALSE)$/;

/**
 * Reads one line of the line protocol strictly, as its public reference describes it; what is wrong, where it is not
 * one. Every line needs a time here: without one a point sent again would be another point.
 */
export function parseLine(line: string): ParsedPoint | string {
  const [key = '', ...afterKey] = split(line, ' ', 'literal');
  const parts = split(afterKey.join(' '), ' ', 'strings');
  const [fieldSet = '', timeText] = parts;
  if (parts.length !== 2) return timeText === undefined ? 'missing timestamp' : 'too many parts';
  if (!/^-?\d{1,19}$/.test(timeText ?? '')) return 'bad timestamp';
  const [measurement = '', ...tagPairs] = split(key, ',', 'literal');
  if (measurement === '' || measurement.startsWith('#')) return 'missing measurement';
  const tags = pairs(tagPairs, 'literal');
  if (typeof tags === 'string') return `tags: ${tags}`;
  const fields = pairs(split(fieldSet, ',', 'strings'), 'strings');
  if (typeof fields === 'string') return `fields: ${fields}`;
  const wrong = Object.entries(fields).find(([, value]) => !FIELD_VALUE.test(value));
  if (wrong !== undefined) return `invalid value of field ${wrong[0]}`;
  const sorted = Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1));
  const series = [measurement, ...sorted.map(([name, value]) => `${name}=${value}`)].join(',');
  return { measurement: unescape(measurement), series, tags, fields, time: Number(timeText) };
}

/** Quotes are letters like any other in measurement and tags, and hold strings in fields. */
type Quotes = 'literal' | 'strings';

/** Splits where the mark stands unescaped and outside strings. */
function split(text: string, mark: string, quotes: Quotes): string[] {
  const parts: string[] = [];
  let part = '';
  let isQuoted = false;
  for (let i = 0; i < text.length; i += 1) {
    const letter = text[i] ?? '';
    if (letter === '\\' && i + 1 < text.length) {
      part += letter + (text[i + 1] ?? '');
      i += 1;
    } else if (letter === mark && !isQuoted) {
      parts.push(part);
      part = '';
    } else {
      if (letter === '"' && quotes === 'strings') isQuoted = !isQuoted;
      part += letter;
    }
  }
  return [...parts, part];
}

function pairs(texts: readonly string[], quotes: Quotes): Record<string, string> | string {
  const found: Record<string, string> = {};
  for (const text of texts) {
    const [name = '', value = '', ...rest] = split(text, '=', quotes);
    if (name === '' || value === '' || rest.length > 0) return `missing or invalid ${text}`;
    if (Object.hasOwn(found, name)) return `${name} twice`;
    found[unescape(name)] = quotes === 'strings' && value.startsWith('"') ? value : unescape(value);
  }
  return found;
}

function unescape(text: string): string {
  return text.replaceAll(/\\([,= ])/g, '$1');
}
