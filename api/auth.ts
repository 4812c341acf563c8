import type { Role, TokenRow, TokenStore } from '../collector/store/contract.ts';
import { ApiError } from './errors.ts';
import { isTokenOf, isTokenShaped, tokenSha256, tokenState } from './token.ts';

/** How long a token's row is believed: a revocation is seen no later. */
const BELIEVED_MS = 4000;
/** From this age on it is read again while it is still believed, so that no request waits for the database. */
const FRESH_MS = 2000;
/** Tokens that are remembered; the one used least recently is forgotten first. */
const MAX_REMEMBERED = 1000;
const MIN_BETWEEN_USES_MS = 60_000;

/** Who makes a request. */
export interface Principal {
  readonly tokenId: string;
  readonly name: string;
  readonly role: Role;
  readonly expiresAtMs: number | undefined;
}

interface Remembered {
  readonly row: TokenRow;
  readonly readAtMs: number;
}

/** Finds out who shows a token. Remembers tokens that were valid, and marks their use at most once a minute. */
export class Authenticator {
  readonly #tokens: TokenStore;
  readonly #clock: { nowMs(): number };
  readonly #failed: (error: unknown, what: string) => void;
  readonly #remembered = new Map<string, Remembered>();
  readonly #markedAtMs = new Map<string, number>();
  /** Rows being read, so that many requests at once ask the database once. */
  readonly #reading = new Map<string, Promise<TokenRow | undefined>>();

  /** `failed` hears of what went wrong beside a request that itself goes on. */
  constructor(tokens: TokenStore, clock: { nowMs(): number }, failed: (error: unknown, what: string) => void) {
    this.#tokens = tokens;
    this.#clock = clock;
    this.#failed = failed;
  }

  /**
   * The holder of the token in an `Authorization` header. Rejects with `ApiError('unauthenticated')` and a challenge
   * (RFC 6750, 3). With `strangers: 'refused'` only tokens that were valid before are looked at; others reject with
   * `too-many-requests`, so that guessing learns nothing and established callers go on.
   */
  async authenticate(authorization: string | undefined, strangers: 'heard' | 'refused'): Promise<Principal> {
    const token = bearerToken(authorization);
    const sha256 = tokenSha256(token);
    if (strangers === 'refused' && !this.#remembered.has(sha256)) {
      throw new ApiError('too-many-requests', 'too many tokens were refused from this network address', {
        headers: { 'retry-after': '60' },
      });
    }
    const row = await this.#row(sha256);
    if (row === undefined || !isTokenOf(row, token)) throw refusal('the token is not known');
    const state = tokenState(row, this.#clock.nowMs());
    if (state !== 'valid') throw refusal(`the token is ${state}`);
    this.#markUse(row);
    return { tokenId: row.id, name: row.name, role: row.role, expiresAtMs: row.expiresAtMs };
  }

  #row(sha256: string): Promise<TokenRow | undefined> {
    const remembered = this.#remembered.get(sha256);
    if (remembered === undefined) return this.#read(sha256);
    const ageMs = this.#clock.nowMs() - remembered.readAtMs;
    // a clock that stepped back must not make a row believed for longer
    if (ageMs < 0 || ageMs >= BELIEVED_MS) return this.#read(sha256);
    if (ageMs >= FRESH_MS) this.#read(sha256).catch((error: unknown) => this.#failed(error, 'reading a token again'));
    return Promise.resolve(remembered.row);
  }

  #read(sha256: string): Promise<TokenRow | undefined> {
    const underWay = this.#reading.get(sha256);
    if (underWay !== undefined) return underWay;
    const readAtMs = this.#clock.nowMs();
    const reading = this.#tokens
      .bySha256(sha256)
      .then((row) => {
        this.#remembered.delete(sha256);
        if (row !== undefined && tokenState(row, readAtMs) === 'valid') {
          remember(this.#remembered, sha256, { row, readAtMs });
        }
        return row;
      })
      .finally(() => this.#reading.delete(sha256));
    this.#reading.set(sha256, reading);
    return reading;
  }

  #markUse(row: TokenRow): void {
    const nowMs = this.#clock.nowMs();
    const markedAtMs = Math.max(this.#markedAtMs.get(row.id) ?? 0, row.lastUsedAtMs ?? 0);
    if (Math.abs(nowMs - markedAtMs) < MIN_BETWEEN_USES_MS) return;
    this.#markedAtMs.delete(row.id);
    remember(this.#markedAtMs, row.id, nowMs);
    this.#tokens.used(row.id, nowMs).catch((error: unknown) => this.#failed(error, 'marking the use of a token'));
  }
}

/** The token of an `Authorization: Bearer …` header; throws `ApiError('unauthenticated')`. */
function bearerToken(authorization: string | undefined): string {
  if (authorization === undefined) {
    throw new ApiError('unauthenticated', 'the request carries no token', {
      headers: { 'www-authenticate': 'Bearer realm="rollcall"' },
    });
  }
  const [scheme = '', token = '', ...rest] = authorization.trim().split(/ +/);
  if (scheme.toLowerCase() !== 'bearer' || rest.length > 0) throw refusal('the authorization is not a bearer token');
  if (!isTokenShaped(token)) throw refusal('the token is not known');
  return token;
}

function refusal(detail: string): ApiError {
  return new ApiError('unauthenticated', detail, {
    headers: { 'www-authenticate': 'Bearer realm="rollcall", error="invalid_token"' },
  });
}

/** Adds to a map in order of use and forgets the oldest beyond the bound. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.set(key, value);
  if (map.size <= MAX_REMEMBERED) return;
  const oldest = map.keys().next();
  if (oldest.done !== true) map.delete(oldest.value);
}
