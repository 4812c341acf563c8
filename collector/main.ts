import type { Logger } from 'pino';
import type { CollectorConfig } from './config/config.ts';
import type { ReadResult } from './config/read.ts';
import { CollectorError } from './errors.ts';
import { processLog } from './log.ts';
import { systemdNotifier } from './notify.ts';
import { type Service, type ServiceOptions, startService } from './service.ts';

/** After a signal to stop, the process ends by itself or is ended. */
const STOP_DEADLINE_MS = 4_500;

/** What the command line and the demo decide. */
export type RunOptions = Omit<ServiceOptions, 'log' | 'env'> & {
  /** Lines printed once the service runs; `url` is where the page is. */
  readonly announce: (service: Service) => readonly string[];
  /** Called when the process is about to end, whatever the reason. */
  readonly whenStopping?: () => Promise<void>;
  /** Reads the configuration again when SIGHUP asks for it; left out where there is no file. */
  readonly reread?: () => Promise<ReadResult>;
};

/**
 * Runs the collector until a signal ends it. Resolves with the exit code: 0 when it stopped in order, 1 when it could
 * not start, could not store its last evidence, or ended because memory ran out. The only place under `collector/` that
 * reads the environment.
 */
export async function runCollector(options: RunOptions): Promise<number> {
  const log = await processLog(process.env);
  const stopping = untilSignal();
  let service: Service;
  try {
    service = await startService({ ...options, log, env: process.env });
  } catch (error) {
    await options.whenStopping?.();
    explain(error);
    return 1;
  }
  const { reread } = options;
  process.on('SIGHUP', () => void reload(service, reread, log));
  const notifier = systemdNotifier(
    process.env,
    () => service.isAlive(),
    (error) => log.warn({ err: error }, 'systemd could not be told how we are'),
  );
  notifier.ready();
  for (const line of options.announce(service)) console.log(line);
  const exhausted = service.exhausted.then((why) => ({ why, code: 1 }));
  const { why, code } = await Promise.race([stopping.then((signal) => ({ why: signal, code: 0 })), exhausted]);
  if (code !== 0) log.error({ why }, 'ending in order, to be started again');
  notifier.stopping();
  console.log(`\n${why}: stopping; storing what is in memory …`);
  const deadline = setTimeout(() => {
    log.error('stopping took too long; the last second may be missing and will be declared as a gap');
    process.exit(1);
  }, STOP_DEADLINE_MS);
  try {
    await Promise.all([service.stop(), options.whenStopping?.()]);
    console.log('stopped; everything that was seen is stored');
    return code;
  } catch (error) {
    explain(error);
    return 1;
  } finally {
    notifier.close();
    clearTimeout(deadline);
  }
}

/** SIGHUP. A configuration that cannot be used changes nothing, and says why. Never rejects. */
async function reload(service: Service, reread: RunOptions['reread'], log: Logger): Promise<void> {
  try {
    if (reread === undefined) {
      log.warn('SIGHUP: there is no configuration file to read again');
      return;
    }
    const read = await reread();
    if (!read.ok) {
      for (const { line, column, path, message } of read.problems) log.error({ line, column, path }, message);
      log.error('the changed configuration cannot be used; the one before stays in force');
      return;
    }
    const config: CollectorConfig = read.config;
    log.info(`configuration read again: ${await service.reload(config)}`);
  } catch (error) {
    log.error({ err: error }, 'a part of the changed configuration could not be applied');
  }
}

function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve(signal));
  });
}

/** Says what went wrong and what to do next; the stack only where the failure is not one we foresee. */
function explain(error: unknown): void {
  if (error instanceof CollectorError) {
    console.error(`rollcall: ${error.message}`);
    if (error.hint !== undefined) console.error(`  ${error.hint}`);
    return;
  }
  console.error('rollcall: unexpected failure');
  console.error(error);
}
