import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RegisteredDevice } from '../../collector/census/device.ts';
import type { Flush, Register, Store, TallyRow } from '../../collector/store/contract.ts';

/** A store under test, and a way to close and open it again with everything that was in it. */
export interface StoreUnderTest {
  store: Store;
  reopen(): Promise<void>;
  close(): Promise<void>;
}

const DAY = 20_500;

export function tallyRow(fields: Partial<TallyRow> = {}): TallyRow {
  return {
    addressId: 1,
    day: DAY,
    slots: new Uint8Array(36),
    good: 0,
    uncertain: 0,
    bad: 0,
    weightless: 0,
    points: 0,
    changes: 0,
    firstGoodAtMs: undefined,
    lastGoodAtMs: undefined,
    lastSeenAtMs: 1,
    lastDeathAtMs: undefined,
    lastStatusCode: 0,
    lastDigest: 0,
    streamDigest: 0,
    roundTrips: new Uint32Array(16),
    ...fields,
  };
}

export function flush(fields: Partial<Flush> = {}): Flush {
  return { aliveAtMs: 1_000, tallies: [], paths: [], gaps: [], identities: [], ...fields };
}

function device(id: string, fields: Partial<RegisteredDevice> = {}): RegisteredDevice {
  return {
    id,
    name: `device ${id}`,
    enterpriseId: 'e1',
    siteId: 's1',
    typeCode: 'pump',
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
    ...fields,
  };
}

function slots(...set: number[]): Uint8Array {
  const map = new Uint8Array(36);
  for (const slot of set) map[slot >> 3] = (map[slot >> 3] ?? 0) | (1 << (slot & 7));
  return map;
}

const protocol = { family: 'mqtt', variant: '5.0', reach: 'direct' } as const;

/** The states of one row of one collector, each a superset of the one before. */
function growing(
  addressId: number,
  steps: readonly { good: number; weightless: number; slot: number; digest: number }[],
  firstSeenAtMs: number,
): readonly TallyRow[] {
  let row = tallyRow({ addressId, lastSeenAtMs: firstSeenAtMs });
  return steps.map(({ good, weightless, slot, digest }) => {
    row = {
      ...row,
      good: row.good + good,
      weightless: row.weightless + weightless,
      slots: row.slots.map((byte, at) => byte | (slots(slot)[at] ?? 0)),
      lastSeenAtMs: row.lastSeenAtMs + good + weightless,
      lastDigest: digest,
      streamDigest: digest,
    };
    return row;
  });
}

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const row of rows) found.push(row);
  return found;
}

