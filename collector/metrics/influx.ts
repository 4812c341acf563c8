import type { Clock, SecretReference } from '../../protocols/contract.ts';
import type { InfluxConfig } from '../config/config.ts';
import type { LoopWatch } from '../health/loop-watch.ts';
import { InfluxServer } from './influx-server.ts';
import { InfluxWriter, type InfluxWriterParts } from './influx-writer.ts';
import { LineBuffer } from './line-buffer.ts';
import type { LineQueue } from './line-queue.ts';
import { gapLineOf } from './points.ts';
import { SeriesCap } from './series-cap.ts';
import { DeadLetter } from './spool/dead-letter.ts';
import { folderDisk } from './spool/disk.ts';
import type { LineGap } from './spool/dropped-lines.ts';
import { Spool } from './spool/spool.ts';

/** Bytes that may wait where the configuration says nothing. */
const DEFAULT_MAX_BYTES = { disk: 1_073_741_824, memory: 33_554_432 } as const;
/** Left to the evidence, whatever waits for InfluxDB; at most a twentieth of the file system. */
const RESERVE_BYTES = 268_435_456;

/** Between two turns of the writer: a request has 30 s, a batch of refused lines some dozen requests. */
const WRITER_LIMIT_MS = 300_000;

export interface InfluxParts {
  readonly config: InfluxConfig;
  /** For lines that wait and lines that were refused; created when needed. */
  readonly folder: string;
  readonly readSecret: (reference: SecretReference) => Promise<string>;
  readonly clock: Clock;
  readonly log: InfluxWriterParts['log'];
  readonly random: () => number;
  readonly watch: LoopWatch;
}

/** The writer that a configuration asks for, with what earlier runs left unsent. It sends nothing before it is started. */
export async function influxWriter({
  config,
  folder,
  readSecret,
  clock,
  log,
  random,
  watch,
}: InfluxParts): Promise<InfluxWriter> {
  const refused = new DeadLetter(folder, log);
  return new InfluxWriter({
    server: new InfluxServer(config, readSecret),
    queue: await queueOf(config, folder, log),
    setAside: (lines, words) => refused.add(lines, words, clock.nowMs()),
    cap: new SeriesCap(config.maxSeries, (most) =>
      log.warn({ maxSeries: most }, 'metrics of further series are left out: raise maxSeries, or write fewer tags'),
    ),
    loop: watch.loop('influx writer', WRITER_LIMIT_MS),
    log,
    random,
  });
}

/** A spool that cannot be opened keeps nobody from counting: lines then wait in memory. */
async function queueOf({ spool, tags }: InfluxConfig, folder: string, log: InfluxParts['log']): Promise<LineQueue> {
  const gapLine = (gap: LineGap): string => gapLineOf(gap, tags);
  const { place, maxBytes, sync } = spool;
  if (place === 'disk') {
    try {
      const bounds = { maxBytes: maxBytes ?? DEFAULT_MAX_BYTES.disk, reserveBytes: RESERVE_BYTES };
      return await Spool.open({ disk: await folderDisk(folder), bounds, sync, gapLine, log });
    } catch (error) {
      log.warn(
        { err: error, folder },
        'the metrics spool cannot be opened: metrics wait in memory until the next start',
      );
    }
  }
  return new LineBuffer(
    place === 'memory' ? (maxBytes ?? DEFAULT_MAX_BYTES.memory) : DEFAULT_MAX_BYTES.memory,
    gapLine,
  );
}
