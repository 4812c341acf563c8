/** Numbers and times as people of a language write them. `timeZone` is the plant's, not the browser's. */
export function formatsFor(language, timeZone) {
  const number = new Intl.NumberFormat(language);
  const percent = new Intl.NumberFormat(language, {
    style: 'percent',
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  });
  const instant = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium', timeZone });
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' });
  return {
    number: (value) => number.format(value),
    /** A share as a percentage; a dash where there is nothing to share. */
    percent: (part, whole) => (whole > 0 ? percent.format(part / whole) : '—'),
    instant: (rfc3339) => instant.format(new Date(rfc3339)),
    /** How long before or after `nowMs` an instant is; a dash for none. */
    relative: (rfc3339, nowMs) => (rfc3339 === null ? '—' : ago(relative, Date.parse(rfc3339) - nowMs)),
  };
}

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
];

function ago(relative, differenceMs) {
  for (const [unit, unitMs] of UNITS) {
    if (Math.abs(differenceMs) >= unitMs) return relative.format(Math.trunc(differenceMs / unitMs), unit);
  }
  return relative.format(Math.trunc(differenceMs / 1000), 'second');
}
