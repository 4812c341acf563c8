import { InfluxDB, Point } from '@influxdata/influxdb-client';
import type { SecretReference } from '../../protocols/contract.ts';
import type { InfluxConfig } from '../config/config.ts';
import type { Answer } from './influx-answer.ts';
import { queryInfluxQl } from './influx-query.ts';
import { InfluxServer } from './influx-server.ts';

const DEADLINE_MS = 10_000;
/** Points that lie further in the server's future or past than this make charts that nobody understands. */
const MAX_SKEW_MS = 60_000;

/** One thing that was tried, and what to do where it did not work. */
export interface CheckStep {
  readonly outcome: 'ok' | 'warning' | 'wrong';
  readonly message: string;
  readonly hint?: string;
}

/**
 * Tries what the collector will do, in its order, and says in words what is wrong: reaching the address, writing with
 * the configured name and secret to the configured place, reading back by InfluxQL where charts want it. Writing is
 * tried by writing: one point of the measurement `rollcall_check`, because a token may be allowed to write and nothing
 * else. Stops at the first thing that is wrong. Never rejects.
 */
export async function checkInflux(
  config: InfluxConfig,
  readSecret: (reference: SecretReference) => Promise<string>,
  nowMs: number,
): Promise<readonly CheckStep[]> {
  const reached = await reach(config.url, nowMs);
  if (reached.some(({ outcome }) => outcome === 'wrong')) return reached;
  const written = await write(config, readSecret, nowMs);
  if (written.outcome === 'wrong' || config.dialect === 'victoria-metrics' || config.history === 'store') {
    return [...reached, written];
  }
  return [...reached, written, await readBack(config, readSecret)];
}

async function reach(url: string, nowMs: number): Promise<CheckStep[]> {
  const { transport } = new InfluxDB({ url, timeout: DEADLINE_MS });
  let headers: Readonly<Record<string, string | string[] | undefined>> = {};
  try {
    await transport.request('/ping', '', { method: 'GET', signal: AbortSignal.timeout(DEADLINE_MS) }, (answer) => {
      headers = answer;
    });
  } catch (error) {
    const hint = connectionHint(error, url);
    // Any HTTP answer shows that the address is right; whether it is InfluxDB is seen by writing.
    if (hint !== undefined) return [{ outcome: 'wrong', message: `reaching ${url}: ${reasonOf(error)}`, hint }];
  }
  const version = headers['x-influxdb-version'];
  const who = typeof version === 'string' ? ` (InfluxDB ${version.replace(/^v/, '')})` : '';
  const steps: CheckStep[] = [{ outcome: 'ok', message: `${url} answers${who}` }];
  const skewMs = Date.parse(String(headers['date'])) - nowMs;
  if (Math.abs(skewMs) > MAX_SKEW_MS) {
    steps.push({
      outcome: 'warning',
      message: `its clock is ${Math.round(Math.abs(skewMs) / 1_000)} s ${skewMs < 0 ? 'behind' : 'ahead of'} ours`,
      hint: 'let both follow a time server, or charts show the points at the wrong time',
    });
  }
  return steps;
}

async function write(
  config: InfluxConfig,
  readSecret: (reference: SecretReference) => Promise<string>,
  nowMs: number,
): Promise<CheckStep> {
  const server = new InfluxServer(config, readSecret, DEADLINE_MS);
  const point = new Point('rollcall_check').intField('ok', 1).timestamp(nowMs);
  for (const [name, value] of Object.entries(config.tags)) point.tag(name, value);
  try {
    const answer = await server.write(point.toLineProtocol() ?? '', new AbortController().signal);
    const { place } = server.target;
    if (answer.kind === 'stored') return { outcome: 'ok', message: `${place} took a point of rollcall_check` };
    return { outcome: 'wrong', message: `writing to ${place}: ${answer.words}`, hint: hintOf(answer, config) };
  } finally {
    server.close();
  }
}

function hintOf(answer: Exclude<Answer, { kind: 'stored' }>, { url }: InfluxConfig): string {
  switch (answer.kind) {
    case 'instruction':
      return answer.hint;
    case 'later':
      return (
        connectionHint(answer.words, url) ?? 'the server is not well at the moment: see its own log, then try again'
      );
    case 'too-large':
      return 'something in between takes no more than a few bytes at once: raise its limit of body size';
    case 'refused':
      return 'the server understood the point and will not have it: its words say why';
    default:
      return 'see the log of the server';
  }
}

async function readBack(
  config: InfluxConfig,
  readSecret: (reference: SecretReference) => Promise<string>,
): Promise<CheckStep> {
  try {
    await queryInfluxQl(config, 'SELECT LAST(ok) FROM rollcall_check', readSecret);
    return { outcome: 'ok', message: 'InfluxQL reads it back: charts can have their history from there' };
  } catch (error) {
    return {
      outcome: 'wrong',
      message: `reading by InfluxQL: ${reasonOf(error)}`,
      hint: 'allow the token or user to read as well, or leave history: store, which needs no reading',
    };
  }
}

/** What a person can do about errors of the way to the server; undefined where the server itself answered. */
const HINTS: readonly (readonly [RegExp, (url: URL) => string])[] = [
  [/ECONNREFUSED/, ({ host }) => `nothing listens at ${host}: start the server, or correct the port`],
  [
    /ENOTFOUND|EAI_AGAIN/,
    ({ hostname }) => `no address is known for ${hostname}: correct the name, or write an address`,
  ],
  [/EHOSTUNREACH|ENETUNREACH/, ({ hostname }) => `there is no way to ${hostname}: see cable, route and firewall`],
  [/ETIMEDOUT|TimeoutError|timed out|aborted/i, ({ host }) => `${host} does not answer: see firewall and address`],
  [
    /CERT|self.signed|certificate|ALTNAME/i,
    ({ hostname }) =>
      `the certificate is not one that this machine trusts for ${hostname}: give its authority by NODE_EXTRA_CA_CERTS`,
  ],
  [/EPROTO|wrong version number/i, () => 'the server speaks http here, not https: write http://'],
  [/ECONNRESET|socket hang up|Parse Error/i, () => 'the server speaks something else here: perhaps https, not http'],
];

function connectionHint(error: unknown, url: string): string | undefined {
  const reason = reasonOf(error);
  return HINTS.find(([pattern]) => pattern.test(reason))?.[1](new URL(url));
}

/** Node puts the reason of a refused connection to several addresses into the parts of an `AggregateError`. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const text = error.message === '' ? error.name : error.message;
  return text.includes(code) ? text : `${text} (${code})`;
}
