import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { ProtocolError } from '../../../../protocols/errors.ts';
import { MbapFraming } from '../../../../protocols/modbus/mbap.ts';
import { openLink } from '../../../../protocols/modbus/transport.ts';
import { frame, type SeenRequest } from '../../../support/scripted-device.ts';
import { until } from '../../../support/wait.ts';
import { never, READ_ONE, readOne, talkTo as talk, value } from './talk.ts';

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const tidy of cleanUp.splice(0).toReversed()) await tidy();
});

const talkTo: (answer: Parameters<typeof talk>[0], options?: Parameters<typeof talk>[2]) => ReturnType<typeof talk> = (
  answer,
  options,
) => talk(answer, cleanUp, options);

describe('a modbus connection', () => {
  it('matches an answer to its request and measures the round trip', async () => {
    const { connection } = await talkTo(({ transactionId, unitId }, socket) =>
      socket.write(frame(transactionId, unitId, value(777))),
    );
    const exchange = await connection.request(9, READ_ONE, 500, never);
    expect([...exchange.pdu]).toEqual(value(777));
    expect([...exchange.responseBytes]).toEqual([...frame(1, 9, value(777))]);
    expect([...exchange.requestBytes]).toEqual([...frame(1, 9, [...READ_ONE])]);
    expect(exchange.roundTripUs).toBeGreaterThan(0);
  });

  it('fault "a late reply is accepted after the transaction id wraps": it is not, whatever comes between', async () => {
    let first: SeenRequest | undefined;
    const { device, connection } = await talkTo((request, socket) => {
      if (first === undefined) first = request;
      else {
        // Before each answer comes the answer to the very first request again.
        socket.write(frame(first.transactionId, 1, value(666)));
        socket.write(frame(request.transactionId, 1, value(5)));
      }
    });
    await expect(readOne(connection, 1, 30)).rejects.toMatchObject({ code: 'timeout' });
    for (let i = 0; i < 70_000; i++) expect(await readOne(connection, 1, 2_000)).toBe(5);
    expect(device.requests.filter(({ transactionId }) => transactionId === first?.transactionId).length).toBe(1);
  }, 60_000);

  it('fault "no default timeout": every request ends, answered or not', async () => {
    const { connection } = await talkTo(() => {});
    await expect(readOne(connection, 1, 30)).rejects.toMatchObject({ code: 'timeout' });
  });

  it('ignores an answer of the wrong unit and goes on waiting for the right one', async () => {
    const { connection } = await talkTo(({ transactionId }, socket) => {
      socket.write(frame(transactionId, 2, value(666)));
      setTimeout(() => socket.write(frame(transactionId, 1, value(8))), 20);
    });
    expect(await readOne(connection)).toBe(8);
    expect(connection.strays).toBe(1);
  });

  it('ignores an answer with another function code, and an exception of another function', async () => {
    const { connection } = await talkTo(({ transactionId }, socket) => {
      socket.write(frame(transactionId, 1, [4, 2, 2, 154]));
      socket.write(frame(transactionId, 1, [0x84, 2]));
      socket.write(frame(transactionId, 1, value(9)));
    });
    expect(await readOne(connection)).toBe(9);
  });

  it('takes an exception as the answer it is', async () => {
    const { connection } = await talkTo(({ transactionId }, socket) =>
      socket.write(frame(transactionId, 1, [0x83, 11])),
    );
    expect([...(await connection.request(1, READ_ONE, 200, never)).pdu]).toEqual([0x83, 11]);
  });

  it('reads two frames in one segment and one frame in ten segments', async () => {
    const { connection } = await talkTo(({ transactionId, unitId }, socket) => {
      if (unitId === 1) {
        socket.write(Buffer.concat([frame(9_999, 1, value(1)), frame(transactionId, 1, value(10))]));
        return;
      }
      const bytes = frame(transactionId, unitId, value(11));
      bytes.forEach((byte, i) => setTimeout(() => socket.write(Uint8Array.of(byte)), i * 3));
    });
    expect(await readOne(connection)).toBe(10);
    expect(await readOne(connection, 2)).toBe(11);
  });

  it('fault "length 65,535 in the header": closes instead of waiting for 65 kB', async () => {
    const { connection } = await talkTo(({ transactionId }, socket) => {
      const bytes = frame(transactionId, 1, value(1));
      bytes.writeUInt16BE(65_535, 4);
      socket.write(bytes);
    });
    const lost = new Promise<ProtocolError>((resolve) => {
      connection.onLost = resolve;
    });
    await expect(readOne(connection)).rejects.toMatchObject({ code: 'violation' });
    expect((await lost).hint).toContain('rtu-over-tcp');
  });

  it('closes on a protocol id that is not Modbus', async () => {
    const { connection } = await talkTo(({ transactionId }, socket) =>
      socket.write(frame(transactionId, 1, value(1), 7)),
    );
    await expect(readOne(connection)).rejects.toMatchObject({ code: 'violation' });
    await expect(readOne(connection)).rejects.toMatchObject({ code: 'violation' });
  });

  it('tells everybody who waits when the device resets the connection in mid-frame', async () => {
    const { connection } = await talkTo(({ transactionId }, socket) => {
      socket.write(frame(transactionId, 1, value(1)).subarray(0, 5), () => socket.resetAndDestroy());
    });
    const all = await Promise.allSettled([readOne(connection), readOne(connection, 2), readOne(connection, 3)]);
    expect(all.map((one) => one.status === 'rejected' && (one.reason as ProtocolError).code)).toEqual(
      Array(3).fill('connection-lost'),
    );
  });

  it('fault "parallel unit ids collide on one gateway": asks one at a time, in order', async () => {
    let outstanding = 0;
    let most = 0;
    const { device, connection } = await talkTo(({ transactionId, unitId }, socket) => {
      most = Math.max(most, ++outstanding);
      setTimeout(() => {
        outstanding -= 1;
        socket.write(frame(transactionId, unitId, value(unitId)));
      }, 5);
    });
    const values = await Promise.all(Array.from({ length: 20 }, (_, i) => readOne(connection, i + 1, 1_000)));
    expect(values).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(most).toBe(1);
    expect(device.requests.map(({ unitId }) => unitId)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  });

  it('goes on with the next request when one is stopped, and never takes the stopped one’s answer', async () => {
    const { device, connection } = await talkTo(({ transactionId, unitId }, socket) => {
      setTimeout(() => socket.write(frame(transactionId, unitId, value(unitId))), 20);
    });
    const stop = new AbortController();
    const stopped = connection.request(1, READ_ONE, 500, stop.signal);
    const next = readOne(connection, 2, 500);
    await until('the first request', () => device.requests.length === 1);
    stop.abort();
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
    expect(await next).toBe(2);
    expect(connection.strays).toBe(1);
  });

  it('says that nobody listens, or that nobody answers, with what to check', async () => {
    const open = (port: number, signal = never) => openLink({ kind: 'tcp', host: '127.0.0.1', port }, 150, signal);
    await expect(open(1)).rejects.toMatchObject({
      code: 'unreachable',
      hint: expect.stringContaining('check host') as string,
    });
    await expect(open(1, AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('the MBAP reader', () => {
  it('gives the same frames however the stream is cut', () => {
    const anyFrame = fc.record({
      transactionId: fc.nat(0xffff),
      unitId: fc.nat(255),
      pdu: fc.uint8Array({ minLength: 1, maxLength: 253 }),
    });
    fc.assert(
      fc.property(
        fc.array(anyFrame, { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 60 }),
        (frames, cuts) => {
          const stream = Buffer.concat(
            frames.map(({ transactionId, unitId, pdu }) => frame(transactionId, unitId, [...pdu])),
          );
          const reader = new MbapFraming();
          const read = [];
          let at = 0;
          for (const cut of [...cuts, stream.length]) {
            read.push(...reader.take(stream.subarray(at, at + cut)));
            at += cut;
          }
          expect(read.map(({ transactionId, unitId, pdu }) => ({ transactionId, unitId, pdu: [...pdu] }))).toEqual(
            frames.map(({ transactionId, unitId, pdu }) => ({ transactionId, unitId, pdu: [...pdu] })),
          );
        },
      ),
    );
  });

  it('never throws anything but a violation, and never gives a frame of impossible length, for any bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 20 }), (chunks) => {
        const reader = new MbapFraming();
        try {
          for (const chunk of chunks) {
            for (const { pdu } of reader.take(chunk)) expect(pdu.length >= 1 && pdu.length <= 253).toBe(true);
          }
        } catch (error) {
          expect(error).toMatchObject({ name: 'ProtocolError', code: 'violation' });
        }
      }),
      { numRuns: 20_000 },
    );
  });
});
