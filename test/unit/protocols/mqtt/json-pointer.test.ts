import { describe, expect, test } from 'vitest';
import { follow, isPointer, pointerOf, pointerTokens } from '../../../../protocols/mqtt/json-pointer.ts';

/** The document and the answers of RFC 6901, 5. */
const DOCUMENT: unknown = JSON.parse(
  '{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\\\j":5,"k\\"l":6," ":7,"m~n":8}',
);

describe('a JSON Pointer', () => {
  test.each([
    ['', DOCUMENT],
    ['/foo', ['bar', 'baz']],
    ['/foo/0', 'bar'],
    ['/', 0],
    ['/a~1b', 1],
    ['/c%d', 2],
    ['/e^f', 3],
    ['/g|h', 4],
    ['/i\\j', 5],
    ['/k"l', 6],
    ['/ ', 7],
    ['/m~0n', 8],
  ])('%j leads where RFC 6901 says', (pointer, value) => {
    expect(isPointer(pointer)).toBe(true);
    expect(follow(DOCUMENT, pointerTokens(pointer))).toEqual(value);
    expect(pointerOf(pointerTokens(pointer))).toBe(pointer);
  });

  test.each(['/foo/2', '/foo/00', '/foo/-1', '/foo/length', '/constructor', '/__proto__', '/foo/0/1', '/none/of/it'])(
    '%s leads nowhere',
    (pointer) => expect(follow(DOCUMENT, pointerTokens(pointer))).toBeUndefined(),
  );

  test.each(['foo', '/a~', '/a~2', '~0'])('%s is none', (text) => expect(isPointer(text)).toBe(false));

  test('leads through maps, whose keys may be numbers', () => {
    const document = new Map<unknown, unknown>([[2, new Map([['v', 21.5]])]]);
    expect(follow(document, ['2', 'v'])).toBe(21.5);
  });
});
