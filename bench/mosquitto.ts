import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort } from '../test/support/port.ts';
import { Program } from '../test/support/program.ts';
import { until } from '../test/support/wait.ts';

/** Without the first a subscriber that is slower than the publisher would lose messages; with 20 in flight, as set by default, QoS 1 would wait for round trips. */
const SETTINGS = ['allow_anonymous true', 'max_queued_messages 0', 'max_inflight_messages 1000', 'log_type none'];

/** A Mosquitto on loopback that holds whatever its subscribers have not taken yet. Throws when it is not installed. */
export async function startMosquitto(
  folder: string,
): Promise<{ readonly port: number; [Symbol.asyncDispose](): Promise<void> }> {
  for (const program of ['mosquitto', 'mosquitto_sub']) {
    if (spawnSync(program, ['--help']).error !== undefined) {
      throw new Error(`${program} is not installed: apt-get install mosquitto mosquitto-clients`);
    }
  }
  const port = await freePort();
  const settings = join(folder, 'mosquitto.conf');
  writeFileSync(settings, [`listener ${port} 127.0.0.1`, ...SETTINGS, ''].join('\n'));
  const broker = new Program('mosquitto', ['-c', settings]);
  await until('the broker', () => isListening(port));
  return { port, [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose]() };
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
