import type { Selectable } from 'kysely';
import { ROLES, type Role, type TokenRow, type TokenStore } from './contract.ts';
import { type Connection, doing, type Turns } from './database.ts';
import type { Tables } from './schema.ts';

/** Access tokens in SQLite: hashes only. Read from the writing connection, so that a revocation is seen at once. */
export class SqliteTokenStore implements TokenStore {
  readonly #connection: Connection;
  readonly #turns: Turns;

  constructor(connection: Connection, turns: Turns) {
    this.#connection = connection;
    this.#turns = turns;
  }

  create(row: Parameters<TokenStore['create']>[0]): Promise<void> {
    return this.#take('keeping a token', async () => {
      await this.#connection.kysely
        .insertInto('tokens')
        .values({
          id: row.id,
          name: row.name,
          role: row.role,
          sha256: row.sha256,
          created_at: row.createdAtMs,
          expires_at: row.expiresAtMs ?? null,
        })
        .execute();
    });
  }

  list(): Promise<readonly TokenRow[]> {
    return this.#take('reading tokens', async () => {
      const rows = await this.#connection.kysely
        .selectFrom('tokens')
        .selectAll()
        .orderBy('created_at')
        .orderBy('id')
        .execute();
      return rows.map(tokenOf);
    });
  }

  bySha256(sha256: string): Promise<TokenRow | undefined> {
    return this.#take('reading a token', async () => {
      const row = await this.#connection.kysely
        .selectFrom('tokens')
        .selectAll()
        .where('sha256', '=', sha256)
        .executeTakeFirst();
      return row === undefined ? undefined : tokenOf(row);
    });
  }

  revoke(id: string, atMs: number): Promise<boolean> {
    return this.#take('revoking a token', async () => {
      const { numUpdatedRows } = await this.#connection.kysely
        .updateTable('tokens')
        .set({ revoked_at: atMs })
        .where('id', '=', id)
        .where('revoked_at', 'is', null)
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    });
  }

  used(id: string, atMs: number): Promise<void> {
    return this.#take('marking the use of a token', async () => {
      await this.#connection.kysely.updateTable('tokens').set({ last_used_at: atMs }).where('id', '=', id).execute();
    });
  }

  #take<T>(what: string, work: () => Promise<T>): Promise<T> {
    return doing(what, () => this.#turns.take(work));
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
