import type { IdentityClaims } from '../../identity.ts';
import { claimText } from '../claims-reader.ts';
import type { SparkplugConfig } from './config.ts';
import type { Metric } from './payload.ts';

/** Reads from the metrics of a birth, and from their properties, what a node or device says of itself. */
export class BirthClaims {
  /** Metric name, or `metric#property`, to the claim it makes. */
  readonly #claimOf: ReadonlyMap<string, keyof IdentityClaims>;

  constructor({ claims }: Pick<SparkplugConfig, 'claims'>) {
    const pairs = Object.entries(claims) as [keyof SparkplugConfig['claims'], readonly string[]][];
    this.#claimOf = new Map(
      pairs.flatMap(([key, names]) => names.map((name) => [name, key === 'type' ? 'deviceType' : key] as const)),
    );
  }

  /** True for a metric that says who the device is, and is no value. */
  isClaim(name: string | undefined): boolean {
    return name !== undefined && this.#claimOf.has(name);
  }

  /** What a birth says; undefined when it says nothing. */
  read(metrics: readonly Metric[]): IdentityClaims | undefined {
    const claims: Record<string, string | boolean> = {};
    const take = (source: string, said: unknown): void => {
      const claim = this.#claimOf.get(source);
      if (claim === undefined || claim in claims) return;
      const value = claim === 'simulated' ? said === true : claimText(said);
      if (value !== undefined && value !== false) claims[claim] = value;
    };
    for (const { name, value, properties } of metrics) {
      if (name === undefined) continue;
      take(name, value);
      for (const [key, property] of properties ?? []) take(`${name}#${key}`, property);
    }
    return Object.keys(claims).length === 0 ? undefined : claims;
  }
}