/** The claims of `Store`, for whatever database `open` brings. */
export function describeStoreContract(name: string, open: () => Promise<StoreUnderTest>): void {
  let tested: StoreUnderTest;

  beforeEach(async () => {
    tested = await open();
    await tested.store.evidence.saveAddresses(
      ['unit/1', 'unit/2', 'unit/3'].map((address) => ({
        sourceId: 'line',
        address,
        family: 'modbus',
        variant: 'tcp',
        reach: 'direct',
        firstSeenAtMs: 5,
      })),
    );
  });
  afterEach(() => tested.close());

  const save = (fields: Partial<Flush>, collectorId = 'main') => tested.store.evidence.save(collectorId, flush(fields));
  const ofAddress = async (addressId = 1) => (await tested.store.evidence.talliesOfAddress(addressId, DAY, DAY))[0];

  describe(`${name}: evidence`, () => {
    it('gives an address the same id for ever', async () => {
      const { evidence } = tested.store;
      const row = { sourceId: 'line', family: 'modbus', variant: 'tcp', reach: 'direct', firstSeenAtMs: 9 } as const;
      const ids = await evidence.saveAddresses([
        { ...row, address: 'unit/2' },
        { ...row, address: 'unit/9' },
      ]);
      await tested.reopen();
      const known = await tested.store.evidence.addresses();
      expect(ids[0]).toBe(known.find(({ address }) => address === 'unit/2')?.id);
      expect(known.find(({ address }) => address === 'unit/2')?.firstSeenAtMs).toBe(5);
      expect(known.map(({ address }) => address)).toEqual(['unit/1', 'unit/2', 'unit/3', 'unit/9']);
    });

    it('keeps a row exactly, over a restart', async () => {
      const row = tallyRow({
        slots: slots(0, 7, 8, 287),
        good: 3,
        uncertain: 1,
        bad: 2,
        weightless: 4,
        points: 30,
        changes: 2,
        firstGoodAtMs: 1_790_000_000_000,
        lastGoodAtMs: 0x1a0c4506c01,
        lastSeenAtMs: 0x1a0c4506c02,
        lastDeathAtMs: 7,
        lastStatusCode: 0x80310000,
        lastDigest: 2 ** 53 - 1,
        streamDigest: 2 ** 53 - 2,
        roundTrips: Uint32Array.from({ length: 16 }, (_, i) => i * 1_000),
      });
      await save({ tallies: [row] });
      await tested.reopen();
      expect(await ofAddress()).toEqual(row);
      expect(await tested.store.evidence.talliesOfDay('main', DAY)).toEqual([row]);
      expect(await tested.store.evidence.talliesOfDay('other', DAY)).toEqual([]);
    });

    it('reads the same after the same flushes in any order and any number of times', async () => {
      const growing = fc.array(fc.record({ good: fc.nat(3), bad: fc.nat(3), slot: fc.nat(287) }), {
        minLength: 1,
        maxLength: 5,
      });
      let addressId = 0;
      await fc.assert(
        fc.asyncProperty(growing, fc.array(fc.nat(20), { minLength: 1, maxLength: 10 }), async (steps, order) => {
          const { evidence } = tested.store;
          addressId += 1;
          const [id = 0] = await evidence.saveAddresses([
            {
              sourceId: 'any',
              address: `a${addressId}`,
              family: 'mqtt',
              variant: '',
              reach: 'direct',
              firstSeenAtMs: 1,
            },
          ]);
          let last = tallyRow({ addressId: id });
          const rows = steps.map(({ good, bad, slot }, i) => {
            last = {
              ...last,
              good: last.good + good,
              bad: last.bad + bad,
              lastSeenAtMs: i + 1,
              lastDigest: i,
              slots: last.slots.map((byte, at) => byte | (slots(slot)[at] ?? 0)),
            };
            return last;
          });
          for (const place of order) await save({ tallies: [rows[place % rows.length] as TallyRow] });
          for (const row of rows) await save({ tallies: [row] });
          expect(await ofAddress(id)).toEqual(last);
        }),
        { numRuns: 30 },
      );
    });

    it('reads the same of two collectors, whoever flushes first, however often and from whichever step on', async () => {
      const step = fc.record({ good: fc.nat(3), weightless: fc.nat(2), slot: fc.nat(287), digest: fc.maxSafeNat() });
      const steps = fc.array(step, { minLength: 1, maxLength: 4 });
      const order = fc.array(fc.tuple(fc.constantFrom('a' as const, 'b' as const), fc.nat(20)), { maxLength: 12 });
      let place = 0;
      await fc.assert(
        fc.asyncProperty(steps, steps, order, async (ofA, ofB, flushes) => {
          place += 1;
          const [addressId = 0] = await tested.store.evidence.saveAddresses([
            { sourceId: 'both', address: `b${place}`, ...protocol, firstSeenAtMs: 1 },
          ]);
          const rows = { a: growing(addressId, ofA, 10), b: growing(addressId, ofB, 20) };
          for (const [collector, at] of flushes) {
            const row = rows[collector][at % rows[collector].length];
            await save({ tallies: row === undefined ? [] : [row] }, collector);
          }
          const [a, b] = [rows.a.at(-1) ?? tallyRow(), rows.b.at(-1) ?? tallyRow()];
          await save({ tallies: [b] }, 'b');
          await save({ tallies: [a] }, 'a');
          const digests = BigInt(a.streamDigest) + BigInt(b.streamDigest);
          expect(await ofAddress(addressId)).toMatchObject({
            good: a.good + b.good,
            weightless: a.weightless + b.weightless,
            slots: a.slots.map((byte, at) => byte | (b.slots[at] ?? 0)),
            lastSeenAtMs: Math.max(a.lastSeenAtMs, b.lastSeenAtMs),
            lastDigest: b.lastSeenAtMs >= a.lastSeenAtMs ? b.lastDigest : a.lastDigest,
            streamDigest: Number(BigInt.asUintN(53, digests)),
          });
        }),
        { numRuns: 40 },
      );
    });

    it('adds what two collectors counted, and unites their slots', async () => {
      await save(
        { tallies: [tallyRow({ good: 2, slots: slots(1), firstGoodAtMs: 10, lastGoodAtMs: 20, lastSeenAtMs: 20 })] },
        'a',
      );
      await save(
        { tallies: [tallyRow({ good: 3, slots: slots(2), firstGoodAtMs: 5, lastGoodAtMs: 15, lastSeenAtMs: 15 })] },
        'b',
      );
      expect(await ofAddress()).toMatchObject({ good: 5, slots: slots(1, 2), firstGoodAtMs: 5, lastGoodAtMs: 20 });
      expect(await all(tested.store.evidence.slotMaps(DAY, DAY))).toEqual([
        { addressId: 1, day: DAY, slots: slots(1, 2) },
      ]);
    });

    it('gives slot maps by address and day, all of them, without those outside the days', async () => {
      const tallies = [1, 2, 3].flatMap((addressId) =>
        [-1, 0, 1, 2].map((offset) => tallyRow({ addressId, day: DAY + offset, slots: slots(addressId) })),
      );
      await save({ tallies });
      const rows = await all(tested.store.evidence.slotMaps(DAY, DAY + 1));
      expect(rows.map(({ addressId, day }) => [addressId, day - DAY])).toEqual([
        [1, 0],
        [1, 1],
        [2, 0],
        [2, 1],
        [3, 0],
        [3, 1],
      ]);
    });

    it('gives every slot map once where they fill many pages, and those of a single day in order of address', async () => {
      const tallies = [3, 1, 2].flatMap((addressId) =>
        [-9_000, -1, 0].map((offset) => tallyRow({ addressId, day: DAY + offset, slots: slots(addressId) })),
      );
      await save({ tallies }, 'a');
      await save({ tallies }, 'b');
      const wide = await all(tested.store.evidence.slotMaps(DAY - 10_000, DAY));
      expect(wide.map(({ addressId, day }) => [addressId, day - DAY])).toEqual(
        [1, 2, 3].flatMap((addressId) => [-9_000, -1, 0].map((offset) => [addressId, offset])),
      );
      const today = await all(tested.store.evidence.slotMaps(DAY, DAY));
      expect(today).toEqual([1, 2, 3].map((addressId) => ({ addressId, day: DAY, slots: slots(addressId) })));
      expect(await all(tested.store.evidence.slotMaps(DAY + 1, DAY + 9))).toEqual([]);
    });

    it('shows a flush whole or not at all, however large, while it is saved', async () => {
      const { evidence } = tested.store;
      const count = 5_000;
      const ids = await evidence.saveAddresses(
        Array.from({ length: count }, (_, i) => ({ sourceId: 'bus', address: `m${i}`, ...protocol, firstSeenAtMs: 1 })),
      );
      const progress = { saved: false };
      const saving = save({ tallies: ids.map((addressId) => tallyRow({ addressId, good: 1 })) }).finally(() => {
        progress.saved = true;
      });
      const seen = new Set<number>();
      while (!progress.saved) {
        seen.add((await evidence.talliesOfDay('main', DAY)).length);
        await new Promise(setImmediate);
      }
      await saving;
      seen.add((await evidence.talliesOfDay('main', DAY)).length);
      for (const rows of seen) expect([0, count]).toContain(rows);
      expect(seen).toContain(count);
    });

    it('takes many writes at once, one after the other', async () => {
      const { evidence, tokens } = tested.store;
      await Promise.all([
        ...Array.from({ length: 20 }, (_, i) => save({ tallies: [tallyRow({ good: i + 1 })] }, `c${i % 2}`)),
        ...Array.from({ length: 5 }, (_, i) => evidence.beginRun('main', i)),
        tokens.used('nobody', 1),
      ]);
      expect((await ofAddress())?.good).toBe(19 + 20);
    });

    it('summarises first and last instants up to a day', async () => {
      await save({
        tallies: [
          tallyRow({ day: DAY - 1, firstGoodAtMs: 5, lastGoodAtMs: 9, lastSeenAtMs: 9, lastDeathAtMs: 3 }),
          tallyRow({ day: DAY, lastSeenAtMs: 12 }),
          tallyRow({ day: DAY + 1, lastGoodAtMs: 99, lastSeenAtMs: 99 }),
        ],
      });
      expect(await tested.store.evidence.summaries(DAY)).toEqual([
        { addressId: 1, firstGoodAtMs: 5, lastGoodAtMs: 9, lastSeenAtMs: 12, lastDeathAtMs: 3 },
      ]);
    });

    it('lets an open path interval grow, never shrink', async () => {
      const path = (toMs: number) => ({ sourceId: 'line', fromMs: 100, toMs });
      for (const toMs of [200, 300, 250]) await save({ paths: [path(toMs)] });
      await save({ paths: [{ sourceId: 'bus', fromMs: 500, toMs: 600 }] });
      expect(await tested.store.evidence.paths({ fromMs: 0, toMs: 400 })).toEqual([path(300)]);
      expect(await tested.store.evidence.paths({ fromMs: 0, toMs: 1_000, sourceId: 'bus' })).toHaveLength(1);
    });

    it('keeps each gap once, newest first, and gives as many as asked', async () => {
      const gap = (fromMs: number) => ({
        sourceId: undefined,
        fromMs,
        toMs: fromMs + 5,
        reason: 'crashed',
        dropped: 2,
      });
      await save({ gaps: [gap(10), gap(20)] });
      await save({ gaps: [gap(20), gap(30)] });
      expect(await tested.store.evidence.gaps({ fromMs: 0, toMs: 100, limit: 2 })).toEqual([gap(30), gap(20)]);
      expect(await tested.store.evidence.gaps({ fromMs: 0, toMs: 12, limit: 9 })).toEqual([gap(10)]);
    });

    it('keeps what a device says of itself when it changes, and knows what it said then', async () => {
      const said = (atMs: number, claims: string) => ({
        addressId: 1,
        atMs,
        method: 'FC 43/14',
        claims,
        raw: Uint8Array.of(atMs),
      });
      await save({ identities: [said(1, '{"model":"A"}')] });
      await save({ identities: [said(2, '{"model":"A"}')] });
      await save({ identities: [said(3, '{"model":"B"}')] });
      expect(await tested.store.evidence.identities(2)).toEqual([said(1, '{"model":"A"}')]);
      expect(await tested.store.evidence.identities(9)).toEqual([said(3, '{"model":"B"}')]);
    });

    it('keeps everything that was said at one instant, and never changes what was said', async () => {
      const said = (claims: string, raw: number) => ({
        addressId: 1,
        atMs: 5,
        method: 'payload',
        claims,
        raw: Uint8Array.of(raw),
      });
      const [first, second] = [said('{"model":"A"}', 1), said('{"model":"B"}', 2)];
      await save({ identities: [first, second] });
      await save({ identities: [first, second] });
      await save({ identities: [said('{"model":"B"}', 3)] });
      expect(await tested.store.evidence.identities(5)).toEqual([second]);
      expect(await tested.store.evidence.identities(4)).toEqual([]);
    });

    it('knows the run that was begun last, though the clock of an earlier one was ahead', async () => {
      const { evidence } = tested.store;
      await evidence.beginRun('main', 9_000_000);
      expect(await evidence.beginRun('main', 1_000)).toMatchObject({ startedAtMs: 9_000_000, ended: 'crashed' });
      await save({ aliveAtMs: 2_000 });
      await evidence.endRun('main', 3_000);
      expect(await evidence.beginRun('main', 4_000)).toEqual({
        startedAtMs: 1_000,
        aliveAtMs: 3_000,
        ended: 'in-order',
      });
    });

    it('knows how the run before ended, and when it was last alive', async () => {
      const { evidence } = tested.store;
      expect(await evidence.beginRun('main', 1_000)).toBeUndefined();
      await save({ aliveAtMs: 5_000 });
      await tested.reopen();
      expect(await tested.store.evidence.beginRun('main', 9_000)).toEqual({
        startedAtMs: 1_000,
        aliveAtMs: 5_000,
        ended: 'crashed',
      });
      await tested.store.evidence.endRun('main', 9_500);
      expect(await tested.store.evidence.beginRun('main', 10_000)).toEqual({
        startedAtMs: 9_000,
        aliveAtMs: 9_500,
        ended: 'in-order',
      });
      expect(await tested.store.evidence.beginRun('other', 10_000)).toBeUndefined();
    });

    it('stores nothing of a flush of which a part cannot be stored', async () => {
      const broken = tallyRow({ addressId: 999 });
      await expect(save({ tallies: [tallyRow({ good: 7 }), broken] })).rejects.toMatchObject({ code: 'store' });
      expect(await ofAddress()).toBeUndefined();
      await save({ tallies: [tallyRow({ good: 7 })] });
      expect((await ofAddress())?.good).toBe(7);
    });
  });

  describe(`${name}: register`, () => {
    const by = { who: 'operator', why: 'test', atMs: 77, retireOn: '2026-03-01' };
    const register = (devices: RegisteredDevice[], fields: Partial<Register> = {}): Register => ({
      enterprises: [{ id: 'e1', name: 'Enterprise', creditCode: undefined }],
      sites: [{ id: 's1', enterpriseId: 'e1', name: 'Site', kind: 'production' }],
      devices,
      bindings: [{ sourceId: 'line', address: 'unit/1', deviceId: 'a' }],
      ...fields,
    });

    it('becomes what is given, and is given back as it was', async () => {
      const given = register([
        device('a', { marks: ['virtual'], categoryChoice: { category: 'moving', reason: 'on rails' } }),
        device('b'),
      ]);
      expect(await tested.store.register.apply(given, by)).toHaveLength(5);
      await tested.reopen();
      expect(await tested.store.register.read()).toEqual(given);
    });

    it('R12: appends who, when, why, before and after for each difference, and nothing when nothing changes', async () => {
      const { register: store } = tested.store;
      await store.apply(register([device('a')]), by);
      expect(await store.apply(register([device('a')]), { ...by, atMs: 78 })).toEqual([]);
      const [change] = await store.apply(register([device('a', { name: 'renamed' })]), {
        ...by,
        atMs: 79,
        why: 'typo',
      });
      expect(change).toMatchObject({ subject: 'device', id: 'a', atMs: 79, who: 'operator', why: 'typo' });
      expect(JSON.parse(change?.before ?? '')).toMatchObject({ name: 'device a' });
      expect((await store.changes('a', 10)).map(({ atMs }) => atMs)).toEqual([79, 77]);
    });

    it('retires a device that is no longer given, and never deletes it', async () => {
      const { register: store } = tested.store;
      await store.apply(register([device('a'), device('b')]), by);
      await store.apply(register([device('a')]), by);
      expect(await store.device('b')).toMatchObject({ life: 'retired', retiredOn: '2026-03-01' });
      expect(await store.apply(register([device('a')]), { ...by, retireOn: '2027-01-01' })).toEqual([]);
    });

    it('does not take another order of keys for a change', async () => {
      const { register: store } = tested.store;
      const choice = { category: 'moving', reason: 'on rails' } as const;
      await store.apply(register([device('a', { categoryChoice: choice })]), by);
      const turned = { reason: choice.reason, category: choice.category };
      expect(await store.apply(register([device('a', { categoryChoice: turned })]), by)).toEqual([]);
    });

    it('becomes nothing of a register that names an id twice', async () => {
      const { register: store } = tested.store;
      const twice = register([device('a'), device('a', { name: 'other' })]);
      await expect(store.apply(twice, by)).rejects.toMatchObject({
        code: 'store',
        message: expect.stringContaining('names a device twice: a') as string,
      });
      expect((await store.read()).enterprises).toEqual([]);
    });

    it('stays as it was when applied again after any other register, apart from devices that retired', async () => {
      const { register: store } = tested.store;
      const subset = fc.subarray(['a', 'b', 'c', 'd']);
      await fc.assert(
        fc.asyncProperty(subset, subset, async (first, second) => {
          await store.apply(register(first.map((id) => device(id))), by);
          await store.apply(register(second.map((id) => device(id))), by);
          const { devices } = await store.read();
          const serving = devices.filter(({ life }) => life === 'in-service').map(({ id }) => id);
          expect(serving).toEqual(second);
          for (const id of first) expect(devices.map((kept) => kept.id)).toContain(id);
          expect(await store.apply(register(second.map((id) => device(id))), { ...by, atMs: 99 })).toEqual([]);
        }),
        { numRuns: 20 },
      );
    });

    it('moves a binding to another device, and removes it, with a change each', async () => {
      const { register: store } = tested.store;
      await store.apply(register([device('a'), device('b')]), by);
      const moved = await store.apply(
        register([device('a'), device('b')], { bindings: [{ sourceId: 'line', address: 'unit/1', deviceId: 'b' }] }),
        by,
      );
      expect(moved).toMatchObject([{ subject: 'binding', id: 'line unit/1' }]);
      await store.apply(register([device('a'), device('b')], { bindings: [] }), by);
      expect((await store.read()).bindings).toEqual([]);
    });

    it('pages by id, filters, and finds text without regard to case or wildcards', async () => {
      const { register: store } = tested.store;
      const devices = ['a', 'b', 'c', 'd'].map((id) =>
        device(id, { serialNumber: `SN%_${id}`, siteId: id === 'd' ? 's2' : 's1' }),
      );
      await store.apply(register(devices), by);
      const ids = async (query: Partial<Parameters<typeof store.devices>[0]>) =>
        (await store.devices({ limit: 10, ...query })).map(({ id }) => id);
      expect(await ids({ limit: 2 })).toEqual(['a', 'b']);
      expect(await ids({ limit: 2, afterId: 'b' })).toEqual(['c', 'd']);
      expect(await ids({ siteId: 's2', enterpriseId: 'e1' })).toEqual(['d']);
      expect(await ids({ text: 'sn%_C' })).toEqual(['c']);
      expect(await ids({ text: '%' })).toHaveLength(4);
      expect(await ids({ text: 'x%' })).toEqual([]);
      expect(await ids({ text: 'ＳＮ%_ｃ' })).toEqual(['c']);
    });

    it('gives each device once over all pages, though devices are added between two', async () => {
      const { register: store } = tested.store;
      const names = ['b', 'd', 'f', 'h', 'j'];
      await store.apply(register(names.map((id) => device(id))), by);
      const seen: string[] = [];
      for (let afterId: string | undefined; ; afterId = seen.at(-1)) {
        const page = await store.devices({ limit: 2, afterId, enterpriseId: 'e1' });
        if (page.length === 0) break;
        seen.push(...page.map(({ id }) => id));
        names.push(`a${seen.length}`);
        await store.apply(register(names.map((id) => device(id))), by);
      }
      expect(seen).toEqual(['b', 'd', 'f', 'h', 'j']);
    });
  });

  describe(`${name}: tokens`, () => {
    const row = {
      id: 't1',
      name: 'assessor 2026',
      role: 'assessor',
      sha256: 'ab'.repeat(32),
      createdAtMs: 5,
      expiresAtMs: undefined,
    } as const;

    it('are found by their hash, marked when used, and revoked once', async () => {
      const { tokens } = tested.store;
      await tokens.create(row);
      await tokens.used('t1', 8);
      expect(await tokens.bySha256(row.sha256)).toMatchObject({
        id: 't1',
        role: 'assessor',
        lastUsedAtMs: 8,
        revokedAtMs: undefined,
      });
      expect(await tokens.revoke('t1', 9)).toBe(true);
      expect(await tokens.revoke('t1', 10)).toBe(false);
      await tested.reopen();
      expect(await tested.store.tokens.list()).toMatchObject([{ id: 't1', revokedAtMs: 9 }]);
      expect(await tested.store.tokens.bySha256('00'.repeat(32))).toBeUndefined();
    });

    it('are not revoked where there are none, and keep when they expire', async () => {
      const { tokens } = tested.store;
      await tokens.create({ ...row, expiresAtMs: 1_800_000_000_000 });
      expect(await tokens.revoke('none', 9)).toBe(false);
      expect((await tokens.bySha256(row.sha256))?.expiresAtMs).toBe(1_800_000_000_000);
    });

    it('cannot share a hash', async () => {
      await tested.store.tokens.create(row);
      await expect(tested.store.tokens.create({ ...row, id: 't2' })).rejects.toMatchObject({ code: 'store' });
    });
  });
}
