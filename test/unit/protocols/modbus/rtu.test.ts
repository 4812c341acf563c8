import { createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { RtuFraming } from '../../../../protocols/modbus/rtu.ts';
import type { ConnectionOptions, ModbusConnection } from '../../../../protocols/modbus/transaction.ts';
import { crcOf, rtuFrame } from '../../../support/rtu.ts';
import { until } from '../../../support/wait.ts';
import { connected, never, READ_ONE, readOne, value } from './talk.ts';

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const tidy of cleanUp.splice(0).toReversed()) await tidy();
});

const seen = (frames: readonly { unitId: number; pdu: Uint8Array }[]) =>
  frames.map(({ unitId, pdu }) => ({ unitId, pdu: [...pdu] }));
const FIVE = { unitId: 1, pdu: value(5) };

describe('RTU frames', () => {
  it('carry the CRC of the specification’s example', () => {
    // MODBUS over Serial Line V1.02, 6.2.2: the message 02 07 has the CRC 0x1241, sent 41 12.
    expect(Buffer.from(new RtuFraming().encode(0, 0x02, Uint8Array.of(0x07))).toString('hex')).toBe('02074112');
    expect(crcOf([2, 7])).toBe(0x1241);
    // 01 03 00 00 00 0A C5 CD stands in many manuals.
    expect([...new RtuFraming().encode(0, 1, Uint8Array.of(3, 0, 0, 0, 10))]).toEqual([1, 3, 0, 0, 0, 10, 0xc5, 0xcd]);
  });

  it('are found two in one segment and one in many', () => {
    const reader = new RtuFraming();
    expect(seen(reader.take(Buffer.concat([rtuFrame(1, value(5)), rtuFrame(2, [0x83, 2])])))).toEqual([
      FIVE,
      { unitId: 2, pdu: [0x83, 2] },
    ]);
    const parts = [...rtuFrame(1, value(5))].flatMap((byte) => seen(reader.take(Uint8Array.of(byte))));
    expect(parts).toEqual([FIVE]);
    expect(reader.isHolding).toBe(false);
  });

  it('fault "garbage between frames": it is passed over and the next frame is found', () => {
    const reader = new RtuFraming();
    const stream = Buffer.concat([Buffer.from([0xff, 0, 0x42, 0x99]), rtuFrame(1, value(5))]);
    expect(seen(reader.take(stream))).toEqual([FIVE]);
    expect(reader.passedOver).toBe(4);
  });

  it('fault "the adapter echoes our own request": the echo is no answer, and the answer behind it is found', () => {
    const reader = new RtuFraming();
    // 17 coils from 0x0300 on: the echo has every mark of an answer with three bytes of values.
    const request = reader.encode(0, 1, Uint8Array.of(1, 3, 0, 0, 17));
    const answer = { unitId: 1, pdu: [1, 3, 9, 8, 1] };
    const stream = Buffer.concat([request, rtuFrame(1, answer.pdu)]);
    expect(seen([...stream].flatMap((byte) => reader.take(Uint8Array.of(byte))))).toEqual([answer]);
    expect(reader.passedOver).toBe(0);
  });

  it('with a wrong CRC are none', () => {
    const damaged = rtuFrame(1, value(5));
    damaged[4] = (damaged[4] ?? 0) ^ 1;
    const reader = new RtuFraming();
    expect([...reader.take(damaged), ...reader.silence()]).toEqual([]);
  });

  it('hidden behind the beginning of a longer one that never ends are found when the line is silent', () => {
    const reader = new RtuFraming();
    // 01 03 FA announces 250 bytes that do not come.
    expect(reader.take(Buffer.concat([Buffer.from([1, 3, 0xfa, 0]), rtuFrame(1, value(5))]))).toEqual([]);
    expect(reader.isHolding).toBe(true);
    expect(seen(reader.silence())).toEqual([FIVE]);
    expect(reader.isHolding).toBe(false);
  });

  it('of FC 43/14 end where their objects end', () => {
    const pdu = [0x2b, 0x0e, 3, 0x83, 0, 0, 2, 0, 2, 0x41, 0x42, 1, 1, 0x43];
    const reader = new RtuFraming();
    const bytes = Buffer.concat([rtuFrame(9, pdu), rtuFrame(1, value(5))]);
    expect(seen([...bytes].flatMap((byte) => reader.take(Uint8Array.of(byte))))).toEqual([{ unitId: 9, pdu }, FIVE]);
  });

  it('are the same however the stream is cut, with garbage in between that is no frame', () => {
    const anyFrame = fc.oneof(
      fc.tuple(fc.constantFrom(3, 4), fc.uint8Array({ minLength: 1, maxLength: 125 })).map(([code, words]) => {
        return [code, words.length * 2, ...words, ...words];
      }),
      fc.constantFrom([0x83, 2], [0x81, 11], [0xab, 1]),
      fc.uint8Array({ minLength: 1, maxLength: 60 }).map((id) => [0x11, id.length, ...id]),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 247 }), anyFrame), { maxLength: 5 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 60 }),
        (frames, cuts) => {
          // Function 0 is asked by nobody: these bytes begin no frame, wherever one looks.
          const garbage = Buffer.from([0, 0, 0]);
          const stream = Buffer.concat(frames.flatMap(([unitId, pdu]) => [garbage, rtuFrame(unitId, pdu)]));
          const reader = new RtuFraming();
          const read = [];
          let at = 0;
          for (const cut of [...cuts, stream.length]) {
            read.push(...reader.take(stream.subarray(at, at + cut)));
            at += cut;
          }
          read.push(...reader.silence());
          expect(seen(read)).toEqual(frames.map(([unitId, pdu]) => ({ unitId, pdu })));
        },
      ),
    );
  });
});

