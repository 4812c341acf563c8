import { z } from 'zod';
import { type ApiErrorCode, PROBLEM_STATUS } from '../errors.ts';
import { problemType } from '../problem.ts';
import { PROBLEM_TEXT } from '../problem-text.ts';
import { answer, problemKind, problemResponses } from '../schemas/problem.ts';
import { type App, OPEN } from './route.ts';

const CODES = Object.keys(PROBLEM_STATUS) as [ApiErrorCode, ...ApiErrorCode[]];

/** `GET /problems/{code}`: where the `type` of a problem leads. */
export function addProblems(app: App): void {
  app.get(
    '/problems/:code',
    {
      schema: {
        operationId: 'getProblemKind',
        tags: ['service'],
        summary: 'A kind of problem explained, in both languages',
        ...OPEN,
        params: z.object({ code: z.enum(CODES) }),
        response: { 200: answer('The kind of problem', problemKind), ...problemResponses(['invalid-request']) },
      },
    },
    async ({ params: { code } }) => ({
      type: problemType(code),
      status: PROBLEM_STATUS[code],
      en: PROBLEM_TEXT[code].en,
      'zh-CN': PROBLEM_TEXT[code]['zh-CN'],
    }),
  );
}
