import { DataType, DataValue, StatusCode, StatusCodes, Variant } from 'node-opcua-client';
import { describe, expect, it } from 'vitest';
import { BoundedQueue } from '../../../../protocols/bounded-queue.ts';
import { Quality } from '../../../../protocols/observation.ts';
import { DeviceFold, ItemClock } from '../../../../protocols/opcua/device-fold.ts';

const clock = { nowMs: () => 1_000, monotonicMs: () => 1_000 };

function value(of: {
  readonly number?: number;
  readonly sourceMs?: number;
  readonly serverMs?: number;
  readonly statusCode?: StatusCode;
}): DataValue {
  return new DataValue({
    value: new Variant({ dataType: DataType.Double, value: of.number ?? 1 }),
    statusCode: of.statusCode ?? StatusCodes.Good,
    ...(of.sourceMs === undefined ? {} : { sourceTimestamp: new Date(of.sourceMs) }),
    ...(of.serverMs === undefined ? {} : { serverTimestamp: new Date(of.serverMs) }),
  });
}

/** Gives notifications to one device with two items, and what it makes of them. */
async function observe(...notifications: (readonly [0 | 1, DataValue])[][]) {
  const queue = new BoundedQueue(clock, 4);
  const fold = new DeviceFold(7);
  const items = [new ItemClock(fold), new ItemClock(fold)] as const;
  const overflows: boolean[] = [];
  for (const notification of notifications) {
    for (const [item, given] of notification) overflows.push(fold.take(items[item], given));
    fold.flush(queue, 5_000);
  }
  const stream = queue.batches(new AbortController().signal);
  const { value: batch } = await stream.next();
  if (batch === undefined) throw new Error('nothing was observed');
  const { observations } = batch;
  const seen = Array.from({ length: observations.length }, (_, i) => ({
    quality: observations.quality[i],
    statusCode: observations.statusCode[i],
    points: observations.points[i],
    digest: observations.digest[i],
    sourceAtMs: observations.sourceAtMs[i],
  }));
  await stream.return();
  return { seen, overflows };
}

describe('R3: the values of an OPC UA device', () => {
  it('begin as no evidence, because a subscription begins with whatever was there', async () => {
    const { seen } = await observe([[0, value({ sourceMs: 10 })]]);
    expect(seen).toMatchObject([{ quality: Quality.weightless, points: 0 }]);
  });

  it('are good when their time moves on, one observation a notification', async () => {
    const { seen } = await observe(
      [
        [0, value({ sourceMs: 10 })],
        [1, value({ sourceMs: 10 })],
      ],
      [
        [0, value({ sourceMs: 20 })],
        [1, value({ sourceMs: 30 })],
      ],
    );
    expect(seen[1]).toMatchObject({ quality: Quality.good, points: 2, sourceAtMs: 30 });
  });

  it('fault "value stays Good after unplug": are no evidence while their time stands still', async () => {
    const frozen: (readonly [0, DataValue])[] = [[0, value({ sourceMs: 10, serverMs: 99 })]];
    const { seen } = await observe(frozen, [[0, value({ number: 2, sourceMs: 10, serverMs: 100 })]], frozen);
    expect(seen.map(({ quality }) => quality)).toEqual(Array(3).fill(Quality.weightless));
  });

  it('go by the server’s time only where the source gives none', async () => {
    const { seen } = await observe([[0, value({ serverMs: 10 })]], [[0, value({ serverMs: 20 })]]);
    expect(seen[1]).toMatchObject({ quality: Quality.good, sourceAtMs: 20 });
  });

  it('without any time are never evidence', async () => {
    const { seen } = await observe([[0, value({})]], [[0, value({ number: 2 })]]);
    expect(seen[1]?.quality).toBe(Quality.weightless);
  });

  it('that are Uncertain or Bad are kept with their raw status code', async () => {
    const { seen } = await observe(
      [[0, value({ sourceMs: 10, statusCode: StatusCodes.UncertainLastUsableValue })]],
      [[0, value({ sourceMs: 20, statusCode: StatusCodes.BadSensorFailure })]],
    );
    expect(seen).toMatchObject([
      { quality: Quality.uncertain, statusCode: StatusCodes.UncertainLastUsableValue.value },
      { quality: Quality.bad, statusCode: StatusCodes.BadSensorFailure.value },
    ]);
  });

  it('one bad node does not lose the others of the device', async () => {
    const bad = value({ sourceMs: 20, statusCode: StatusCodes.BadNodeIdUnknown });
    const { seen } = await observe(
      [[0, value({ sourceMs: 10 })]],
      [
        [0, value({ sourceMs: 20 })],
        [1, bad],
      ],
    );
    expect(seen[1]).toMatchObject({ quality: Quality.good, points: 1 });
  });

  it('digest the values and not their times', async () => {
    const at = (sourceMs: number, number: number): (readonly [0, DataValue])[] => [[0, value({ sourceMs, number })]];
    const { seen } = await observe(at(10, 1), at(20, 5), at(30, 5), at(40, 6));
    expect(seen[2]?.digest).toBe(seen[1]?.digest);
    expect(seen[3]?.digest).not.toBe(seen[1]?.digest);
  });

  it('say when the server’s queue overflowed before them', async () => {
    const overflowed = StatusCode.makeStatusCode(StatusCodes.Good, 'Overflow | InfoTypeDataValue');
    const { overflows } = await observe(
      [[0, value({ sourceMs: 10 })]],
      [[0, value({ sourceMs: 20, statusCode: overflowed })]],
    );
    expect(overflows).toEqual([false, true]);
  });
});
