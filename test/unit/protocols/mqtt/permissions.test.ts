import { describe, expect, test } from 'vitest';
import { mayPublish, maySubscribe } from '../../../../protocols/mqtt/permissions.ts';
import { filterCovers } from '../../../../protocols/mqtt/topic-filter.ts';

const PERMISSIONS = [
  { user: '*', publish: ['plants/+/{user}/#'], subscribe: [] },
  { user: 'collector', publish: ['rollcall/#'], subscribe: ['plants/#', 'commands/{client}/+'] },
];

describe('permissions', () => {
  const press = { user: 'press-7', clientId: 'c1' };
  const collector = { user: 'collector', clientId: 'c2' };

  test('let a device publish under its own name only', () => {
    expect(mayPublish(PERMISSIONS, press, 'plants/north/press-7/telemetry')).toBe(true);
    expect(mayPublish(PERMISSIONS, press, 'plants/north/press-8/telemetry')).toBe(false);
    expect(maySubscribe(PERMISSIONS, press, 'plants/#')).toBe(false);
  });

  test.each([
    ['plants/#', true],
    ['plants/+/+/telemetry', true],
    ['plants', true],
    ['commands/c2/+', true],
    ['commands/c1/+', false],
    ['#', false],
    ['+/north', false],
    ['$SYS/#', false],
  ])('for the collector reading %s: %s', (filter, allowed) => {
    expect(maySubscribe(PERMISSIONS, collector, filter)).toBe(allowed);
  });

  test.each(['+', '#', 'a/b', ''])('are not widened by the name %j', (user) => {
    expect(mayPublish(PERMISSIONS, { user, clientId: 'c' }, 'plants/north/press-7/telemetry')).toBe(false);
  });
});

describe('one filter covers another', () => {
  test.each([
    ['#', 'a/b', true],
    ['a/+', 'a/+', true],
    ['a/+', 'a/#', false],
    ['a/#', 'a/+/c', true],
    ['+/b', 'a/b', true],
    ['a/b', '+/b', false],
    ['a/+', 'a/b/c', false],
    ['a/b/c', 'a/b', false],
  ])('%s over %s: %s', (outer, inner, covers) => expect(filterCovers(outer, inner)).toBe(covers));
});
