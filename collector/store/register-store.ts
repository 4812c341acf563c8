import { type Kysely, sql } from 'kysely';
import type { Enterprise, RegisteredDevice, Site } from '../census/device.ts';
import type { Binding, DeviceQuery, Register, RegisterChange, RegisterStore } from './contract.ts';
import type { SqliteDatabase } from './database.ts';
import { type Difference, deviceOf, differencesOf, searchable, searchTextOf } from './register-record.ts';
import type { Tables } from './schema.ts';
import { inTurns } from './turns.ts';

/** Changes written before the event loop gets a turn: about 10 ms. */
const CHANGES_PER_TURN = 200;

type By = Parameters<RegisterStore['apply']>[1];

/** The register in SQLite: records as JSON, every change appended. */
export class SqliteRegisterStore implements RegisterStore {
  readonly #database: SqliteDatabase;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  read(): Promise<Register> {
    return this.#database.snapshot('reading the register', readRegister);
  }

  apply(register: Register, by: By): Promise<readonly RegisterChange[]> {
    const { who, why, atMs, retireOn } = by;
    return this.#database.transaction('changing the register', async ({ kysely }) => {
      const differences = differencesOf(await readRegister(kysely), register, retireOn);
      await inTurns(differences, CHANGES_PER_TURN, async (difference) => {
        await append(kysely, difference, by);
        await write(kysely, difference);
      });
      return differences.map((difference) => ({ ...difference, atMs, who, why }));
    });
  }

  devices(query: DeviceQuery): Promise<readonly RegisteredDevice[]> {
    return this.#database.read('reading devices', async (kysely) => {
      const { afterId, enterpriseId, siteId, text, limit } = query;
      const rows = await kysely
        .selectFrom('devices')
        .select('record')
        .$if(afterId !== undefined, (q) => q.where('id', '>', afterId ?? ''))
        .$if(enterpriseId !== undefined, (q) => q.where('enterprise_id', '=', enterpriseId ?? ''))
        .$if(siteId !== undefined, (q) => q.where('site_id', '=', siteId ?? ''))
        // Not LIKE: what a person types has no wildcards in it.
        .$if(text !== undefined, (q) => q.where(sql<boolean>`instr(search_text, ${searchable(text ?? '')}) > 0`))
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map(({ record }) => deviceOf(record));
    });
  }

  device(id: string): Promise<RegisteredDevice | undefined> {
    return this.#database.read('reading a device', async (kysely) => {
      const row = await kysely.selectFrom('devices').select('record').where('id', '=', id).executeTakeFirst();
      return row === undefined ? undefined : deviceOf(row.record);
    });
  }

  changes(id: string, limit: number): Promise<readonly RegisterChange[]> {
    return this.#database.read('reading changes of the register', async (kysely) => {
      const rows = await kysely
        .selectFrom('register_changes')
        .selectAll()
        .where('subject_id', '=', id)
        .orderBy('id', 'desc')
        .limit(limit)
        .execute();
      return rows.map((row) => ({
        atMs: row.at,
        who: row.who,
        why: row.why,
        subject: row.subject as RegisterChange['subject'],
        id: row.subject_id,
        before: row.before ?? undefined,
        after: row.after ?? undefined,
      }));
    });
  }
}

async function readRegister(kysely: Kysely<Tables>): Promise<Register> {
  const enterprises = await kysely.selectFrom('enterprises').select('record').orderBy('id').execute();
  const sites = await kysely.selectFrom('sites').select('record').orderBy('id').execute();
  const devices = await kysely.selectFrom('devices').select('record').orderBy('id').execute();
  const bindings = await kysely.selectFrom('bindings').selectAll().orderBy('source_id').orderBy('address').execute();
  return {
    enterprises: enterprises.map(({ record }) => JSON.parse(record) as Enterprise),
    sites: sites.map(({ record }) => JSON.parse(record) as Site),
    devices: devices.map(({ record }) => deviceOf(record)),
    bindings: bindings.map(({ source_id, address, device_id }) => ({
      sourceId: source_id,
      address,
      deviceId: device_id,
    })),
  };
}

async function append(kysely: Kysely<Tables>, change: Difference, { who, why, atMs }: By): Promise<void> {
  const { subject, id, before = null, after = null } = change;
  await kysely
    .insertInto('register_changes')
    .values({ at: atMs, who, why, subject, subject_id: id, before, after })
    .execute();
}

async function write(kysely: Kysely<Tables>, { subject, id, before, after }: Difference): Promise<void> {
  switch (subject) {
    case 'enterprise':
      return writePlain(kysely, 'enterprises', id, after);
    case 'site':
      return writePlain(kysely, 'sites', id, after);
    case 'device':
      // A device is never removed: one that is no longer given has retired.
      if (after !== undefined) await writeDevice(kysely, deviceOf(after), after);
      return;
    case 'binding':
      return writeBinding(kysely, JSON.parse(after ?? before ?? '{}') as Binding, after === undefined);
  }
}

async function writePlain(
  kysely: Kysely<Tables>,
  table: 'enterprises' | 'sites',
  id: string,
  record: string | undefined,
): Promise<void> {
  if (record === undefined) {
    await kysely.deleteFrom(table).where('id', '=', id).execute();
    return;
  }
  await kysely
    .insertInto(table)
    .values({ id, record })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ record }))
    .execute();
}

async function writeDevice(kysely: Kysely<Tables>, device: RegisteredDevice, record: string): Promise<void> {
  const values = {
    record,
    enterprise_id: device.enterpriseId ?? null,
    site_id: device.siteId ?? null,
    search_text: searchTextOf(device),
  };
  await kysely
    .insertInto('devices')
    .values({ id: device.id, ...values })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
    .execute();
}

async function writeBinding(kysely: Kysely<Tables>, binding: Binding, removed: boolean): Promise<void> {
  const { sourceId: source_id, address, deviceId: device_id } = binding;
  if (removed) {
    await kysely.deleteFrom('bindings').where('source_id', '=', source_id).where('address', '=', address).execute();
    return;
  }
  await kysely
    .insertInto('bindings')
    .values({ source_id, address, device_id })
    .onConflict((conflict) => conflict.columns(['source_id', 'address']).doUpdateSet({ device_id }))
    .execute();
}
