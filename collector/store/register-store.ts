import { sql } from 'kysely';
import type { Enterprise, RegisteredDevice, Site } from '../census/device.ts';
import type { Binding, DeviceQuery, Register, RegisterChange, RegisterStore } from './contract.ts';
import { type Connection, doing, type Turns } from './database.ts';

type By = { who: string; why: string; atMs: number; retireOn: string };

/** One difference between the register as it is and as it shall be. */
interface Difference {
  readonly subject: RegisterChange['subject'];
  readonly id: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** The register in SQLite: records as JSON, every change appended. */
export class SqliteRegisterStore implements RegisterStore {
  readonly #writer: Connection;
  readonly #reader: Connection;
  readonly #turns: Turns;

  constructor(writer: Connection, reader: Connection, turns: Turns) {
    this.#writer = writer;
    this.#reader = reader;
    this.#turns = turns;
  }

  read(): Promise<Register> {
    return doing('reading the register', () => readRegister(this.#reader));
  }

  apply(register: Register, by: By): Promise<readonly RegisterChange[]> {
    const work = async (): Promise<readonly RegisterChange[]> => {
      const { bare } = this.#writer;
      bare.exec('BEGIN IMMEDIATE');
      try {
        const differences = differencesOf(await readRegister(this.#writer), register, by.retireOn);
        for (const difference of differences) await this.#write(difference, by);
        bare.exec('COMMIT');
        return differences.map((difference) => ({ ...difference, atMs: by.atMs, who: by.who, why: by.why }));
      } catch (error) {
        bare.exec('ROLLBACK');
        throw error;
      }
    };
    return doing('changing the register', () => this.#turns.take(work));
  }

  devices(query: DeviceQuery): Promise<readonly RegisteredDevice[]> {
    return doing('reading devices', async () => {
      const { afterId, enterpriseId, siteId, text, limit } = query;
      const rows = await this.#reader.kysely
        .selectFrom('devices')
        .select('record')
        .$if(afterId !== undefined, (q) => q.where('id', '>', afterId ?? ''))
        .$if(enterpriseId !== undefined, (q) => q.where('enterprise_id', '=', enterpriseId ?? ''))
        .$if(siteId !== undefined, (q) => q.where('site_id', '=', siteId ?? ''))
        .$if(text !== undefined, (q) => q.where(sql<boolean>`instr(search_text, ${(text ?? '').toLowerCase()}) > 0`))
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map(({ record }) => deviceOf(record));
    });
  }

  device(id: string): Promise<RegisteredDevice | undefined> {
    return doing('reading a device', async () => {
      const row = await this.#reader.kysely
        .selectFrom('devices')
        .select('record')
        .where('id', '=', id)
        .executeTakeFirst();
      return row === undefined ? undefined : deviceOf(row.record);
    });
  }

  changes(id: string, limit: number): Promise<readonly RegisterChange[]> {
    return doing('reading changes of the register', async () => {
      const rows = await this.#reader.kysely
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

  async #write({ subject, id, before, after }: Difference, by: By): Promise<void> {
    const { kysely } = this.#writer;
    await kysely
      .insertInto('register_changes')
      .values({
        at: by.atMs,
        who: by.who,
        why: by.why,
        subject,
        subject_id: id,
        before: before ?? null,
        after: after ?? null,
      })
      .execute();
    switch (subject) {
      case 'enterprise':
      case 'site':
        await this.#writePlain(subject === 'site' ? 'sites' : 'enterprises', id, after);
        break;
      case 'device':
        if (after !== undefined) await this.#writeDevice(deviceOf(after), after);
        break;
      case 'binding':
        await this.#writeBinding(before, after);
        break;
    }
  }

  async #writePlain(table: 'enterprises' | 'sites', id: string, record: string | undefined): Promise<void> {
    const { kysely } = this.#writer;
    if (record === undefined) await kysely.deleteFrom(table).where('id', '=', id).execute();
    else {
      await kysely
        .insertInto(table)
        .values({ id, record })
        .onConflict((conflict) => conflict.column('id').doUpdateSet({ record }))
        .execute();
    }
  }

  async #writeDevice(device: RegisteredDevice, record: string): Promise<void> {
    const values = {
      record,
      enterprise_id: device.enterpriseId ?? null,
      site_id: device.siteId ?? null,
      search_text: searchText(device),
    };
    await this.#writer.kysely
      .insertInto('devices')
      .values({ id: device.id, ...values })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
      .execute();
  }

  async #writeBinding(before: string | undefined, after: string | undefined): Promise<void> {
    const { kysely } = this.#writer;
    const binding = JSON.parse(after ?? before ?? '{}') as Binding;
    const { sourceId: source_id, address, deviceId: device_id } = binding;
    if (after === undefined) {
      await kysely.deleteFrom('bindings').where('source_id', '=', source_id).where('address', '=', address).execute();
      return;
    }
    await kysely
      .insertInto('bindings')
      .values({ source_id, address, device_id })
      .onConflict((conflict) => conflict.columns(['source_id', 'address']).doUpdateSet({ device_id }))
      .execute();
  }
}

async function readRegister({ kysely }: Connection): Promise<Register> {
  const [enterprises, sites, devices, bindings] = await Promise.all([
    kysely.selectFrom('enterprises').select('record').orderBy('id').execute(),
    kysely.selectFrom('sites').select('record').orderBy('id').execute(),
    kysely.selectFrom('devices').select('record').orderBy('id').execute(),
    kysely.selectFrom('bindings').selectAll().orderBy('source_id').orderBy('address').execute(),
  ]);
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

/** What has to change, in the order in which it must be written. Devices that are gone retire; the rest is removed. */
function differencesOf(is: Register, shall: Register, retireOn: string): Difference[] {
  const given = new Set(shall.devices.map(({ id }) => id));
  const retired = is.devices
    .filter(({ id }) => !given.has(id))
    .map((device) =>
      device.life === 'retired' ? device : { ...device, life: 'retired' as const, retiredOn: retireOn },
    );
  return [
    ...compare('enterprise', is.enterprises, shall.enterprises, ({ id }) => id),
    ...compare('site', is.sites, shall.sites, ({ id }) => id),
    ...compare('device', is.devices, [...shall.devices, ...retired], ({ id }) => id),
    ...compare('binding', is.bindings, shall.bindings, ({ sourceId, address }) => `${sourceId} ${address}`),
  ];
}

function compare<T extends object>(
  subject: Difference['subject'],
  is: readonly T[],
  shall: readonly T[],
  idOf: (record: T) => string,
): Difference[] {
  const before = new Map(is.map((record) => [idOf(record), recordText(record)]));
  const after = new Map(shall.map((record) => [idOf(record), recordText(record)]));
  return [...new Set([...before.keys(), ...after.keys()])]
    .sort()
    .filter((id) => before.get(id) !== after.get(id))
    .map((id) => ({ subject, id, before: before.get(id), after: after.get(id) }));
}

/** A record as JSON with sorted keys; absent and undefined are the same. */
function recordText(record: object): string {
  const sorted = Object.entries(record)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(Object.fromEntries(sorted));
}

/** The stored record with every key present; keys added by later versions have their defaults here. */
function deviceOf(record: string): RegisteredDevice {
  return { ...ABSENT, ...(JSON.parse(record) as RegisteredDevice) };
}

const ABSENT = {
  enterpriseId: undefined,
  siteId: undefined,
  typeCode: undefined,
  categoryChoice: undefined,
  manufacturer: undefined,
  model: undefined,
  serialNumber: undefined,
  assetNumber: undefined,
  unit: '台',
  setId: undefined,
  life: 'in-service',
  retiredOn: undefined,
  marks: [],
  expectedIntervalMs: undefined,
  livenessTimeoutMs: undefined,
} as const satisfies Partial<RegisteredDevice>;

function searchText(device: RegisteredDevice): string {
  const { id, name, manufacturer, model, serialNumber, assetNumber } = device;
  return [id, name, manufacturer, model, serialNumber, assetNumber]
    .filter((field) => field !== undefined)
    .join('\n')
    .toLowerCase();
}
