import { fileURLToPath } from 'node:url';
import { type DestinationStream, pino } from 'pino';
import { type Api, createApi } from '../../api/app.ts';
import type { ApiDependencies } from '../../api/dependencies.ts';
import { type ApiLimits, DEFAULT_LIMITS } from '../../api/limits.ts';
import { FAKE_NOW_MS, FakeReading } from './fake-reading.ts';
import { FakeTokens } from './fake-tokens.ts';

/** An API over a fake plant, with a token for each role, a clock to turn, and everything it logged. */
export interface ApiUnderTest {
  readonly api: Api;
  readonly reading: FakeReading;
  readonly tokens: FakeTokens;
  readonly bearer: Readonly<Record<'viewer' | 'assessor' | 'operator', string>>;
  readonly clock: { nowMs(): number; atMs: number };
  readonly logged: string[];
  [Symbol.asyncDispose](): Promise<void>;
}

/** Builds the API without listening; dispose of it to close it. */
export async function apiUnderTest(
  change: Partial<Omit<ApiDependencies, 'limits'>> & { readonly limits?: Partial<ApiLimits> } = {},
): Promise<ApiUnderTest> {
  const reading = new FakeReading();
  const tokens = new FakeTokens();
  const bearer = { viewer: tokens.add('viewer'), assessor: tokens.add('assessor'), operator: tokens.add('operator') };
  const clock = {
    atMs: FAKE_NOW_MS,
    nowMs() {
      return this.atMs;
    },
  };
  const logged: string[] = [];
  const stream: DestinationStream = { write: (line) => void logged.push(line) };
  const api = await createApi({
    reading,
    tokens,
    clock,
    log: pino({ level: 'trace' }, stream),
    version: '0.0.0-test',
    demo: false,
    pageFolder: fileURLToPath(new URL('../../web', import.meta.url)),
    certificate: undefined,
    trustedProxies: [],
    ...change,
    limits: { ...DEFAULT_LIMITS, ...change.limits },
  });
  return { api, reading, tokens, bearer, clock, logged, [Symbol.asyncDispose]: () => api.close() };
}

/** Headers that show a token. */
export function showing(token: string): { authorization: string } {
  return { authorization: `Bearer ${token}` };
}
