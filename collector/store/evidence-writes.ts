import type { Kysely } from 'kysely';
import type { AddressRow, GapRow, IdentityRow, PathInterval } from './contract.ts';
import type { Tables } from './schema.ts';

/** Finds or makes the row and returns its id; when it was first seen stays what it was. */
export async function saveAddress(kysely: Kysely<Tables>, row: Omit<AddressRow, 'id'>): Promise<number> {
  const { sourceId: source_id, address, family, variant, reach, firstSeenAtMs: first_seen_at } = row;
  const { id } = await kysely
    .insertInto('addresses')
    .values({ source_id, address, family, variant, reach, first_seen_at })
    .onConflict((conflict) => conflict.columns(['source_id', 'address']).doUpdateSet({ family, variant, reach }))
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

/** An open interval is saved again and again with a later end; it never shrinks. */
export async function savePath(kysely: Kysely<Tables>, collectorId: string, path: PathInterval): Promise<void> {
  await kysely
    .insertInto('paths')
    .values({ source_id: path.sourceId, collector_id: collectorId, from_at: path.fromMs, to_at: path.toMs })
    .onConflict((conflict) =>
      conflict
        .columns(['source_id', 'collector_id', 'from_at'])
        .doUpdateSet((expression) => ({ to_at: expression.ref('excluded.to_at') }))
        .whereRef('excluded.to_at', '>', 'paths.to_at'),
    )
    .execute();
}

/** The same gap is kept once, however often it is saved. */
export async function saveGap(kysely: Kysely<Tables>, collectorId: string, gap: GapRow): Promise<void> {
  const { sourceId, fromMs: from_at, toMs: to_at, reason, dropped } = gap;
  await kysely
    .insertInto('gaps')
    .values({ collector_id: collectorId, source_id: sourceId ?? null, from_at, to_at, reason, dropped })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Appended only when it differs from what the address said before; what was said is never changed. */
export async function saveIdentity(kysely: Kysely<Tables>, identity: IdentityRow): Promise<void> {
  const { addressId, atMs, method, claims, raw } = identity;
  const before = await kysely
    .selectFrom('identities')
    .select(['method', 'claims'])
    .where('address_id', '=', addressId)
    .where('at', '<=', atMs)
    .orderBy('at', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (before?.method === method && before.claims === claims) return;
  await kysely
    .insertInto('identities')
    .values({ address_id: addressId, at: atMs, method, claims, raw })
    .onConflict((conflict) => conflict.columns(['address_id', 'at', 'method', 'claims']).doNothing())
    .execute();
}
