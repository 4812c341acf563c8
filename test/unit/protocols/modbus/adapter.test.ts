import { afterEach, describe, expect, it } from 'vitest';
import type { Batch } from '../../../../protocols/contract.ts';
import { modbus } from '../../../../protocols/modbus/definition.ts';
import { Quality } from '../../../../protocols/observation.ts';
import { testContext } from '../../../contract/adapter-contract.ts';
import { frame, ScriptedDevice, type SeenRequest } from '../../../support/scripted-device.ts';

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const tidy of cleanUp.splice(0).toReversed()) await tidy();
});

interface Seen {
  readonly unit: string;
  readonly quality: number;
  readonly statusCode: number;
  readonly points: number;
  readonly atMs: number;
}

/** Observes a scripted device until `enough`, and gives what was seen. */
async function observe(
  answer: (request: SeenRequest) => readonly number[] | undefined,
  units: readonly object[],
  enough: (seen: readonly Seen[], device: ScriptedDevice) => boolean,
): Promise<{ seen: Seen[]; device: ScriptedDevice }> {
  const device = new ScriptedDevice((request, socket) => {
    const pdu = answer(request);
    if (pdu !== undefined) socket.write(frame(request.transactionId, request.unitId, pdu));
  });
  const port = await device.listen();
  cleanUp.push(() => device[Symbol.asyncDispose]());
  const config = modbus.configSchema.parse({
    id: 'm',
    protocol: 'modbus',
    host: '127.0.0.1',
    port,
    cycle: '100ms',
    requestTimeout: '50ms',
    units,
  });
  const context = testContext('/nonexistent');
  const stop = new AbortController();
  const seen: Seen[] = [];
  const take = ({ observations }: Batch): void => {
    for (let i = 0; i < observations.length; i++) {
      seen.push({
        unit: context.bound[observations.address[i] ?? 0] ?? '',
        quality: observations.quality[i] ?? 0,
        statusCode: observations.statusCode[i] ?? 0,
        points: observations.points[i] ?? 0,
        atMs: observations.receivedAtMs[i] ?? 0,
      });
    }
    if (enough(seen, device)) stop.abort();
  };
  const timer = setInterval(() => enough(seen, device) && stop.abort(), 20);
  for await (const batch of modbus
    .create(config, context)
    .observe(AbortSignal.any([stop.signal, AbortSignal.timeout(20_000)])))
    take(batch);
  clearInterval(timer);
  return { seen, device };
}

const points = [{ name: 'a', address: 0 }];
const good = ({ pdu }: SeenRequest): number[] => {
  const count = pdu.readUInt16BE(3);
  return [3, count * 2, ...Array.from({ length: count * 2 }, () => 1)];
};

describe('R3: a modbus unit', () => {
  it('is good when all of its reads are answered with values', async () => {
    const { seen } = await observe(
      good,
      [
        {
          unitId: 3,
          points: [
            { name: 'a', address: 0 },
            { name: 'b', address: 100, type: 'f32' },
          ],
        },
      ],
      (all) => all.length > 2,
    );
    expect(seen[0]).toMatchObject({ unit: 'unit/3', quality: Quality.good, points: 2 });
  });

  it('that answers with an exception is present, without data', async () => {
    const { seen } = await observe(
      () => [0x83, 4],
      [{ unitId: 3, points }],
      (all) => all.length > 0,
    );
    expect(seen[0]).toMatchObject({ quality: Quality.bad, statusCode: 4, points: 0 });
  });

  it('is uncertain when only some of its reads bring values', async () => {
    const answer = (request: SeenRequest) => (request.pdu.readUInt16BE(1) === 0 ? good(request) : [0x83, 2]);
    const two = [
      { name: 'a', address: 0 },
      { name: 'b', address: 100 },
    ];
    const { seen } = await observe(answer, [{ unitId: 3, points: two }], (all) => all.length > 0);
    expect(seen[0]).toMatchObject({ quality: Quality.uncertain, statusCode: 2, points: 1 });
  });

  it('that says nothing is not observed at all', async () => {
    const { seen } = await observe(
      (request) => (request.unitId === 9 ? undefined : good(request)),
      [
        { unitId: 9, points },
        { unitId: 1, points },
      ],
      (all) => all.length > 5,
    );
    expect(new Set(seen.map(({ unit }) => unit))).toEqual(new Set(['unit/1']));
  });

  it('whose answer does not fit the request is present, without data', async () => {
    const { seen } = await observe(
      () => [3, 4, 0, 1, 0, 2],
      [{ unitId: 3, points }],
      (all) => all.length > 0,
    );
    expect(seen[0]).toMatchObject({ quality: Quality.bad });
  });
});

describe('fault "one dead slave loses all slaves"', () => {
  it('after three unanswered cycles a dead unit is asked only now and then, and the line stays as it is', async () => {
    const units = [
      { unitId: 9, points },
      { unitId: 1, points },
    ];
    const { seen, device } = await observe(
      (request) => (request.unitId === 9 ? undefined : good(request)),
      units,
      (all) => all.length >= 25,
    );
    const dead = device.requests.filter(({ unitId }) => unitId === 9).length;
    expect(dead).toBeLessThan(12);
    expect(seen.length).toBeGreaterThanOrEqual(25);
    expect(device.connections).toBe(1);
  });

  it('an answer after a dead time brings it back at once', async () => {
    let asked = 0;
    const { seen } = await observe(
      (request) => (request.unitId === 9 && ++asked <= 4 ? undefined : good(request)),
      [
        { unitId: 9, points },
        { unitId: 1, points },
      ],
      (all) => all.filter(({ unit }) => unit === 'unit/9').length >= 4,
    );
    const back = seen.filter(({ unit }) => unit === 'unit/9').map(({ atMs }) => atMs);
    expect((back[3] ?? 0) - (back[0] ?? 0)).toBeLessThan(1_500);
  });
});

describe('one gateway with 32 units of which one answers 0x0A', () => {
  it('gives data of 31 and presence of one', async () => {
    const units = Array.from({ length: 32 }, (_, i) => ({ unitId: i + 1, points }));
    const { seen } = await observe(
      (request) => (request.unitId === 5 ? [0x83, 10] : good(request)),
      units,
      (all) => all.length >= 64,
    );
    const bad = seen.filter(({ quality }) => quality === Quality.bad);
    expect(new Set(bad.map(({ unit }) => unit))).toEqual(new Set(['unit/5']));
    expect(new Set(seen.filter(({ quality }) => quality === Quality.good).map(({ unit }) => unit)).size).toBe(31);
  });
});
