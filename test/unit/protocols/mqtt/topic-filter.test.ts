import { describe, expect, test } from 'vitest';
import { filterMatches, isTopicFilter } from '../../../../protocols/mqtt/topic-filter.ts';

describe('a topic filter', () => {
  // The examples of MQTT 5.0, 4.7.1.2 and 4.7.1.3.
  test.each([
    ['sport/tennis/player1/#', 'sport/tennis/player1', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/ranking', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon', true],
    ['sport/#', 'sport', true],
    ['#', 'sport', true],
    ['sport/tennis/+', 'sport/tennis/player1', true],
    ['sport/tennis/+', 'sport/tennis/player1/ranking', false],
    ['sport/+', 'sport', false],
    ['sport/+', 'sport/', true],
    ['+/+', '/finance', true],
    ['/+', '/finance', true],
    ['+', '/finance', false],
    ['#', '$SYS/uptime', false],
    ['+/monitor/Clients', '$SYS/monitor/Clients', false],
    ['$SYS/#', '$SYS/uptime', true],
  ])('%s and %s: %s', (filter, topic, matches) => {
    expect(filterMatches(filter, topic)).toBe(matches);
  });

  test.each(['#', '+', 'a/+/b/#', '/'])('%s is one', (text) => expect(isTopicFilter(text)).toBe(true));
  test.each(['', 'a#', '#/a', 'a+/b', 'a\0b'])('%j is none', (text) => expect(isTopicFilter(text)).toBe(false));
});
