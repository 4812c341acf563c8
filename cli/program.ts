import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { registerCheck } from './check.ts';
import { registerInflux } from './influx.ts';
import { registerMqtt } from './mqtt.ts';
import { registerOpcua } from './opcua.ts';
import { registerSimulate } from './simulate.ts';
import { registerStart } from './start.ts';
import { registerToken } from './token.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const program = new Command('rollcall')
  .description('Measures, and proves, how much industrial equipment a platform really connects.')
  .version(version)
  .showHelpAfterError('(rollcall --help lists the commands)');

registerStart(program, version);
registerCheck(program);
registerToken(program);
registerMqtt(program);
registerInflux(program);
registerOpcua(program);
registerSimulate(program);

await program.parseAsync();
