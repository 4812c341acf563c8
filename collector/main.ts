import { hostname } from 'node:os';
import { type Logger, pino } from 'pino';
import { CollectorError } from './errors.ts';
import { type Service, type ServiceOptions, startService } from './service.ts';

/** After a signal to stop, the process ends by itself or is ended. */
const STOP_DEADLINE_MS = 4_500;

/** What the command line and the demo decide. */
export type RunOptions = Omit<ServiceOptions, 'log' | 'env'> & {
  /** Lines printed once the service runs; `url` is where the page is. */
  readonly announce: (service: Service) => readonly string[];
  /** Called when the process is about to end, whatever the reason. */
  readonly whenStopping?: () => Promise<void>;
};

/**
 * Runs the collector until a signal ends it. Resolves with the exit code: 0 when it stopped in order, 1 when it could
 * not start or could not store its last evidence. The only place under `collector/` that reads the environment.
 */
export async function runCollector(options: RunOptions): Promise<number> {
  const log = await newLog();
  const stopping = untilSignal();
  let service: Service;
  try {
    service = await startService({ ...options, log, env: process.env });
  } catch (error) {
    await options.whenStopping?.();
    explain(error);
    return 1;
  }
  for (const line of options.announce(service)) console.log(line);
  const signal = await stopping;
  console.log(`\n${signal}: stopping; storing what is in memory …`);
  const deadline = setTimeout(() => {
    log.error('stopping took too long; the last second may be missing and will be declared as a gap');
    process.exit(1);
  }, STOP_DEADLINE_MS);
  try {
    await Promise.all([service.stop(), options.whenStopping?.()]);
    console.log('stopped; everything that was seen is stored');
    return 0;
  } catch (error) {
    explain(error);
    return 1;
  } finally {
    clearTimeout(deadline);
  }
}

/** JSON lines for journald and collectors of logs; readable lines where a person looks at a terminal. */
async function newLog(): Promise<Logger> {
  const terminal = process.stderr.isTTY;
  const options = {
    level: process.env['ROLLCALL_LOG_LEVEL'] ?? (terminal ? 'warn' : 'info'),
    base: { host: hostname() },
    redact: ['*.password', '*.token', '*.authorization', 'req.headers'],
  };
  if (!terminal) return pino(options, pino.destination({ fd: 2, sync: true }));
  const { default: pretty } = await import('pino-pretty');
  return pino(
    options,
    pretty({ destination: 2, sync: true, ignore: 'pid,host,level,code,retry', translateTime: 'SYS:HH:MM:ss' }),
  );
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
