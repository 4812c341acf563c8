import { z } from 'zod';
import { invalidQuery } from '../errors.ts';

/** RFC 3339, 5.6: seconds and an offset are not optional. A space stands for a plus sign that was not percent-encoded. */
const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+ -]\d{2}:\d{2})$/i;

/** The milliseconds of an instant in the query parameter `name`; throws `ApiError('invalid-request')` for what is none. */
export function instantOf(name: string, text: string): number {
  const normal = text.replace(' ', '+').toUpperCase();
  if (RFC_3339.test(text) && z.iso.datetime({ offset: true }).safeParse(normal).success) return Date.parse(normal);
  throw invalidQuery(name, 'must be RFC 3339 with an offset, like 2026-12-31T23:59:59+08:00');
}
