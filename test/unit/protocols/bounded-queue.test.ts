import { describe, expect, it } from 'vitest';
import { BoundedQueue } from '../../../protocols/bounded-queue.ts';
import type { Batch, Clock } from '../../../protocols/contract.ts';
import { ProtocolError } from '../../../protocols/errors.ts';
import { BATCH_CAPACITY } from '../../../protocols/observation.ts';

const clock: Clock = { nowMs: () => 5_000, monotonicMs: () => 5_000 };

function push(queue: BoundedQueue, address: number, atMs = 1_000): void {
  queue.push(address, atMs, Number.NaN, 0, 0, 1, 42, Number.NaN);
}

async function next(stream: AsyncGenerator<Batch, void, void>): Promise<Batch> {
  const result = await stream.next();
  if (result.done === true) throw new Error('the stream ended');
  return result.value;
}

describe('the bounded queue', () => {
  it('gives all observations of one turn of the event loop as one batch, in order', async () => {
    const queue = new BoundedQueue(clock, 2);
    const stream = queue.batches(new AbortController().signal);
    const waiting = next(stream);
    for (let i = 0; i < 5; i++) push(queue, i);
    const { observations } = await waiting;
    expect([...observations.address.subarray(0, observations.length)]).toEqual([0, 1, 2, 3, 4]);
    await stream.return();
  });

  it('loses nothing of more than one batch while there is room', async () => {
    const queue = new BoundedQueue(clock, 4);
    const total = BATCH_CAPACITY * 3 + 7;
    for (let i = 0; i < total; i++) push(queue, i);
    const stream = queue.batches(new AbortController().signal);
    const seen: number[] = [];
    while (seen.length < total) {
      const { observations } = await next(stream);
      seen.push(...observations.address.subarray(0, observations.length));
    }
    expect(seen).toEqual(Array.from({ length: total }, (_, i) => i));
    await stream.return();
  });

  it('drops and counts what does not fit, and declares the gap from the first drop', async () => {
    const queue = new BoundedQueue(clock, 1);
    for (let i = 0; i < BATCH_CAPACITY * 2 + 10; i++) push(queue, i, 1_000 + i);
    const stream = queue.batches(new AbortController().signal);
    const first = await next(stream);
    expect(first.observations.length).toBe(BATCH_CAPACITY);
    expect(first.events).toEqual([
      { kind: 'gap', reason: 'overflow', fromMs: 1_000 + BATCH_CAPACITY * 2, toMs: 5_000, dropped: 10 },
    ]);
    push(queue, 7);
    expect((await next(stream)).observations.length).toBe(BATCH_CAPACITY);
    expect((await next(stream)).observations.address[0]).toBe(7);
    await stream.return();
  });

  it('has room again as soon as the consumer has taken a batch', async () => {
    const queue = new BoundedQueue(clock, 1);
    for (let i = 0; i < BATCH_CAPACITY * 2; i++) push(queue, i);
    const stream = queue.batches(new AbortController().signal);
    await next(stream);
    push(queue, 1);
    expect((await next(stream)).events).toEqual([]);
    await stream.return();
  });

  it('yields what was received before a failure, then throws it', async () => {
    const queue = new BoundedQueue(clock, 2);
    push(queue, 1);
    queue.fail(new ProtocolError('connection-lost', 'reading from the broker: connection reset'));
    queue.fail(new Error('a second failure is not heard'));
    const stream = queue.batches(new AbortController().signal);
    expect((await next(stream)).observations.length).toBe(1);
    await expect(stream.next()).rejects.toMatchObject({ code: 'connection-lost' });
  });

  it('ends without an error when stopped while parked', async () => {
    const controller = new AbortController();
    const stream = new BoundedQueue(clock, 2).batches(controller.signal);
    const waiting = stream.next();
    controller.abort();
    expect((await waiting).done).toBe(true);
  });

  it('ends at once when it was stopped before it began, after giving what was there', async () => {
    const queue = new BoundedQueue(clock, 2);
    push(queue, 3);
    const stream = queue.batches(AbortSignal.abort());
    expect((await next(stream)).observations.address[0]).toBe(3);
    expect((await stream.next()).done).toBe(true);
  });

  it('recycles columns, so that a steady stream allocates none', async () => {
    const queue = new BoundedQueue(clock, 2);
    const stream = queue.batches(new AbortController().signal);
    const columns = new Set();
    for (let i = 0; i < 50; i++) {
      push(queue, i);
      columns.add((await next(stream)).observations);
    }
    expect(columns.size).toBeLessThanOrEqual(3);
    await stream.return();
  });

  it('bounds events as well, and counts those it dropped', async () => {
    const queue = new BoundedQueue(clock, 1);
    for (let i = 0; i < 5_000; i++) queue.emit({ kind: 'death', address: i, atMs: 1, reason: 'will' });
    const stream = queue.batches(new AbortController().signal);
    const { events } = await next(stream);
    expect(events.length).toBe(4_097);
    expect(events[4_096]).toMatchObject({ kind: 'gap', dropped: 904 });
    await stream.return();
  });
});
