import type { z } from 'zod';
import type { Finding } from './document.ts';
import { nearest } from './nearest.ts';

type Issue = z.core.$ZodIssue;

/** True for a key that may be repeated in a message; anything else may be a value, perhaps a secret, in the wrong place. */
export function isPlainKey(key: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(key);
}

/**
 * zod's issues in our words: one finding for each unknown key, of a union those of the closest member, and nothing of
 * what was written: it might be a secret.
 */
export function findingsOf(
  issues: readonly Issue[],
  value: unknown,
  knownKeysAt: (path: readonly PropertyKey[]) => readonly string[],
  base: readonly PropertyKey[] = [],
): Finding[] {
  return issues.flatMap((issue): Finding[] => {
    const path = [...base, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ path: [...path, key], message: unknownKey(key, knownKeysAt(path)) }));
    }
    if (issue.code === 'invalid_union' && issue.errors.length > 0) {
      return findingsOf(closest(issue.errors), value, knownKeysAt, path);
    }
    return [{ path, message: messageOf(issue, valueAt(value, path)) }];
  });
}

function messageOf(issue: Issue, found: unknown): string {
  if (issue.code === 'invalid_type') return wrongType(issue.expected, found);
  if (issue.code === 'invalid_value') return found === undefined ? 'is missing' : `write ${oneOf(issue.values)}`;
  if (issue.code === 'invalid_union' && 'options' in issue) {
    return `${found === undefined ? 'is missing: ' : ''}write ${oneOf(issue.options ?? [])}`;
  }
  if (issue.code === 'too_small') {
    if (issue.origin === 'string' && issue.minimum === 1) return 'is empty';
    return `must ${atSuch(issue.origin)} at least ${issue.minimum}${counted(issue.origin)}`;
  }
  if (issue.code === 'too_big') return `must ${atSuch(issue.origin)} at most ${issue.maximum}${counted(issue.origin)}`;
  return issue.message.charAt(0).toLowerCase() + issue.message.slice(1);
}

function atSuch(origin: string): string {
  return origin === 'string' || origin === 'array' ? 'have' : 'be';
}

function counted(origin: string): string {
  return { string: ' characters', array: ' items' }[origin] ?? '';
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'keys with values',
  record: 'keys with values',
};

function wrongType(expected: string, found: unknown): string {
  if (found === undefined) return 'is missing';
  const wanted = `must be ${TYPE_WORDS[expected] ?? expected}`;
  if (found === null) return `${wanted}, but nothing is written after the colon`;
  const isBareText = expected === 'string' && (typeof found === 'number' || typeof found === 'boolean');
  return isBareText ? `${wanted}: put it in quotes` : wanted;
}

function unknownKey(key: string, known: readonly string[]): string {
  if (!isPlainKey(key)) return 'this is no known key; a colon and a space stand between key and value';
  const meant = nearest(key, known);
  return meant === undefined ? `unknown key ${key}` : `unknown key ${key}; did you mean ${meant}?`;
}

function oneOf(values: readonly unknown[]): string {
  const words = values.map(String);
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

/** The alternative of a union with the fewest complaints. */
function closest(members: readonly (readonly Issue[])[]): readonly Issue[] {
  return members.reduce((best, issues) => (issues.length < best.length ? issues : best));
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value;
  for (const key of path) at = (at as Readonly<Record<PropertyKey, unknown>> | null | undefined)?.[key];
  return at;
}
