import { createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Batch, SourceEvent } from '../../../../protocols/contract.ts';
import { ModbusAdapter } from '../../../../protocols/modbus/adapter.ts';
import { modbusConfig } from '../../../../protocols/modbus/config.ts';
import { Lines } from '../../../../protocols/modbus/line.ts';
import { Quality } from '../../../../protocols/observation.ts';
import { testContext } from '../../../contract/adapter-contract.ts';
import { frame, registersOf, ScriptedDevice, type SeenRequest } from '../../../support/scripted-device.ts';
import { until } from '../../../support/wait.ts';

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const tidy of cleanUp.splice(0).toReversed()) await tidy();
});

async function deviceThat(answer: (request: SeenRequest, socket: Socket) => void) {
  const device = new ScriptedDevice(answer);
  const port = await device.listen();
  cleanUp.push(() => device[Symbol.asyncDispose]());
  return { device, port };
}

const honest = (request: SeenRequest, socket: Socket): void => {
  socket.write(frame(request.transactionId, request.unitId, registersOf(request, 7)));
};

/** A source that runs until the test ends, and what it saw. */
class Running {
  readonly good = new Map<string, number>();
  readonly events: SourceEvent[] = [];
  readonly adapter: ModbusAdapter;
  failure: unknown;
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;

  constructor(lines: Lines, config: object) {
    const context = testContext('/nonexistent');
    const parsed = modbusConfig.parse({
      id: 'm',
      protocol: 'modbus',
      host: '127.0.0.1',
      cycle: '100ms',
      requestTimeout: '60ms',
      ...config,
    });
    this.adapter = new ModbusAdapter(parsed, context, lines);
    this.#ended = this.#run(context.bound);
    cleanUp.push(() => this.stop());
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  countOf(address: string): number {
    return this.good.get(address) ?? 0;
  }

  async #run(bound: readonly string[]): Promise<void> {
    try {
      for await (const batch of this.adapter.observe(this.#stop.signal)) this.#take(batch, bound);
    } catch (error) {
      this.failure = error;
    }
  }

  #take({ observations, events }: Batch, bound: readonly string[]): void {
    this.events.push(...events);
    for (let i = 0; i < observations.length; i++) {
      const address = bound[observations.address[i] ?? 0] ?? '';
      if (observations.quality[i] === Quality.good) this.good.set(address, this.countOf(address) + 1);
    }
  }
}

const unit = (unitId: number) => ({ unitId, points: [{ name: 'a', address: 0 }] });

describe('one connection for an endpoint', () => {
  it('is shared by every source that names it, and closed after the last', async () => {
    const { device, port } = await deviceThat(honest);
    const lines = new Lines();
    const [first, second] = [
      new Running(lines, { port, units: [unit(1)] }),
      new Running(lines, { port, units: [unit(2)] }),
    ];
    await until('both to be read', () => first.countOf('unit/1') > 2 && second.countOf('unit/2') > 2);
    expect(device.connections).toBe(1);
    await first.stop();
    const before = second.countOf('unit/2');
    await until('the other to go on', () => second.countOf('unit/2') > before + 2);
    expect([device.connections, device.open]).toEqual([1, 1]);
    await second.stop();
    await until('the connection to be closed', () => device.open === 0);
  });

  it('that is lost is lost for all of them', async () => {
    const { device, port } = await deviceThat(honest);
    const lines = new Lines();
    const both = [1, 2].map((id) => new Running(lines, { port, units: [unit(id)] }));
    await until('both to be read', () => both.every(({ good }) => good.size > 0));
    device.reset();
    await until('both to fail', () => both.every(({ failure }) => failure !== undefined));
    expect(both.map(({ failure }) => failure)).toMatchObject([
      { code: 'connection-lost' },
      { code: 'connection-lost' },
    ]);
  });

  it('is refused to a source that wants to use it otherwise, with what to do', async () => {
    const { port } = await deviceThat(honest);
    const lines = new Lines();
    const first = new Running(lines, { port, units: [unit(1)] });
    await until('the first to be read', () => first.good.size > 0);
    const second = new Running(lines, { port, pause: '5ms', afterCycle: 'close', units: [unit(2)] });
    await until('the second to fail', () => second.failure !== undefined);
    expect(second.failure).toMatchObject({
      code: 'configuration',
      hint: expect.stringContaining('afterCycle, pause') as string,
    });
  });

  it('fault "a gateway that allows one connection": two sources and a roll call go over the one', async () => {
    let open = 0;
    const { device, port } = await deviceThat(honest);
    device.onConnection = (socket) => {
      open += 1;
      socket.once('close', () => (open -= 1));
      if (open > 1) socket.resetAndDestroy();
    };
    const lines = new Lines();
    const both = [1, 2].map((id) => new Running(lines, { port, units: [unit(id)] }));
    await until('both to be read', () => both.every(({ good }) => good.size > 0));
    const answer = await both[0]?.adapter.probe('unit/1', new AbortController().signal);
    expect(answer?.values).toEqual({ a: '7' });
    expect(both.map(({ failure }) => failure)).toEqual([undefined, undefined]);
    expect(device.connections).toBe(1);
  });

  it('is given back after each cycle where the source says so, and the source stays connected meanwhile', async () => {
    const { device, port } = await deviceThat(honest);
    const source = new Running(new Lines(), { port, cycle: '200ms', afterCycle: 'close', units: [unit(1), unit(2)] });
    await until('three cycles', () => source.countOf('unit/2') >= 3);
    expect(device.connections).toBeGreaterThanOrEqual(3);
    await until('the connection to be closed between cycles', () => device.open === 0);
    expect(source.failure).toBeUndefined();
    expect(source.events.map(({ kind }) => kind)).toEqual(['connected']);
  });
});

describe('fault "half-open socket"', () => {
  it('a peer that is there no more is found within two cycles of silence', async () => {
    let isDeaf = false;
    const { port } = await deviceThat((request, socket) => {
      if (!isDeaf) honest(request, socket);
    });
    const source = new Running(new Lines(), { port, cycle: '300ms', units: [unit(1), unit(2)] });
    await until('data', () => source.countOf('unit/1') > 1);
    isDeaf = true;
    const deafSinceMs = performance.now();
    await until('the loss', () => source.failure !== undefined);
    expect(source.failure).toMatchObject({
      code: 'connection-lost',
      message: expect.stringContaining('may be half open') as string,
    });
    // two cycles, the read that was under way, and what the event loop of a busy machine takes
    expect(performance.now() - deafSinceMs).toBeLessThan(300 * 2 + 300 + 300);
  });

  it('but where the connection can be made anew and the units stay silent, it is left alone longer and longer', async () => {
    const { device, port } = await deviceThat(() => {});
    const lines = new Lines();
    const context = testContext('/nonexistent');
    const config = modbusConfig.parse({
      id: 'm',
      protocol: 'modbus',
      host: '127.0.0.1',
      port,
      cycle: '100ms',
      requestTimeout: '50ms',
      units: [unit(1)],
    });
    const adapter = new ModbusAdapter(config, context, lines);
    const lastedMs: number[] = [];
    for (let connection = 0; connection < 3; connection++) {
      const startedAtMs = performance.now();
      const drain = async (): Promise<void> => {
        for await (const batch of adapter.observe(AbortSignal.timeout(20_000))) void batch;
      };
      await expect(drain()).rejects.toMatchObject({ code: 'connection-lost' });
      lastedMs.push(performance.now() - startedAtMs);
    }
    expect(device.connections).toBe(3);
    expect(lastedMs[1]).toBeGreaterThan(400);
    expect(lastedMs[2]).toBeGreaterThan(800);
  });
});

describe('the time of a line', () => {
  it('is told by unit, and dead units together cost no more than their share', async () => {
    const { port } = await deviceThat((request, socket) => {
      if (request.unitId < 8) honest(request, socket);
    });
    const source = new Running(new Lines(), {
      port,
      deadUnitShare: 0.2,
      units: [1, 2, 8, 9].map(unit),
    });
    await until('two units to be dead', () => {
      const states = source.adapter.lineUse()?.units.map(({ state }) => state) ?? [];
      return states.filter((state) => state === 'dead').length === 2;
    });
    const before = source.adapter.lineUse();
    await until('a while', () => (source.adapter.lineUse()?.windowMs ?? 0) > (before?.windowMs ?? 0) + 2_500);
    const after = source.adapter.lineUse();
    if (before === undefined || after === undefined) throw new Error('there is no line');
    const spentMs = after.silentShare * after.windowMs - before.silentShare * before.windowMs;
    // one time-out of 60 ms may just have begun or ended at either end
    expect(spentMs).toBeLessThan(0.2 * (after.windowMs - before.windowMs) + 120);
    expect(after.units.map(({ address, state }) => [address, state])).toEqual([
      ['unit/1', 'answering'],
      ['unit/2', 'answering'],
      ['unit/8', 'dead'],
      ['unit/9', 'dead'],
    ]);
    expect(after.timeouts).toBe(after.units.reduce((sum, { timeouts }) => sum + timeouts, 0));
    expect(after.units[0]).toMatchObject({ timeouts: 0, silentShare: 0 });
    expect(after.units[0]?.requests).toBeGreaterThan(20);
    await source.stop();
    expect(source.adapter.lineUse()).toBeUndefined();
  });
});

describe('pipelining', () => {
  it('fault "a server that answers out of order": each answer finds its request, and never more are under way than allowed', async () => {
    const held: (readonly [SeenRequest, Socket])[] = [];
    let most = 0;
    const { port } = await deviceThat((request, socket) => {
      held.push([request, socket]);
      most = Math.max(most, held.length);
    });
    const release = setInterval(() => {
      for (const [request, socket] of held.splice(0).toReversed())
        socket.write(frame(request.transactionId, request.unitId, registersOf(request, request.unitId)));
    }, 5);
    cleanUp.push(() => Promise.resolve(clearInterval(release)));
    const source = new Running(new Lines(), {
      port,
      outstanding: 4,
      requestTimeout: '1s',
      units: Array.from({ length: 12 }, (_, i) => unit(i + 1)),
    });
    await until('three cycles of all', () => [...source.good.values()].filter((count) => count >= 3).length === 12);
    const answer = await source.adapter.probe('unit/7', new AbortController().signal);
    expect(answer.values).toEqual({ a: '7' });
    expect(most).toBe(4);
    expect(source.adapter.lineUse()).toMatchObject({ strays: 0, timeouts: 0, outstanding: 4 });
  });

  it('reads all registers of a device at once', async () => {
    const held: (readonly [SeenRequest, Socket])[] = [];
    const { port } = await deviceThat((request, socket) => {
      held.push([request, socket]);
      // Nothing is answered before all three are there.
      if (held.length < 3) return;
      for (const [asked, at] of held.splice(0)) honest(asked, at);
    });
    const points = [0, 1_000, 2_000].map((address) => ({ name: `p${address}`, address }));
    const source = new Running(new Lines(), { port, outstanding: 8, units: [{ unitId: 1, points }] });
    await until('good cycles', () => source.countOf('unit/1') > 2);
  });
});

describe('without a running source', () => {
  it('a roll call makes a connection of its own and closes it', async () => {
    const { device, port } = await deviceThat(honest);
    const config = modbusConfig.parse({ id: 'm', protocol: 'modbus', host: '127.0.0.1', port, units: [unit(3)] });
    const adapter = new ModbusAdapter(config, testContext('/nonexistent'), new Lines());
    const { values, request, response, roundTripUs } = await adapter.probe('unit/3', new AbortController().signal);
    expect(values).toEqual({ a: '7' });
    expect(roundTripUs).toBeGreaterThan(0);
    // the read, then what was asked to know who it is: raw, one after another
    expect(Buffer.from(request).subarray(0, 12).toString('hex')).toBe('000100000006030300000001');
    expect(Buffer.from(response).subarray(0, 11).toString('hex')).toBe('0001000000050303020007');
    await until('the connection to be closed', () => device.open === 0);
  });

  it('says what it cannot reach, and what is not configured', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    await new Promise((resolve) => server.close(resolve));
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const config = modbusConfig.parse({ id: 'm', protocol: 'modbus', host: '127.0.0.1', port, units: [unit(3)] });
    const adapter = new ModbusAdapter(config, testContext('/nonexistent'), new Lines());
    const { signal } = new AbortController();
    await expect(adapter.probe('unit/3', signal)).rejects.toMatchObject({ code: 'unreachable' });
    await expect(adapter.probe('unit/4', signal)).rejects.toMatchObject({ code: 'unknown-address' });
  });
});
