import { createHash } from 'node:crypto';

const CHECK_BYTES = 12;
/** Goes into every check, so that a cursor of another version is refused rather than misread. */
const CONTEXT = 'rollcall/cursor/v1';

/**
 * An opaque cursor that continues after `id` under the same `filters`. It holds its own check and no secret: it lives
 * through restarts, and changing it gains nothing that a filter would not give.
 */
export function encodeCursor(id: string, filters: object): string {
  return Buffer.concat([checkOf(id, filters), Buffer.from(id, 'utf8')]).toString('base64url');
}

/** The id to continue after; undefined when the cursor was altered or belongs to other filters. */
export function decodeCursor(cursor: string, filters: object): string | undefined {
  const bytes = Buffer.from(cursor, 'base64url');
  const id = bytes.subarray(CHECK_BYTES).toString('utf8');
  // encoding again also refuses other spellings of the same bytes
  return id !== '' && encodeCursor(id, filters) === cursor ? id : undefined;
}

function checkOf(id: string, filters: object): Buffer {
  const stated = Object.entries(filters)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([CONTEXT, id, stated]))
    .digest()
    .subarray(0, CHECK_BYTES);
}
