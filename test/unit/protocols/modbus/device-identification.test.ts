import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../../../protocols/errors.ts';
import {
  claimsOfObjects,
  parseIdentification,
  readIdentification,
} from '../../../../protocols/modbus/device-identification.ts';

function answer(objects: readonly (readonly [number, string])[], next?: number): Uint8Array {
  const body = objects.flatMap(([id, text]) => [id, text.length, ...Buffer.from(text)]);
  return Uint8Array.from([0x2b, 0x0e, 3, 0x83, next === undefined ? 0 : 0xff, next ?? 0, objects.length, ...body]);
}

/** Answers in turn; what comes after the last is silence. */
function asking(...answers: Uint8Array[]): { ask: (request: Uint8Array) => Promise<Uint8Array>; requests: number[][] } {
  const requests: number[][] = [];
  return {
    requests,
    ask: (request) => {
      requests.push([...request]);
      const next = answers[requests.length - 1];
      return next === undefined
        ? Promise.reject(new ProtocolError('timeout', 'asking the script: no answer'))
        : Promise.resolve(next);
    },
  };
}

describe('read device identification', () => {
  it('reads all objects over several rounds, each beginning where the device said', async () => {
    const { ask, requests } = asking(
      answer(
        [
          [0, 'Yunfeng'],
          [1, 'SC-75'],
        ],
        2,
      ),
      answer([[2, 'V1.0']]),
    );
    expect([...(await readIdentification(undefined, ask))]).toEqual([
      [0, 'Yunfeng'],
      [1, 'SC-75'],
      [2, 'V1.0'],
    ]);
    expect(requests).toEqual([
      [0x2b, 0x0e, 3, 0],
      [0x2b, 0x0e, 3, 2],
    ]);
  });

  it('asks for less where a device refuses a category above its conformity level', async () => {
    const exception = Uint8Array.of(0xab, 3);
    const { ask, requests } = asking(exception, exception, answer([[0, 'Yunfeng']]));
    expect([...(await readIdentification(undefined, ask))]).toEqual([[0, 'Yunfeng']]);
    expect(requests.map(([, , category]) => category)).toEqual([3, 2, 1]);
    const refusing = asking(exception, exception, exception);
    await expect(readIdentification(undefined, refusing.ask)).rejects.toMatchObject({ code: 'exception' });
  });

  it('asks for the named object by itself where the stream did not bring it and the level allows that', async () => {
    const one = Uint8Array.from([0x2b, 0x0e, 4, 0x83, 0, 0, 1, 0x80, 2, 0x53, 0x37]);
    const { ask, requests } = asking(answer([[0, 'Yunfeng']]), one);
    expect([...(await readIdentification(0x80, ask))]).toEqual([
      [0, 'Yunfeng'],
      [0x80, 'S7'],
    ]);
    expect(requests[1]).toEqual([0x2b, 0x0e, 4, 0x80]);
    const silent = asking(answer([[0, 'Yunfeng']]));
    expect((await readIdentification(0x80, silent.ask)).size).toBe(1);
    const streamOnly = answer([[0, 'Yunfeng']]);
    streamOnly[3] = 0x03;
    const unable = asking(streamOnly, one);
    await readIdentification(0x80, unable.ask);
    expect(unable.requests.length).toBe(1);
  });

  it('fault "moreFollows, then silence": keeps what was read and ends', async () => {
    const { ask } = asking(answer([[0, 'Yunfeng']], 1));
    expect([...(await readIdentification(undefined, ask))]).toEqual([[0, 'Yunfeng']]);
  });

  it('fault "endless moreFollows": stops when a round brings nothing new', async () => {
    const { ask, requests } = asking(...Array.from({ length: 100 }, () => answer([[0, 'again']], 0)));
    await readIdentification(undefined, ask);
    expect(requests.length).toBe(2);
  });

  it('stops after a bounded number of rounds even when each brings something', async () => {
    const rounds = Array.from({ length: 300 }, (_, i) => answer([[i % 256, 'x']], (i + 1) % 256));
    const { ask, requests } = asking(...rounds);
    await readIdentification(undefined, ask);
    expect(requests.length).toBe(16);
  });

  it('fault "length overrun": refuses an object that is longer than the answer', () => {
    const cut = answer([[0, 'Yunfeng']]).subarray(0, 12);
    expect(() => parseIdentification(cut)).toThrow(expect.objectContaining({ code: 'violation' }));
  });

  it('throws nothing but protocol errors, for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 260 }), (bytes) => {
        try {
          parseIdentification(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 20_000 },
    );
  });

  it('makes claims of the objects, the serial number only from the object that was named', () => {
    const objects = new Map([
      [0, 'Yunfeng\0'],
      [1, 'P-1'],
      [5, 'SC-75'],
      [0x80, 'S123'],
      [4, 'SC-75 SIMULATED'],
    ]);
    expect(claimsOfObjects(objects, undefined)).toEqual({ manufacturer: 'Yunfeng', model: 'SC-75', simulated: true });
    expect(claimsOfObjects(objects, 0x80).serialNumber).toBe('S123');
    expect(claimsOfObjects(new Map([[4, 'Simulatedly']]), undefined)).toEqual({});
  });
});
