import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addressesClash,
  addressOf,
  checkedTemplate,
  parseTemplate,
  templatesOverlap,
} from '../../../../protocols/mqtt/topic.ts';
import { filterMatches } from '../../../../protocols/mqtt/topic-filter.ts';

describe('a topic template', () => {
  test.each([
    ['plants/{enterprise}/{site}/{device}/telemetry', 'plants/yu/hall-1/press-7/telemetry', 'yu/hall-1/press-7'],
    ['{device}', 'press-7', 'press-7'],
    ['/{device}/', '/press-7/', 'press-7'],
    ['plants/+/{device}', 'plants/anything/press-7', 'press-7'],
    ['plants/+/{device}', 'plants//press-7', 'press-7'],
    ['{device}/#', 'press-7', 'press-7'],
    ['{device}/#', 'press-7/metrics/load', 'press-7'],
    ['plants/{path...}', 'plants/a/b/c', 'a/b/c'],
    ['{site}/x/{path...}', 'north/x/1/2', 'north/1/2'],
    ['设备/{编号}', '设备/七', '七'],
    ['设备/{device}', '设备/七号', '七号'],
  ])('%s finds in %s the address %s', (text, topic, address) => {
    expect(addressOf(checkedTemplate(text), topic)).toBe(address);
  });

  test.each([
    ['plants/{device}/telemetry', 'plants/press-7/status'],
    ['plants/{device}/telemetry', 'plants/press-7/telemetry/more'],
    ['plants/{device}/telemetry', 'plants/press-7'],
    ['plants/{device}/telemetry', 'plants//telemetry'],
    ['plants/{device}', 'plants/press-7/'],
    ['plants/{device}', 'plants'],
    ['plants/{path...}', 'plants'],
    ['plants/{path...}', 'plants/'],
    ['plants/{device}', `plants/${'x'.repeat(1_025)}`],
  ])('%s does not match %s', (text, topic) => {
    expect(addressOf(checkedTemplate(text), topic)).toBeUndefined();
  });

  test.each([
    ['', /1 to 65,535 bytes/],
    ['x'.repeat(65_536), /1 to 65,535 bytes/],
    ['plants/{device}/{device}', /twice/],
    ['plants/{device', /plain text/],
    ['plants/a{device}', /plain text/],
    ['plants/{}', /plain text/],
    ['plants/{1st}', /plain text/],
    ['plants/a+/{device}', /plain text/],
    ['plants/#/{device}', /at the end only/],
    ['{path...}/telemetry', /at the end only/],
    ['plants/a#/{device}', /plain text/],
    ['$SYS/{device}', /belong to the broker/],
  ])('%j is none', (text, why) => {
    expect(parseTemplate(text)).toMatch(why);
  });

  test('subscribes to exactly the topics that its filter names', () => {
    expect(checkedTemplate('plants/{a}/+/{b...}').filter).toBe('plants/+/+/#');
    expect(checkedTemplate('plants/{a}/#').filter).toBe('plants/+/#');
    expect(checkedTemplate('{all...}').filter).toBe('#');
  });
});

/** Few words, so that generated topics and templates meet. */
const word = fc.constantFrom('a', 'b', 'c', '');
const topics = fc.array(word, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'));
const templates = fc
  .tuple(
    fc.array(fc.constantFrom('a', 'b', 'c', '+', 'V'), { minLength: 1, maxLength: 4 }),
    fc.constantFrom('', '/#', '/{tail...}'),
  )
  .map(([levels, tail]) =>
    checkedTemplate(levels.map((level, i) => (level === 'V' ? `{v${i}}` : level)).join('/') + tail),
  );

describe('over all templates and topics', () => {
  test('what a template takes, its filter brings', () => {
    fc.assert(
      fc.property(templates, topics, (template, topic) => {
        if (addressOf(template, topic) !== undefined) expect(filterMatches(template.filter, topic)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test('two templates that both take some topic are said to overlap', () => {
    fc.assert(
      fc.property(templates, templates, topics, (a, b, topic) => {
        if (addressOf(a, topic) === undefined || addressOf(b, topic) === undefined) return;
        expect(templatesOverlap(a, b)).toBe(true);
        expect(templatesOverlap(b, a)).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });

  test('two templates that do not clash never give one address to two topics unless they name the same variables', () => {
    const space = (template: ReturnType<typeof checkedTemplate>) => ({
      prefix: undefined,
      variables: template.variables,
      open: template.tail === 'variable',
    });
    fc.assert(
      fc.property(templates, templates, topics, topics, (a, b, one, other) => {
        const [first, second] = [addressOf(a, one), addressOf(b, other)];
        if (first === undefined || first === '' || first !== second) return;
        const same = a.variables.join('/') === b.variables.join('/');
        expect(same || addressesClash(space(a), space(b))).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });

  test('no text makes the parser throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (text, topic) => {
        const template = parseTemplate(text);
        if (typeof template !== 'string') addressOf(template, topic);
      }),
      { numRuns: 2_000 },
    );
  });
});
