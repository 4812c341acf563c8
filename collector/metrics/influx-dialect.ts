import type { SecretReference } from '../../protocols/contract.ts';
import type { InfluxConfig } from '../config/config.ts';

type ReadSecret = (reference: SecretReference) => Promise<string>;

/** One way to speak to a server that takes the line protocol. All of them take points with milliseconds. */
export interface Dialect {
  /** What it is written to, for people: `bucket b of organisation o`, `database d`. */
  readonly place: string;
  /** Path and query of a write. */
  readonly writePath: string;
  /** What InfluxQL reads the same place as; undefined where the server has no InfluxQL. */
  readonly database: string | undefined;
  readonly retentionPolicy: string | undefined;
  /** Headers that say who we are. The secret is read for each request: a changed one is used at once. */
  readonly authorization: (readSecret: ReadSecret) => Promise<Readonly<Record<string, string>>>;
}

/**
 * The dialect of a configuration. Sources: InfluxDB 2 API `POST /api/v2/write`; InfluxDB 1 API `/write`; InfluxDB 3
 * API `POST /api/v3/write_lp`; VictoriaMetrics, "How to send data in InfluxDB line protocol".
 */
export function dialectOf(config: InfluxConfig): Dialect {
  switch (config.dialect) {
    case 'v1':
      return {
        place: `database ${config.database}`,
        writePath: pathOf('/write', { db: config.database, precision: 'ms', rp: config.retentionPolicy }),
        database: config.database,
        retentionPolicy: config.retentionPolicy,
        authorization: (readSecret) => basic(config.username, config.password, readSecret),
      };
    case 'v2':
      return {
        place: `bucket ${config.bucket} of organisation ${config.org}`,
        writePath: pathOf('/api/v2/write', { org: config.org, bucket: config.bucket, precision: 'ms' }),
        database: config.bucket,
        retentionPolicy: undefined,
        authorization: async (readSecret) => ({ authorization: `Token ${await readSecret(config.token)}` }),
      };
    case 'v3':
      return {
        place: `database ${config.database}`,
        // Good lines of a partly bad body are stored, as the other versions do.
        writePath: pathOf('/api/v3/write_lp', {
          db: config.database,
          precision: 'millisecond',
          accept_partial: 'true',
        }),
        database: config.database,
        retentionPolicy: undefined,
        authorization: async (readSecret) =>
          config.token === undefined ? {} : { authorization: `Bearer ${await readSecret(config.token)}` },
      };
    case 'victoria-metrics':
      return {
        place: 'VictoriaMetrics',
        writePath: pathOf('/write', { precision: 'ms' }),
        database: undefined,
        retentionPolicy: undefined,
        authorization: (readSecret) => basic(config.username, config.password, readSecret),
      };
    default:
      throw new TypeError('there is no such dialect');
  }
}

async function basic(
  username: string | undefined,
  password: SecretReference | undefined,
  readSecret: ReadSecret,
): Promise<Record<string, string>> {
  if (username === undefined) return {};
  const secret = password === undefined ? '' : await readSecret(password);
  return { authorization: `Basic ${Buffer.from(`${username}:${secret}`).toString('base64')}` };
}

function pathOf(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return `${path}?${new URLSearchParams(given).toString()}`;
}
