/** What one server grants to all its callers together and to each of them. Everything a caller can grow is bounded here. */
export interface ApiLimits {
  /** Longest request body. */
  readonly bodyBytes: number;
  /** Request line and headers together; beyond it 431. */
  readonly headerBytes: number;
  /** Longest path with query; beyond it 414. */
  readonly urlLength: number;
  /** Open connections; further ones are dropped by the listener. */
  readonly connections: number;
  /** From the first byte of a request to the end of its headers. */
  readonly headersTimeoutMs: number;
  /** From the first byte of a request to the end of its body; beyond it 408. */
  readonly requestTimeoutMs: number;
  /** From the routed request to its answer; beyond it 503. */
  readonly handlerTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  /** Requests in a minute under one token, or from one network address where no token is needed; beyond it 429. */
  readonly requestsPerMinute: number;
  /** Refused tokens in a minute from one network address, before further unknown tokens get 429 unseen. */
  readonly refusalsPerMinute: number;
  /** How long answers under way may take when the server closes. */
  readonly closeGraceMs: number;
}

export const DEFAULT_LIMITS: ApiLimits = {
  bodyBytes: 64 * 1024,
  headerBytes: 16 * 1024,
  urlLength: 4096,
  connections: 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  handlerTimeoutMs: 30_000,
  keepAliveTimeoutMs: 65_000,
  requestsPerMinute: 3000,
  refusalsPerMinute: 30,
  closeGraceMs: 2000,
};
