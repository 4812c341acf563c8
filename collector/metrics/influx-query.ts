import { InfluxDB } from '@influxdata/influxdb-client';
import type { SecretReference } from '../../protocols/contract.ts';
import type { InfluxConfig } from '../config/config.ts';
import { dialectOf } from './influx-dialect.ts';

const DEADLINE_MS = 10_000;

/** One series of an answer: its tags, the names of its columns, its rows. Times are milliseconds. */
export interface InfluxQlSeries {
  readonly tags: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
  readonly values: readonly (readonly unknown[])[];
}

/**
 * Asks by InfluxQL (`/query`), the dialect that InfluxDB 1, 2 and 3 share; InfluxDB 2 reads a bucket under its own name.
 * Rejects with the library's `HttpError`, with the system's error, or with an `Error` in the server's words.
 */
export async function queryInfluxQl(
  config: InfluxConfig,
  query: string,
  readSecret: (reference: SecretReference) => Promise<string>,
): Promise<readonly InfluxQlSeries[]> {
  const { database, retentionPolicy, authorization } = dialectOf(config);
  if (database === undefined) throw new TypeError(`the dialect ${config.dialect} has no InfluxQL`);
  const { transport } = new InfluxDB({ url: config.url, timeout: DEADLINE_MS });
  const form = new URLSearchParams({ db: database, q: query, epoch: 'ms' });
  if (retentionPolicy !== undefined) form.set('rp', retentionPolicy);
  const answer: unknown = await transport.request('/query', form.toString(), {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
      ...(await authorization(readSecret)),
    },
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  return seriesOf(answer);
}

/** An identifier of InfluxQL in its quotes. */
export function influxQlName(name: string): string {
  return `"${name.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** A string of InfluxQL in its quotes. */
export function influxQlText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** Another server may answer here: everything is looked at. */
function seriesOf(answer: unknown): InfluxQlSeries[] {
  const parsed: unknown = typeof answer === 'string' ? JSON.parse(answer) : answer;
  const results = fieldOf(parsed, 'results');
  if (!Array.isArray(results)) throw new Error('the answer to an InfluxQL query has no results');
  const first: unknown = results[0];
  const error = fieldOf(first, 'error');
  if (typeof error === 'string') throw new Error(error);
  const series = fieldOf(first, 'series');
  if (!Array.isArray(series)) return [];
  return series.map((one: unknown) => ({
    tags: (fieldOf(one, 'tags') ?? {}) as Record<string, string>,
    columns: arrayOf(fieldOf(one, 'columns')) as string[],
    values: arrayOf(fieldOf(one, 'values')).map(arrayOf),
  }));
}

function arrayOf(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
