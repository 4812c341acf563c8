import { describe, expect, test } from 'vitest';
import { Passwords, passwordLine } from '../../../../protocols/mqtt/passwords.ts';

describe('a password file', () => {
  test('lets in who has the password, and nobody else', async () => {
    const passwords = new Passwords(`# users\n\n${await passwordLine('press-7', 'correct horse')}\r\n`);
    expect(passwords.size).toBe(1);
    expect(await passwords.accepts('press-7', Buffer.from('correct horse'))).toBe(true);
    expect(await passwords.accepts('press-7', Buffer.from('correct horse'))).toBe(true);
    expect(await passwords.accepts('press-7', Buffer.from('wrong'))).toBe(false);
    expect(await passwords.accepts('press-8', Buffer.from('correct horse'))).toBe(false);
    expect(await passwords.accepts('', Buffer.alloc(0))).toBe(false);
  });

  test('takes a hash that another program made: the vector of RFC 7914, 12', async () => {
    const hash = Buffer.from('7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2', 'hex');
    const text = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');
    const salt = text(Buffer.from('SodiumChloride'));
    // The first 32 of the 64 bytes of the vector: scrypt ends with PBKDF2, whose blocks are of 32 bytes.
    const passwords = new Passwords(`them:$scrypt$ln=14,r=8,p=1$${salt}$${text(hash)}`);
    expect(await passwords.accepts('them', Buffer.from('pleaseletmein'))).toBe(true);
  });

  test('never holds a password, and never the same line twice', async () => {
    const [one, two] = [await passwordLine('u', 'secret'), await passwordLine('u', 'secret')];
    expect(one).not.toContain('secret');
    expect(one).not.toBe(two);
  });

  test.each([
    ['press-7:secret', /line 1 .* write NAME/],
    [':$scrypt$ln=15,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAA', /line 1/],
    [
      '\n#\nu:$scrypt$ln=31,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
      /line 3 .* cost/,
    ],
    ['u:$scrypt$ln=15,r=8,p=9$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', /cost/],
  ])('with the line %j is refused by its number, without its content', (text, why) => {
    const read = (): Passwords => new Passwords(text);
    expect(read).toThrow(why);
    expect(read).not.toThrow('secret');
  });

  test('does not compute more than a few guesses at one time, and refuses a crowd', async () => {
    const cheap = `u:$scrypt$ln=10,r=1,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`;
    const passwords = new Passwords(cheap);
    const settled: number[] = [];
    const asked = Array.from({ length: 2_100 }, async (_, i) => {
      expect(await passwords.accepts(`u${i}`, Buffer.from('x'))).toBe(false);
      settled.push(i);
    });
    await Promise.all(asked);
    // those beyond the queue were refused at once, before the first of those in it
    expect(settled.slice(0, 98).every((i) => i >= 2_002)).toBe(true);
  });
});
