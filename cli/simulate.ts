import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';

const RUN = fileURLToPath(new URL('../simulators/run.ts', import.meta.url));

/** `rollcall simulate PART …`: one part of the demo's fleet, for trying a configuration of one's own against it. */
export function registerSimulate(program: Command): void {
  program
    .command('simulate')
    .description('run a part of the simulated fleet: mqtt, opcua or modbus')
    .argument('[arguments...]', 'see `rollcall simulate -- --help`')
    .allowUnknownOption()
    .helpOption(false)
    .action(async (given: string[]) => {
      const child = spawn(process.execPath, [RUN, ...given], { stdio: 'inherit' });
      // The terminal sends Ctrl-C to both; the simulator ends, and with it this program.
      process.on('SIGINT', () => {});
      process.exitCode = await new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
    });
}
