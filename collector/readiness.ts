import type { Clock } from '../protocols/contract.ts';
import type { ResourceGuard } from './health/guard.ts';
import type { LoopState, LoopWatch } from './health/loop-watch.ts';
import type { Flusher } from './intake/flusher.ts';
import type { SourceTask } from './intake/source-task.ts';
import type { InfluxStatus } from './metrics/influx-writer.ts';
import type { Readiness } from './reading.ts';

/** Without a stored flush for this long, the evidence on disk is not what the counts say. */
const FLUSH_OVERDUE_MS = 10_000;

export interface ReadinessParts {
  readonly flusher: Pick<Flusher, 'failure' | 'lastFlushAtMs'>;
  readonly watch: LoopWatch;
  readonly tasks: ReadonlyMap<string, Pick<SourceTask, 'overdueMs' | 'state'>>;
  readonly guard: Pick<ResourceGuard, 'warnings'>;
  readonly influx: () => InfluxStatus | undefined;
  readonly clock: Clock;
}

/** Every loop of the collector and how late it is: those that were announced to the watch, and one for each source. */
export function loopStates({ watch, tasks }: Pick<ReadinessParts, 'watch' | 'tasks'>): readonly LoopState[] {
  return [...watch.states, ...[...tasks].map(([id, { overdueMs }]) => ({ loop: `source ${id}`, overdueMs }))];
}

/**
 * Ready: evidence is taken in and kept. Everything else that is not well is a warning, a source that is down not even
 * that, because waiting for it is our work. Not a word about causes that could help an attacker: this answer needs no
 * token, and the log has the rest.
 */
export function readinessOf(parts: ReadinessParts): Readiness {
  const { flusher, guard, influx, clock, tasks } = parts;
  const reasons: string[] = [];
  if (flusher.failure !== undefined) reasons.push('evidence cannot be stored at the moment; it is kept in memory');
  if (flusher.lastFlushAtMs === undefined) reasons.push('nothing has been stored yet');
  else if (clock.nowMs() - flusher.lastFlushAtMs > FLUSH_OVERDUE_MS) reasons.push('storing evidence is overdue');

  const warnings = [...guard.warnings];
  for (const { loop, overdueMs } of loopStates(parts)) {
    if (overdueMs > 0) (loop === 'flush' ? reasons : warnings).push(`the loop "${loop}" does not turn any more`);
  }
  const status = influx();
  if (status?.failure !== undefined) warnings.push('InfluxDB does not take metrics at the moment; they wait');
  if (status !== undefined && status.capped > 0) warnings.push('metrics of series beyond maxSeries are left out');
  const states = [...tasks.values()].map(({ state }) => state);
  if (states.length > 0 && !states.includes('up')) warnings.push('no source is connected');
  return { ready: reasons.length === 0, reasons, warnings };
}
