import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Role, TokenRow, TokenStore } from '../collector/store/contract.ts';

/** Every token we make begins so, that a leaked one can be recognised. */
const PREFIX = 'rc_';
const TOKEN_BYTES = 32;
const ID_BYTES = 6;
/** Of a token given from outside; one we make has 46 characters. */
const MIN_GIVEN_LENGTH = 32;
const MAX_LENGTH = 256;
/** RFC 6750, 2.1: what may follow `Bearer`. */
const B64TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;
/** Name of the token that comes from the environment; there is at most one that is valid. */
const GIVEN_NAME = 'ROLLCALL_OPERATOR_TOKEN';
const FIRST_NAME = 'first operator token';

/** A new token: `rc_` and 256 random bits in base64url. Shown once; only its hash is kept. */
export function newToken(): string {
  return PREFIX + randomBytes(TOKEN_BYTES).toString('base64url');
}

/** Lower-case hex SHA-256 of a token, as `TokenRow.sha256` keeps it. Enough without salt: a token is not a password. */
export function tokenSha256(token: string): string {
  return createHash('sha256').update(token, 'utf8').digest('hex');
}

/** True for what can be a token at all; anything else is refused unhashed. */
export function isTokenShaped(text: string): boolean {
  return text.length >= MIN_GIVEN_LENGTH && text.length <= MAX_LENGTH && B64TOKEN.test(text);
}

/** True when `row` keeps the hash of `token`; takes the same time wherever they differ. */
export function isTokenOf(row: TokenRow, token: string): boolean {
  const kept = Buffer.from(row.sha256, 'hex');
  const shown = createHash('sha256').update(token, 'utf8').digest();
  return kept.length === shown.length && timingSafeEqual(kept, shown);
}

/** Whether a token may be used at an instant. */
export function tokenState(row: TokenRow, nowMs: number): 'valid' | 'expired' | 'revoked' {
  if (row.revokedAtMs !== undefined) return 'revoked';
  if (row.expiresAtMs !== undefined && nowMs >= row.expiresAtMs) return 'expired';
  return 'valid';
}

export interface IssuedToken {
  readonly id: string;
  /** To be shown once. */
  readonly token: string;
  readonly expiresAtMs: number | undefined;
}

/** Makes a token and keeps its hash. `lifetimeMs` undefined: it does not expire. */
export async function issueToken(
  tokens: TokenStore,
  wish: { readonly name: string; readonly role: Role; readonly lifetimeMs: number | undefined },
  nowMs: number,
): Promise<IssuedToken> {
  const token = newToken();
  const expiresAtMs = wish.lifetimeMs === undefined ? undefined : nowMs + wish.lifetimeMs;
  const id = await keep(tokens, { name: wish.name, role: wish.role, token, expiresAtMs }, nowMs);
  return { id, token, expiresAtMs };
}

/**
 * Sees to it that an operator can log in when the collector starts. With a token given from outside: makes it valid
 * and revokes the one given before. Without: makes a first one when no operator token is valid, and returns it to be
 * printed once. Rejects with `RangeError` when the given token cannot be used; the message never repeats it.
 */
export async function ensureOperatorToken(
  tokens: TokenStore,
  given: string | undefined,
  nowMs: number,
): Promise<{ readonly kind: 'given' | 'kept' } | { readonly kind: 'made'; readonly token: string }> {
  if (given !== undefined) {
    await keepGiven(tokens, given, nowMs);
    return { kind: 'given' };
  }
  const rows = await tokens.list();
  if (rows.some((row) => row.role === 'operator' && tokenState(row, nowMs) === 'valid')) return { kind: 'kept' };
  const { token } = await issueToken(tokens, { name: FIRST_NAME, role: 'operator', lifetimeMs: undefined }, nowMs);
  return { kind: 'made', token };
}

async function keepGiven(tokens: TokenStore, given: string, nowMs: number): Promise<void> {
  if (!isTokenShaped(given)) {
    throw new RangeError(
      `${GIVEN_NAME} needs ${MIN_GIVEN_LENGTH} to ${MAX_LENGTH} letters, digits or . _ ~ + / - characters`,
    );
  }
  const row = await tokens.bySha256(tokenSha256(given));
  if (row === undefined) {
    await keep(tokens, { name: GIVEN_NAME, role: 'operator', token: given, expiresAtMs: undefined }, nowMs);
  } else if (row.role !== 'operator') {
    throw new RangeError(`${GIVEN_NAME} holds a token that was made for the role ${row.role}; choose a new one`);
  } else if (tokenState(row, nowMs) !== 'valid') {
    throw new RangeError(`${GIVEN_NAME} holds a token that is ${tokenState(row, nowMs)}; choose a new one`);
  }
  await revokeEarlierGiven(tokens, tokenSha256(given), nowMs);
}

/** Who changes the variable wants the old token to end. */
async function revokeEarlierGiven(tokens: TokenStore, keptSha256: string, nowMs: number): Promise<void> {
  for (const row of await tokens.list()) {
    if (row.name === GIVEN_NAME && row.sha256 !== keptSha256 && row.revokedAtMs === undefined) {
      await tokens.revoke(row.id, nowMs);
    }
  }
}

async function keep(
  tokens: TokenStore,
  row: {
    readonly name: string;
    readonly role: Role;
    readonly token: string;
    readonly expiresAtMs: number | undefined;
  },
  nowMs: number,
): Promise<string> {
  const id = `tk_${randomBytes(ID_BYTES).toString('hex')}`;
  const { name, role, expiresAtMs } = row;
  await tokens.create({ id, name, role, sha256: tokenSha256(row.token), createdAtMs: nowMs, expiresAtMs });
  return id;
}
