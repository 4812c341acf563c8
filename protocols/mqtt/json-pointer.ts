/** RFC 6901: empty, or reference tokens each after a slash, with `~` only as `~0` or `~1`. */
export function isPointer(text: string): boolean {
  return /^(\/([^~/]|~[01])*)*$/.test(text);
}

/** The reference tokens of a pointer, unescaped (RFC 6901, 4). */
export function pointerTokens(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The pointer of reference tokens (RFC 6901, 3). */
export function pointerOf(tokens: readonly string[]): string {
  return tokens.map((token) => `/${token.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** The value a pointer leads to; undefined when there is none. Only own keys: `/constructor` finds nothing. */
export function follow(value: unknown, tokens: readonly string[]): unknown {
  let at = value;
  for (let i = 0; i < tokens.length; i++) {
    if (typeof at !== 'object' || at === null) return undefined;
    const token = tokens[i] as string;
    if (Array.isArray(at)) at = ARRAY_INDEX.test(token) ? at[Number(token)] : undefined;
    else if (at instanceof Map) at = at.has(token) ? at.get(token) : at.get(Number(token));
    else at = Object.hasOwn(at, token) ? (at as Record<string, unknown>)[token] : undefined;
  }
  return at;
}

/** RFC 6901, 4: digits without leading zeros. */
const ARRAY_INDEX = /^(0|[1-9][0-9]{0,15})$/;
