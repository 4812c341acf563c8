import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newToken } from '../../../api/token.ts';
import { logTo, withoutSecrets } from '../../../collector/log.ts';

const SECRET = 'Correct-Horse-7';

/** What one call of the logger writes. */
function written(fields: object, message: string): string {
  const lines: string[] = [];
  logTo({ write: (line) => void lines.push(line) }, 'info').info(fields, message);
  return lines.join('');
}

describe('no secret stands in a log line', () => {
  test.each([
    ['a password among fields', { password: SECRET }],
    ['a token deep within fields', { a: { b: { c: [{ apiToken: SECRET }] } } }],
    ['headers of a request', { req: { headers: { authorization: `Bearer ${SECRET}`, cookie: SECRET } } }],
    ['the user and password of a URL', { url: `mqtts://plant:${SECRET}@broker:8883` }],
    ['the query of a URL', { url: `http://h:8086/query?u=root&p=${SECRET}&q=SHOW` }],
    [
      'an error of a library with the request in it',
      { err: Object.assign(new Error('x'), { options: { auth: '', password: SECRET } }) },
    ],
    ['JSON in a string', { body: JSON.stringify({ user: 'a', password: SECRET, next: 1 }) }],
    ['a passphrase with quotes in it', { passphrase: `${SECRET}"and,more` }],
    ['a private key', { key: `-----BEGIN PRIVATE KEY-----\n${SECRET}\n-----END PRIVATE KEY-----` }],
  ])('%s', (_, fields) => {
    const line = written(fields, 'something happened');
    expect(line).not.toContain('Horse');
    expect(JSON.parse(line)).toMatchObject({ level: 30, msg: 'something happened' });
  });

  test.each([
    `connecting with Bearer ${SECRET}abcdef failed`,
    `connect mqtt://user:${SECRET}@h:1883: refused`,
    `sent Authorization: Basic ${Buffer.from(`user:${SECRET}`).toString('base64')}`,
  ])('in a message: %s', (message) => {
    const line = written({}, message);
    expect(line).not.toContain('Horse');
    expect(line).not.toContain(Buffer.from(`user:${SECRET}`).toString('base64'));
    expect(JSON.parse(line)).toHaveProperty('msg');
  });

  test('not one of our own tokens, wherever it stands', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        const token = newToken();
        const line = written({ [`x${before}`]: `${before} ${token} ${after}` }, `${token} ${after}`);
        expect(line).not.toContain(token.slice(3));
        JSON.parse(line);
      }),
      { numRuns: 300 },
    );
  });

  test('and what holds none is left as it is', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('source', 'code', 'detail', 'retry'), fc.jsonValue()), (fields) => {
        const line = JSON.stringify(fields);
        fc.pre(!/@|Bearer|Basic|Token|rc_|BEGIN|password|secret|token|[?&]/i.test(line));
        expect(withoutSecrets(line)).toBe(line);
      }),
    );
  });
});
