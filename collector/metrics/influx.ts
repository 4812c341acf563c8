import type { SecretReference } from '../../protocols/contract.ts';
import type { InfluxConfig } from '../config/config.ts';
import { InfluxServer } from './influx-server.ts';
import { InfluxWriter, type InfluxWriterParts } from './influx-writer.ts';
import { LineBuffer } from './line-buffer.ts';

export interface InfluxParts {
  readonly config: InfluxConfig;
  readonly readSecret: (reference: SecretReference) => Promise<string>;
  readonly log: InfluxWriterParts['log'];
  readonly random: () => number;
}

/** The writer that a configuration asks for; it does no I/O before it is started. */
export function influxWriter({ config, readSecret, log, random }: InfluxParts): InfluxWriter {
  return new InfluxWriter({
    server: new InfluxServer(config, readSecret),
    queue: new LineBuffer(config.bufferLines),
    setAside: (lines, words) =>
      log.warn({ lines: lines.length, first: lines[0] }, `InfluxDB refused metrics: ${words}`),
    log,
    random,
  });
}
