import type { Selectable } from 'kysely';
import { ROLES, type Role, type TokenRow, type TokenStore } from './contract.ts';
import type { SqliteDatabase } from './database.ts';
import type { Tables } from './schema.ts';

/** Access tokens in SQLite: hashes only. Reading never waits for a flush, and sees every revocation that was committed. */
export class SqliteTokenStore implements TokenStore {
  readonly #database: SqliteDatabase;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  create(row: Parameters<TokenStore['create']>[0]): Promise<void> {
    return this.#database.transaction('keeping a token', async ({ kysely }) => {
      const { id, name, role, sha256, createdAtMs: created_at, expiresAtMs: expires_at = null } = row;
      await kysely.insertInto('tokens').values({ id, name, role, sha256, created_at, expires_at }).execute();
    });
  }

  list(): Promise<readonly TokenRow[]> {
    return this.#database.read('reading tokens', async (kysely) => {
      const rows = await kysely.selectFrom('tokens').selectAll().orderBy('created_at').orderBy('id').execute();
      return rows.map(tokenOf);
    });
  }

  bySha256(sha256: string): Promise<TokenRow | undefined> {
    return this.#database.read('reading a token', async (kysely) => {
      const row = await kysely.selectFrom('tokens').selectAll().where('sha256', '=', sha256).executeTakeFirst();
      return row === undefined ? undefined : tokenOf(row);
    });
  }

  revoke(id: string, atMs: number): Promise<boolean> {
    return this.#database.transaction('revoking a token', async ({ kysely }) => {
      const { numUpdatedRows } = await kysely
        .updateTable('tokens')
        .set({ revoked_at: atMs })
        .where('id', '=', id)
        .where('revoked_at', 'is', null)
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    });
  }

  used(id: string, atMs: number): Promise<void> {
    return this.#database.transaction('marking the use of a token', async ({ kysely }) => {
      await kysely.updateTable('tokens').set({ last_used_at: atMs }).where('id', '=', id).execute();
    });
  }
}

function tokenOf(row: Selectable<Tables['tokens']>): TokenRow {
  return {
    id: row.id,
    name: row.name,
    role: roleOf(row.role),
    sha256: row.sha256,
    createdAtMs: row.created_at,
    expiresAtMs: row.expires_at ?? undefined,
    lastUsedAtMs: row.last_used_at ?? undefined,
    revokedAtMs: row.revoked_at ?? undefined,
  };
}

/** A role this version does not know grants nothing. */
function roleOf(text: string): Role {
  const role = ROLES.find((known) => known === text);
  if (role === undefined) throw new TypeError(`a token has the unknown role ${JSON.stringify(text)}`);
  return role;
}
