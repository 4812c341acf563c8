import type { FastifyBaseLogger } from 'fastify';
import type { CollectorReading } from '../collector/reading.ts';
import type { TokenStore } from '../collector/store/contract.ts';
import type { ApiLimits } from './limits.ts';
import type { Certificate } from './server.ts';

/** Everything the API is given; it takes nothing from the environment. */
export interface ApiDependencies {
  readonly reading: CollectorReading;
  readonly tokens: TokenStore;
  readonly clock: { nowMs(): number };
  /** A pino instance. Requests are logged without their query, because a caller may put a secret there by mistake. */
  readonly log: FastifyBaseLogger;
  readonly version: string;
  readonly demo: boolean;
  /** Folder of the page: `index.html` and the files it names, all in one level. Read once. */
  readonly pageFolder: string;
  readonly limits: ApiLimits;
  /** PEM of key and certificate chain; undefined serves plain HTTP. */
  readonly certificate: Certificate | undefined;
  /** Addresses or networks (CIDR) of reverse proxies whose `X-Forwarded-*` headers are believed; usually none. */
  readonly trustedProxies: readonly string[];
}
