import { describe, expect, test } from 'vitest';
import { ROLES } from '../../collector/store/contract.ts';
import { type ApiUnderTest, apiUnderTest } from '../support/api.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Program } from '../support/program.ts';

/** Cases for each operation and role; a longer run is asked for by the environment. */
const EXAMPLES = process.env['ROLLCALL_SCHEMATHESIS_EXAMPLES'] ?? '40';
const RUN_MS = 1_200_000;
const WITHOUT_TOKEN = 'nobody';
/** Only an assessor and an operator may see these. */
const EVIDENCE = ['/api/v1/devices', '/api/v1/devices/:id', '/api/v1/protocols', '/api/v1/sources'];

interface LoggedRequest {
  readonly method: string;
  readonly route: string;
  readonly status: number;
}

/** The requests the server answered, as it logged them. */
function answered(t: ApiUnderTest): readonly LoggedRequest[] {
  return t.logged.map((line) => JSON.parse(line) as LoggedRequest).filter(({ status }) => status !== undefined);
}

describe('schemathesis', () => {
  for (const who of [...ROLES, WITHOUT_TOKEN] as const) {
    test(
      `as ${who} finds no 5xx, no answer off its schema and no access beyond the role`,
      async () => {
        await using t = await apiUnderTest({ limits: { requestsPerMinute: 1e9, refusalsPerMinute: 1e9 } });
        using folder = temporaryFolder();
        const url = await t.api.listen({ host: '127.0.0.1', port: 0 });
        const token = who === WITHOUT_TOKEN ? [] : ['-H', `Authorization: Bearer ${t.bearer[who]}`];
        await using schemathesis = new Program(
          'schemathesis',
          [
            'run',
            `${url}/openapi.json`,
            '--checks=all',
            // an instant in the future and a cursor of nobody's fit their schema and are still refused
            '--exclude-checks=positive_data_acceptance',
            `--max-examples=${EXAMPLES}`,
            '--seed=20260302',
            '--generation-database=none',
            '--continue-on-failure',
            '--no-color',
            ...token,
          ],
          { cwd: folder.path },
        );
        const code = await schemathesis.exited();
        if (String(code).includes('ENOENT')) {
          throw new Error(
            'schemathesis is not installed; install it with: python3 -m pip install schemathesis==4.32.5',
          );
        }
        expect(code, schemathesis.output).toBe(0);

        const requests = answered(t);
        expect(requests.length).toBeGreaterThan(200);
        expect(requests.filter(({ status }) => status >= 500)).toEqual([]);
        const seen = requests.filter(({ route, status }) => EVIDENCE.includes(route) && status < 400);
        if (who === 'viewer' || who === WITHOUT_TOKEN) expect(seen).toEqual([]);
        else expect(seen.length).toBeGreaterThan(0);
      },
      RUN_MS,
    );
  }
});