interface RtuTalk {
  readonly connection: ModbusConnection;
  readonly requests: { readonly unitId: number; readonly atMs: number }[];
}

/** A scripted device that speaks RTU over TCP: requests of eight bytes, answered as the test says. */
async function talkRtu(
  answer: (unitId: number, socket: Socket, count: number) => void,
  options: Partial<ConnectionOptions> = {},
): Promise<RtuTalk> {
  const requests: RtuTalk['requests'] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    let held = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      held = Buffer.concat([held, chunk]);
      for (; held.length >= 8; held = held.subarray(8)) {
        const unitId = held[0] ?? 0;
        requests.push({ unitId, atMs: performance.now() });
        answer(unitId, socket, requests.length);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  const connection = await connected(address.port, new RtuFraming(), options);
  cleanUp.push(() => connection.close());
  return { connection, requests };
}

describe('a connection without transaction ids', () => {
  it('asks one at a time and matches by unit, function and length', async () => {
    const { connection } = await talkRtu((unitId, socket) => socket.write(rtuFrame(unitId, value(unitId * 10))));
    expect(await Promise.all([1, 2, 3].map((unitId) => readOne(connection, unitId)))).toEqual([10, 20, 30]);
  });

  it('fault "late answer": what comes after the time-out is not taken for the next request’s answer', async () => {
    const { connection, requests } = await talkRtu((unitId, socket, count) => {
      // The first answer comes 40 ms after its time-out; it would fit the second request in everything but its age.
      if (count === 1) setTimeout(() => socket.write(rtuFrame(unitId, value(666))), 90);
      else socket.write(rtuFrame(unitId, value(7)));
    });
    await expect(readOne(connection, 1, 50)).rejects.toMatchObject({ code: 'timeout' });
    expect(await readOne(connection, 1, 200)).toBe(7);
    expect(connection.strays).toBe(1);
    expect((requests[1]?.atMs ?? 0) - (requests[0]?.atMs ?? 0)).toBeGreaterThanOrEqual(85);
  });

  it('a unit that left a request unanswered holds up nobody else', async () => {
    const { connection, requests } = await talkRtu((unitId, socket) => {
      if (unitId !== 9) socket.write(rtuFrame(unitId, value(unitId)));
    });
    const dead = Promise.allSettled([readOne(connection, 9, 60), readOne(connection, 9, 60)]);
    expect(await Promise.all([readOne(connection, 1), readOne(connection, 2)])).toEqual([1, 2]);
    await dead;
    expect(requests.map(({ unitId }) => unitId)).toEqual([9, 1, 2, 9]);
  });

  it('fault "wrong unit, then the right one": waits for the right one', async () => {
    const { connection } = await talkRtu((unitId, socket) => {
      socket.write(Buffer.concat([rtuFrame(unitId + 1, value(666)), rtuFrame(unitId, value(8))]));
    });
    expect(await readOne(connection)).toBe(8);
    expect(connection.strays).toBe(1);
  });

  it('does not take an answer with another number of registers than it asked for', async () => {
    const { connection } = await talkRtu((unitId, socket) => {
      socket.write(rtuFrame(unitId, [3, 4, 0, 1, 0, 2]));
      setTimeout(() => socket.write(rtuFrame(unitId, value(9))), 10);
    });
    expect(await readOne(connection)).toBe(9);
  });

  it('finds an answer behind half a frame once the line was silent', async () => {
    const { connection } = await talkRtu((unitId, socket) => {
      socket.write(Buffer.concat([Buffer.from([unitId, 3, 0xfa, 1]), rtuFrame(unitId, value(11))]));
    });
    expect(await readOne(connection)).toBe(11);
  });

  it('does not speak over the answer to a request that was stopped', async () => {
    const { connection, requests } = await talkRtu((unitId, socket) => {
      setTimeout(() => socket.write(rtuFrame(unitId, value(unitId))), 60);
    });
    const stop = new AbortController();
    const stopped = connection.request(1, READ_ONE, 500, stop.signal);
    const next = readOne(connection, 2, 500);
    await until('the first request', () => requests.length === 1);
    stop.abort();
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
    expect(await next).toBe(2);
    expect((requests[1]?.atMs ?? 0) - (requests[0]?.atMs ?? 0)).toBeGreaterThanOrEqual(55);
    expect(connection.strays).toBe(1);
  });

  it('keeps the pause between an answer and the next request', async () => {
    const { connection, requests } = await talkRtu((unitId, socket) => socket.write(rtuFrame(unitId, value(unitId))), {
      pauseMs: 30,
    });
    await Promise.all([readOne(connection, 1), readOne(connection, 2), readOne(connection, 3)]);
    const [first, second, third] = requests.map(({ atMs }) => atMs);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(29);
    expect((third ?? 0) - (second ?? 0)).toBeGreaterThanOrEqual(29);
  });

  it('is lost for everybody who waits when the other end goes away', async () => {
    const { connection } = await talkRtu((_unitId, socket) => socket.resetAndDestroy());
    const all = await Promise.allSettled([1, 2].map((unitId) => connection.request(unitId, READ_ONE, 500, never)));
    expect(all.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });
});
