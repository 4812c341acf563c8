import { describe, expect, it } from 'vitest';
import type { SourceEvent } from '../../../../protocols/contract.ts';
import { fastestAnswerUs, silenceUs, speedOf } from '../../../../protocols/modbus/line-time.ts';
import { Plausibility } from '../../../../protocols/modbus/plausibility.ts';

const SPEED = speedOf({ baudRate: 9_600, dataBits: 8, parity: 'even', stopBits: 1 });
/** Request of five bytes and answer of 22: ten registers. */
const TEN_REGISTERS = { pdu: new Uint8Array(22), requestBytes: 5 };

describe('R13: the time of a line', () => {
  it('a read of ten registers at 9,600 baud takes 46 ms with the silence after it, and 42 ms until the answer is there', () => {
    expect(SPEED).toEqual({ baudRate: 9_600, bitsPerCharacter: 11 });
    const answerUs = fastestAnswerUs(5 + 22, SPEED);
    expect(Math.round(answerUs / 1_000)).toBe(42);
    expect(Math.round((answerUs + silenceUs(SPEED)) / 1_000)).toBe(46);
  });

  it('above 19,200 baud the silence is 1.75 ms, whatever the speed', () => {
    expect(silenceUs({ baudRate: 115_200, bitsPerCharacter: 10 })).toBe(1_750);
  });
});

describe('R13: answers faster than the line can carry them', () => {
  const look = (roundTripsUs: readonly number[]): SourceEvent[] => {
    const told: SourceEvent[] = [];
    const plausibility = new Plausibility('unit/3', SPEED, (notice) => told.push(notice));
    for (const roundTripUs of roundTripsUs)
      plausibility.add({ pdu: TEN_REGISTERS.pdu, roundTripUs }, TEN_REGISTERS.requestBytes);
    return told;
  };

  it('are a finding that says what was measured, what is possible, and what it may be in all innocence', () => {
    const [finding] = look([900, 950, 1_000]);
    expect(finding).toMatchObject({
      code: 'answers-too-fast unit/3',
      level: 'warning',
      message: 'unit/3 answered in 1.0 ms what a line of 9600 baud carries in 41.8 ms at the least (R13)',
      hint: expect.stringContaining('a memory of its own') as string,
    });
  });

  it('are none where the line had the time, or where it happened once', () => {
    expect(look([42_000, 43_000, 60_000, 80_000])).toEqual([]);
    expect(look([900, 43_000, 900, 43_000, 900])).toEqual([]);
  });

  it('are told once, and taken back when answers take their time again', () => {
    const told = look([900, 900, 900, 900, 900, 50_000, 50_000, 50_000, 50_000]);
    expect(told.map((event) => event.kind === 'notice' && event.level)).toEqual(['warning', 'cleared']);
  });
});
