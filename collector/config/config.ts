import type { SourceConfigBase } from '../../protocols/contract.ts';
import type { AnyProtocolDefinition, BrokerConfig } from '../../protocols/registry.ts';
import type { RuleParameters } from '../census/rules.ts';
import type { Register } from '../store/contract.ts';
import type { ConfigFile } from './schema.ts';

/** A configuration that was read, checked and decided: what the composition root works from. */
export interface CollectorConfig {
  readonly collectorId: string;
  readonly timeZone: string;
  readonly origin: string | undefined;
  /** Absolute; what the file names relatively is relative to it. */
  readonly baseFolder: string;
  /** Absolute. */
  readonly dataFolder: string;
  readonly api: {
    readonly host: string;
    readonly port: number;
    /** Absolute paths of PEM files. */
    readonly tls: { readonly key: string; readonly certificate: string } | undefined;
    readonly trustedProxies: readonly string[];
  };
  readonly broker: BrokerConfig | undefined;
  readonly influx: InfluxConfig | undefined;
  readonly rules: RuleParameters;
  /** The task book's yearly targets, by year. */
  readonly targets: ReadonlyMap<number, YearlyTarget>;
  readonly limits: { readonly addressesPerSource: number; readonly queueBatches: number };
  readonly sources: readonly DecidedSource[];
  readonly register: Register;
}

export interface DecidedSource {
  readonly config: SourceConfigBase & { readonly name?: string | undefined };
  readonly definition: AnyProtocolDefinition;
}

export type YearlyTarget = ConfigFile['targets'][string];

export type InfluxConfig = NonNullable<ConfigFile['metrics']['influx']>;
