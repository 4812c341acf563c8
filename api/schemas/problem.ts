import { z } from 'zod';
import { type ApiErrorCode, PROBLEM_STATUS } from '../errors.ts';
import { PROBLEM_TEXT } from '../problem-text.ts';

/** The body of every answer that is an error. */
const problem = z
  .object({
    type: z.string().meta({ format: 'uri-reference', examples: ['/problems/invalid-request'] }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string().meta({ format: 'uri', description: 'Names the request; the log knows more under it' }),
    hint: z.string().meta({ description: 'What to do next' }),
    errors: z
      .array(z.object({ in: z.enum(['query', 'path', 'body', 'header']), name: z.string(), detail: z.string() }))
      .optional()
      .meta({ description: 'Every field that is wrong' }),
    reasons: z.array(z.string()).optional().meta({ description: 'Why the collector is not ready' }),
  })
  .meta({
    id: 'Problem',
    description: 'RFC 9457. Titles and hints are in Chinese or English by Accept-Language',
    examples: [
      {
        type: '/problems/invalid-request',
        title: 'Invalid request',
        status: 400,
        detail: 'the query parameter asOf lies in the future',
        instance: 'urn:uuid:7a0c8f0e-4f4b-4a3a-9a40-0a3d8d3c2b11',
        hint: 'Mend the fields named under errors; /docs describes every parameter.',
        errors: [{ in: 'query', name: 'asOf', detail: 'lies in the future' }],
      },
    ],
  });

/** Errors that any route can answer with. */
const ALWAYS = [
  'url-too-long',
  'too-many-requests',
  'internal',
  'unavailable',
] as const satisfies readonly ApiErrorCode[];
/** Errors of every route that asks for a token. */
export const GUARDED = ['unauthenticated', 'forbidden'] as const satisfies readonly ApiErrorCode[];

/** The error part of a route's `response`: what it can answer with besides success, for the OpenAPI document. */
export function problemResponses(codes: readonly ApiErrorCode[]) {
  return Object.fromEntries(
    [...ALWAYS, ...codes].map((code) => [
      PROBLEM_STATUS[code],
      { description: PROBLEM_TEXT[code].en.title, content: { 'application/problem+json': { schema: problem } } },
    ]),
  );
}

/** The success part of a route's `response`. */
export function answer<S extends z.ZodType>(description: string, schema: S) {
  return { description, content: { 'application/json': { schema } } };
}

/** `GET /problems/{code}`: a kind of problem explained, in both languages. */
export const problemKind = z
  .object({
    type: z.string(),
    status: z.int(),
    en: z.object({ title: z.string(), hint: z.string() }),
    'zh-CN': z.object({ title: z.string(), hint: z.string() }),
  })
  .meta({ id: 'ProblemKind' });
