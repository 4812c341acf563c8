import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Load, loadArguments } from './load.ts';

/** What one subscriber took for one load. */
export interface Figure {
  readonly perSecond: number;
  readonly cpuUsPerMessage: number;
  readonly rssMiB: number;
}

/** Publishes a load with a program of its own; resolves with true when all was written. */
export function publishLoad(port: number, load: Load): Promise<boolean> {
  const publisher = join(import.meta.dirname, 'publisher.ts');
  const child = spawn(process.execPath, [publisher, ...loadArguments(port, load)], { stdio: 'ignore' });
  return new Promise((resolve) => child.once('exit', (code) => resolve(code === 0)));
}

/** Runs one of the subscriber programs of this folder over a load. */
export async function measureSubscriber(
  port: number,
  file: 'bare-subscriber.ts' | 'rollcall-subscriber.ts',
  load: Load,
): Promise<Figure> {
  const child = spawn(process.execPath, [join(import.meta.dirname, file), ...loadArguments(port, load)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let figure: Figure | undefined;
  let published: Promise<boolean> | undefined;
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  for await (const line of createInterface(child.stdout)) {
    if (line === 'subscribed') published = publishLoad(port, load);
    if (!line.startsWith('{')) continue;
    const { messages, seconds, cpuUs, rssMiB } = JSON.parse(line) as Record<string, number>;
    if (messages === undefined || seconds === undefined || cpuUs === undefined || rssMiB === undefined) continue;
    figure = { perSecond: messages / seconds, cpuUsPerMessage: cpuUs / messages, rssMiB };
  }
  const code = await exited;
  if ((await published) === false) throw new Error('the publisher failed');
  if (figure === undefined || code !== 0) throw new Error(`${file} ended with ${code} before it had all messages`);
  return figure;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

/** The median over pairs of runs of what one figure is to another. */
export function medianOfPairs(
  ours: readonly Figure[],
  theirs: readonly Figure[],
  ratio: (ours: Figure, theirs: Figure) => number,
): number {
  return median(ours.flatMap((figure, i) => (theirs[i] === undefined ? [] : [ratio(figure, theirs[i])])));
}
