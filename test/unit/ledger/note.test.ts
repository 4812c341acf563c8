import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSkey, parseVkey, SignatureType, signerKey, skeyText, vkeyText } from '../../../ledger/key.ts';
import { MAX_SIGNATURES, noteSigner, noteVerifier, openNote, parseNote, signNote } from '../../../ledger/note.ts';
import { vector } from './vectors.ts';

const utf8 = (text: string) => Buffer.from(text, 'utf8');
const seedOf = (i: number) => new Uint8Array(32).fill(i);
const keyOf = (name: string, i: number) => signerKey(name, SignatureType.ed25519, seedOf(i));
const failing = (code: string) => expect.objectContaining({ name: 'LedgerError', code });

describe('vectors', () => {
  const go = vector('signed-note/go-xmod.json') as Record<'skey' | 'vkey' | 'text' | 'signed' | 'enochVkey', string> & {
    badVkeys: string[];
  };
  const c2sp = vector('signed-note/c2sp-example.json') as { vkey: string; note: string };

  it('opens the example of the specification', () => {
    const { text, verified } = openNote(utf8(c2sp.note), [noteVerifier(parseVkey(c2sp.vkey))]);
    expect(text).toBe('This is an example message.\n');
    expect(verified).toHaveLength(1);
  });

  it('signs byte for byte as Go does', () => {
    expect(utf8(go.signed)).toEqual(Buffer.from(signNote(go.text, [noteSigner(parseSkey(go.skey))])));
    expect(openNote(utf8(go.signed), [noteVerifier(parseVkey(go.vkey))]).text).toBe(go.text);
  });

  it('reads and writes key texts as Go does', () => {
    expect(vkeyText(parseSkey(go.skey))).toBe(go.vkey);
    expect(skeyText(parseSkey(go.skey))).toBe(go.skey);
    expect(vkeyText(parseVkey(go.enochVkey))).toBe(go.enochVkey);
  });

  it.each(go.badVkeys)('refuses the key text %s', (vkey) => {
    expect(() => parseVkey(vkey)).toThrow(failing('key'));
  });
});

describe('key texts', () => {
  const vkey = vkeyText(keyOf('a.example/log', 1));
  const [name = '', id = '', encoded = ''] = vkey.split(/\+(?=.{8}\+)|(?<=\+.{8})\+/);

  it.each([
    ['nothing', ''],
    ['no name', `+${id}+${encoded}`],
    ['a name with a space', `a b+${id}+${encoded}`],
    ['a name with a wide space', `a\u3000b+${id}+${encoded}`],
    ['an id in capitals', `${name}+ABCDEF01+${encoded}`],
    ['a short id', `${name}+${id.slice(1)}+${encoded}`],
    ['another id', `${name}+00000000+${encoded}`],
    ['another name', `b${name}+${id}+${encoded}`],
    ['no padding', `${name}+${id}+${encoded.slice(0, -1)}`],
    ['an empty key', `${name}+${id}+`],
    ['a long text', `${name}+${id}+${encoded}${'A'.repeat(2000)}`],
    ['a line feed at the end', `${vkey}\n`],
  ])('are refused with %s', (_, text) => {
    expect(() => parseVkey(text)).toThrow(failing('key'));
  });

  it('of secrets are not repeated in errors', () => {
    const skey = skeyText(keyOf('a', 7));
    const broken = skey.replace(/.$/, '!');
    expect(() => parseSkey(broken)).toThrow(expect.not.stringContaining(broken.slice(20)));
    expect(() => parseSkey(skey.replace('PRIVATE', 'public'))).toThrow(failing('key'));
  });
});

