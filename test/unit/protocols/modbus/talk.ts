import type { Socket } from 'node:net';
import type { Framing } from '../../../../protocols/modbus/frame.ts';
import { MbapFraming } from '../../../../protocols/modbus/mbap.ts';
import { type ConnectionOptions, ModbusConnection } from '../../../../protocols/modbus/transaction.ts';
import { openLink } from '../../../../protocols/modbus/transport.ts';
import { ScriptedDevice, type SeenRequest } from '../../../support/scripted-device.ts';

export const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
export const never = new AbortController().signal;

/** A read of one holding register at address 0. */
export const READ_ONE = Uint8Array.of(3, 0, 0, 0, 1);

/** The answer to it. */
export const value = (register: number): number[] => [3, 2, register >> 8, register & 0xff];

/** A connection over TCP to a port of this machine. */
export async function connected(
  port: number,
  framing: Framing,
  options: Partial<ConnectionOptions> = {},
): Promise<ModbusConnection> {
  const link = await openLink({ kind: 'tcp', host: '127.0.0.1', port }, 1_000, never);
  const endpoint = `127.0.0.1:${port}`;
  return new ModbusConnection({
    link,
    framing,
    endpoint,
    clock,
    maxOutstanding: 1,
    pauseMs: 0,
    silenceMs: 30,
    ...options,
  });
}

/** A scripted Modbus TCP device and a connection to it; `tidy` gets what has to be closed, in order. */
export async function talkTo(
  answer: (request: SeenRequest, socket: Socket) => void,
  tidy: (() => Promise<unknown>)[],
  options: Partial<ConnectionOptions> = {},
): Promise<{ device: ScriptedDevice; connection: ModbusConnection }> {
  const device = new ScriptedDevice(answer);
  const port = await device.listen();
  tidy.push(() => device[Symbol.asyncDispose]());
  const connection = await connected(port, new MbapFraming(), options);
  tidy.push(() => connection.close());
  return { device, connection };
}

/** Reads one holding register and gives its value. */
export async function readOne(connection: ModbusConnection, unitId = 1, timeoutMs = 200): Promise<number> {
  const { pdu } = await connection.request(unitId, READ_ONE, timeoutMs, never);
  return ((pdu[2] ?? 0) << 8) | (pdu[3] ?? 0);
}
