import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Calendar,
  dayOfText,
  dayText,
  firstSlotSet,
  lastSlotSet,
  slotsSet,
} from '../../../../collector/census/calendar.ts';

const shanghai = new Calendar('Asia/Shanghai');
const berlin = new Calendar('Europe/Berlin');

describe('the calendar', () => {
  it('begins the local day at local midnight', () => {
    const slot = shanghai.slotAt(Date.parse('2026-12-31T16:00:00Z'));
    expect([dayText(slot.day), slot.slot]).toEqual(['2027-01-01', 0]);
    expect(dayText(shanghai.dayAt(Date.parse('2026-12-31T15:59:59.999Z')))).toBe('2026-12-31');
    expect(shanghai.startOfDay(dayOfText('2027-01-01'))).toBe(Date.parse('2026-12-31T16:00:00Z'));
  });

  it('has 288 slots on an ordinary day, the last ending at midnight', () => {
    const last = shanghai.slotAt(Date.parse('2026-06-01T15:59:59Z'));
    expect(last.slot).toBe(287);
    expect(last.endMs).toBe(Date.parse('2026-06-01T16:00:00Z'));
  });

  it('folds the repeated hour of a 25-hour day onto the same slots', () => {
    const first = berlin.slotAt(Date.parse('2026-10-25T00:30:00Z'));
    const second = berlin.slotAt(Date.parse('2026-10-25T01:30:00Z'));
    expect(second.slot).toBe(first.slot);
    expect(second.day).toBe(first.day);
  });

  it('skips the missing hour of a 23-hour day', () => {
    expect(berlin.slotAt(Date.parse('2026-03-29T00:55:00Z')).slot).toBe(23);
    expect(berlin.slotAt(Date.parse('2026-03-29T01:00:00Z')).slot).toBe(36);
  });

  it('knows when a slot begins, also on days of 23 and 25 hours', () => {
    const slot = (calendar: Calendar, text: string) => {
      const at = calendar.slotAt(Date.parse(text));
      return new Date(calendar.startOfSlot(at.day, at.slot)).toISOString();
    };
    expect(slot(shanghai, '2026-06-01T03:07:00Z')).toBe('2026-06-01T03:05:00.000Z');
    expect(slot(berlin, '2026-03-29T00:59:00Z')).toBe('2026-03-29T00:55:00.000Z');
    expect(slot(berlin, '2026-03-29T12:00:00Z')).toBe('2026-03-29T12:00:00.000Z');
    expect(slot(berlin, '2026-10-25T12:00:00Z')).toBe('2026-10-25T12:00:00.000Z');
    expect(slot(berlin, '2026-10-25T00:30:00Z')).toBe('2026-10-25T01:30:00.000Z');
  });

  it('knows leap days and years', () => {
    const year = shanghai.yearOf(dayOfText('2028-02-29'));
    expect([year.year, dayText(year.firstDay), dayText(year.lastDay)]).toEqual([2028, '2028-01-01', '2028-12-31']);
    expect(year.lastDay - year.firstDay + 1).toBe(366);
    expect(dayOfText('2027-02-29')).toBeNaN();
    expect(dayOfText('2027-2-1')).toBeNaN();
  });

  it('refuses a time zone it does not know', () => {
    expect(() => new Calendar('Asia/Chongching')).toThrow(RangeError);
  });

  it('gives slots that contain their instant, in any zone and at any time', () => {
    const zones = ['Asia/Shanghai', 'Europe/Berlin', 'Asia/Kathmandu', 'America/St_Johns', 'UTC'];
    const calendars = zones.map((zone) => new Calendar(zone));
    fc.assert(
      fc.property(fc.constantFrom(...calendars), fc.integer({ min: 0, max: 4e12 }), (calendar, atMs) => {
        const slot = calendar.slotAt(atMs);
        expect(slot.startMs <= atMs && atMs < slot.endMs).toBe(true);
        expect(slot.slot >= 0 && slot.slot < 288).toBe(true);
        expect(slot.day).toBe(calendar.dayAt(atMs));
      }),
    );
  });
});

describe('slot maps', () => {
  it('count and find their bits', () => {
    const slots = new Uint8Array(36);
    expect([slotsSet(slots), firstSlotSet(slots), lastSlotSet(slots)]).toEqual([0, -1, -1]);
    for (const slot of [3, 8, 287]) slots[slot >> 3] = (slots[slot >> 3] ?? 0) | (1 << (slot & 7));
    expect([slotsSet(slots), firstSlotSet(slots), lastSlotSet(slots), lastSlotSet(slots, 286)]).toEqual([3, 3, 287, 8]);
  });
});
