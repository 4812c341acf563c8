import { tokenSha256 } from '../../api/token.ts';
import type { Role, TokenRow, TokenStore } from '../../collector/store/contract.ts';

/** Tokens kept in memory; counts what was asked of it. */
export class FakeTokens implements TokenStore {
  readonly rows = new Map<string, TokenRow>();
  readonly uses: { readonly id: string; readonly atMs: number }[] = [];
  lookups = 0;
  /** Thrown by `bySha256` while set. */
  failure: unknown;

  /** Adds a token of a role and returns its text, made of the role's name. */
  add(role: Role, change: Partial<TokenRow> = {}): string {
    const token = `rc_test_${role}_${change.id ?? ''}`.padEnd(46, 'x');
    const row: TokenRow = {
      id: `tk_${role}`,
      name: `test ${role}`,
      role,
      sha256: tokenSha256(token),
      createdAtMs: 0,
      expiresAtMs: undefined,
      lastUsedAtMs: undefined,
      revokedAtMs: undefined,
      ...change,
    };
    this.rows.set(row.id, row);
    return token;
  }

  async create(row: Pick<TokenRow, 'id' | 'name' | 'role' | 'sha256' | 'createdAtMs' | 'expiresAtMs'>): Promise<void> {
    this.rows.set(row.id, { ...row, lastUsedAtMs: undefined, revokedAtMs: undefined });
  }

  async list(): Promise<readonly TokenRow[]> {
    return [...this.rows.values()];
  }

  async bySha256(sha256: string): Promise<TokenRow | undefined> {
    this.lookups += 1;
    if (this.failure !== undefined) throw this.failure;
    return [...this.rows.values()].find((row) => row.sha256 === sha256);
  }

  async revoke(id: string, atMs: number): Promise<boolean> {
    const row = this.rows.get(id);
    if (row === undefined || row.revokedAtMs !== undefined) return false;
    this.rows.set(id, { ...row, revokedAtMs: atMs });
    return true;
  }

  async used(id: string, atMs: number): Promise<void> {
    this.uses.push({ id, atMs });
    const row = this.rows.get(id);
    if (row !== undefined) this.rows.set(id, { ...row, lastUsedAtMs: atMs });
  }
}
