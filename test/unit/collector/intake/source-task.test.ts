import { describe, expect, it } from 'vitest';
import { Calendar } from '../../../../collector/census/calendar.ts';
import { backoffMs } from '../../../../collector/intake/backoff.ts';
import { Journal } from '../../../../collector/intake/journal.ts';
import { SourcePath } from '../../../../collector/intake/source-path.ts';
import { SourceTask } from '../../../../collector/intake/source-task.ts';
import { Tally } from '../../../../collector/intake/tally.ts';
import type { Batch, SourceAdapter, SourceEvent } from '../../../../protocols/contract.ts';
import { ProtocolError, type ProtocolErrorCode } from '../../../../protocols/errors.ts';
import { ObservationColumns } from '../../../../protocols/observation.ts';
import { until } from '../../../support/wait.ts';

const silentLog = { debug: () => {}, info: () => {}, warn: () => {} };
const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };

/** An adapter whose connections follow a script: what each yields, and how it ends. */
function scripted(connections: ((signal: AbortSignal) => AsyncIterable<Batch>)[]): SourceAdapter & { made: number } {
  const unsupported = () => Promise.reject(new ProtocolError('unsupported', 'asking a script'));
  return {
    made: 0,
    observe(signal) {
      const connection = connections[Math.min(this.made, connections.length - 1)];
      this.made += 1;
      if (connection === undefined) throw new Error('the script is empty');
      return connection(signal);
    },
    identify: unsupported,
    probe: unsupported,
  };
}

function batchOf(events: SourceEvent[], observations = 0): Batch {
  const columns = new ObservationColumns();
  for (let i = 0; i < observations; i++) columns.receivedAtMs[i] = Date.now();
  columns.length = observations;
  return { observations: columns, events };
}

const connected = (): SourceEvent => ({ kind: 'connected', atMs: Date.now(), detail: 'script' });

async function* upForever(signal: AbortSignal): AsyncGenerator<Batch> {
  yield batchOf([connected()], 3);
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

function losing(code: ProtocolErrorCode) {
  return async function* (): AsyncGenerator<Batch> {
    yield batchOf([connected()], 1);
    throw new ProtocolError(code, 'reading from the script: it ended', { hint: 'write a longer script' });
  };
}

function taskOf(
  adapter: SourceAdapter,
  random = () => 0,
): { task: SourceTask; journal: Journal; stop: AbortController } {
  const journal = new Journal();
  const tally = new Tally(new Calendar('UTC'), Date.now());
  const task = new SourceTask({ sourceId: 'script', adapter, tally, journal, clock, random, log: silentLog });
  return { task, journal, stop: new AbortController() };
}

describe('a source task', () => {
  it('folds what the adapter yields and says that the path is up', async () => {
    const { task, stop } = taskOf(scripted([upForever]));
    const running = task.run(stop.signal);
    await until('observations', () => task.observations === 3);
    expect([task.state, task.path.upSinceMs === undefined, task.reconnects]).toEqual(['up', false, 0]);
    stop.abort();
    await running;
    expect([task.state, task.path.upSinceMs]).toEqual(['stopped', undefined]);
  });

  it('connects again after a loss, counts it, and declares the time between as a gap', async () => {
    const { task, journal, stop } = taskOf(scripted([losing('connection-lost'), upForever]));
    const running = task.run(stop.signal);
    await until('the second connection', () => task.reconnects === 1);
    expect(journal.takeGaps()).toMatchObject([{ sourceId: 'script', reason: 'source-down', dropped: 0 }]);
    expect(task.lastFailure).toMatchObject({ code: 'connection-lost', hint: 'write a longer script' });
    stop.abort();
    await running;
  });

  it('does not try again what only a new configuration can mend', async () => {
    const adapter = scripted([losing('configuration')]);
    const { task, stop } = taskOf(adapter);
    await task.run(stop.signal);
    expect([adapter.made, task.state]).toEqual([1, 'down']);
  });

  it('survives an adapter that throws something unexpected, and says so', async () => {
    const broken = async function* (): AsyncGenerator<Batch> {
      yield batchOf([]);
      throw new TypeError('undefined is not a function');
    };
    const { task, stop } = taskOf(scripted([broken, upForever]));
    const running = task.run(stop.signal);
    await until('the second connection', () => task.state === 'up');
    expect(task.lastFailure?.code).toBe('unexpected');
    stop.abort();
    await running;
  });

  it('treats a stream that ends by itself as a loss', async () => {
    const ending = async function* (): AsyncGenerator<Batch> {
      yield batchOf([connected()]);
    };
    const { task, stop } = taskOf(scripted([ending, upForever]));
    const running = task.run(stop.signal);
    await until('the second connection', () => task.reconnects === 1);
    expect(task.lastFailure?.code).toBe('connection-lost');
    stop.abort();
    await running;
  });

  it('stops at once while it waits to try again', async () => {
    const { task, stop } = taskOf(scripted([losing('refused')]), () => 1);
    const running = task.run(stop.signal);
    await until('the wait', () => task.nextAttemptAtMs !== undefined);
    stop.abort();
    await running;
    expect(task.state).toBe('stopped');
  });

  it('keeps the last notice of each code until it is cleared', async () => {
    const notice = (level: 'error' | 'cleared', message: string): SourceEvent => ({
      kind: 'notice',
      code: 'filter',
      level,
      message,
    });
    const speaking = async function* (signal: AbortSignal): AsyncGenerator<Batch> {
      yield batchOf([connected(), notice('error', 'one'), notice('error', 'two')]);
      await new Promise<void>((resolve) => setTimeout(resolve, 30));
      yield batchOf([notice('cleared', '')]);
      yield* upForever(signal);
    };
    const { task, stop } = taskOf(scripted([speaking]));
    const running = task.run(stop.signal);
    await until('the notice', () => task.notices.length === 1);
    expect(task.notices[0]?.message).toBe('two');
    await until('its end', () => task.notices.length === 0);
    stop.abort();
    await running;
  });
});

describe('the backoff', () => {
  it('doubles to a cap, is never zero, and spreads attempts over the whole wait', () => {
    expect([1, 2, 3, 20].map((failures) => backoffMs(failures, 'soon', () => 1))).toEqual([500, 1_000, 2_000, 60_000]);
    expect(backoffMs(1, 'soon', () => 0)).toBe(50);
    expect(backoffMs(1_000, 'slowly', () => 1)).toBe(300_000);
  });
});

describe('the path of a source', () => {
  it('ends its open interval where it was last known alive, and starts a new one after an interruption', () => {
    const path = new SourcePath('line');
    path.up(1_000);
    expect(path.take(5_000)).toEqual([{ sourceId: 'line', fromMs: 1_000, toMs: 5_000 }]);
    path.interrupt(6_000, 60_000);
    expect(path.upSinceMs).toBe(60_000);
    expect(path.take(61_000)).toEqual([
      { sourceId: 'line', fromMs: 1_000, toMs: 6_000 },
      { sourceId: 'line', fromMs: 60_000, toMs: 61_000 },
    ]);
    path.down(70_000);
    expect(path.take(80_000)).toEqual([{ sourceId: 'line', fromMs: 60_000, toMs: 70_000 }]);
    expect(path.take(90_000)).toEqual([]);
  });

  it('offers closed intervals again after a flush that failed', () => {
    const path = new SourcePath('line');
    path.up(1);
    path.down(2);
    path.putBack(path.take(3));
    expect(path.take(4)).toEqual([{ sourceId: 'line', fromMs: 1, toMs: 2 }]);
  });
});