describe('a note', () => {
  const [ann, bob, eve] = [keyOf('ann', 1), keyOf('bob', 2), keyOf('eve', 3)];
  const text = 'one\n\nthree\n';
  const bytes = signNote(text, [noteSigner(ann), noteSigner(bob)]);

  it('is believed when one known key signed it; others are ignored', () => {
    const opened = openNote(bytes, [noteVerifier(bob), noteVerifier(eve)]);
    expect(opened.text).toBe(text);
    expect(opened.verified.map(({ name }) => name)).toEqual(['bob']);
    expect(opened.unknown.map(({ name }) => name)).toEqual(['ann']);
  });

  it('is refused when no known key signed it', () => {
    expect(() => openNote(bytes, [noteVerifier(eve)])).toThrow(failing('untrusted'));
    expect(() => openNote(bytes, [])).toThrow(failing('untrusted'));
  });

  it('is refused when a known key fails although another is good', () => {
    const forged = { ...noteSigner(bob), sign: () => new Uint8Array(64) };
    const both = signNote(text, [noteSigner(ann), forged]);
    expect(() => openNote(both, [noteVerifier(ann), noteVerifier(bob)])).toThrow(failing('signature'));
    expect(openNote(both, [noteVerifier(ann)]).verified).toHaveLength(1);
  });

  it('is refused when a known key signs twice and fails once', () => {
    const forged = { ...noteSigner(ann), sign: () => new Uint8Array(64) };
    expect(() => openNote(signNote(text, [noteSigner(ann), forged]), [noteVerifier(ann)])).toThrow(
      failing('signature'),
    );
  });

  it('ignores a key that shares only the name or only the id', () => {
    const namesake = keyOf('ann', 9);
    expect(() => openNote(signNote(text, [noteSigner(namesake)]), [noteVerifier(ann)])).toThrow(failing('untrusted'));
    const other = { ...noteSigner(ann), name: 'ann2' };
    expect(() => openNote(signNote(text, [other]), [noteVerifier(ann)])).toThrow(failing('untrusted'));
  });

  it('refuses two known keys with one name and id', () => {
    expect(() => openNote(bytes, [noteVerifier(ann), noteVerifier(ann)])).toThrow(failing('key'));
  });

  it('may have many signatures, and no more than the limit', () => {
    const many = Array.from({ length: MAX_SIGNATURES }, (_, i) => noteSigner(keyOf(`k${i}`, i)));
    expect(openNote(signNote(text, many), [noteVerifier(keyOf('k99', 99))]).unknown).toHaveLength(99);
    expect(() => parseNote(signNote(text, [...many, noteSigner(ann)]))).toThrow(failing('limit'));
  });

  const line = Buffer.from(bytes).toString().split('\n').at(-2) ?? '';

  it.each([
    ['nothing', ''],
    ['no signature', 'text\n\n'],
    ['no blank line', `text\n${line}\n`],
    ['no newline at the end', `text\n\n${line}`],
    ['a text without newline', `text${line}\n`],
    ['something after the signatures', `text\n\n${line}\nmore\n`],
    ['a hyphen for the dash', `text\n\n${line.replace('—', '-')}\n`],
    ['two spaces', `text\n\n${line.replace('— ', '—  ')}\n`],
    ['a space at the end', `text\n\n${line} \n`],
    ['a carriage return', `text\r\n\n${line}\n`],
    ['a tab', `te\txt\n\n${line}\n`],
    ['a name with a plus', `text\n\n${line.replace('bob', 'b+b')}\n`],
    ['a signature of four bytes', 'text\n\n— bob AAAAAA==\n'],
    ['a signature that is not base64', 'text\n\n— bob AAAAA*AA\n'],
    ['left-over bits in base64', 'text\n\n— bob AAAAAAB=\n'],
  ])('is refused with %s', (_, note) => {
    expect(() => parseNote(utf8(note))).toThrow(failing('malformed'));
  });

  it('is refused when it is not UTF-8 or too large', () => {
    expect(() => parseNote(Buffer.concat([Buffer.of(0xff), bytes]))).toThrow(failing('malformed'));
    expect(() => parseNote(new Uint8Array(1_048_577))).toThrow(failing('limit'));
  });

  it.each(['', 'no newline', 'tab\t\n', 'lone \ud800\n'])('is not made of the text %j', (bad) => {
    expect(() => signNote(bad, [noteSigner(ann)])).toThrow(failing('malformed'));
  });

  it('of any text opens again, and with any bit flipped never opens with the same text under the same key', () => {
    const texts = fc.string({ unit: 'binary' }).map((part) => `${part.replace(/\p{Cc}/gu, '\n')}\n`);
    fc.assert(
      fc.property(texts, fc.nat(), (any, flip) => {
        const note = Buffer.from(signNote(any, [noteSigner(ann)]));
        expect(openNote(note, [noteVerifier(ann)]).text).toBe(any);
        const bit = flip % (note.length * 8);
        note[bit >> 3] = (note[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(() => openNote(note, [noteVerifier(ann)])).toThrow(expect.objectContaining({ name: 'LedgerError' }));
      }),
    );
  });
});
