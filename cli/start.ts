import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { runCollector } from '../collector/main.ts';
import { announcement } from './announcement.ts';
import { startDemo } from './demo.ts';
import { complain, PAGE_FOLDER, problemLine, readPlant, shippedCatalogues } from './plant.ts';

const DEFAULT_CONFIG = 'rollcall.yaml';

interface StartOptions {
  readonly config?: string;
  readonly data?: string;
  readonly port?: number;
}

/** `rollcall start`: the plant of a configuration, or the demo where there is none. */
export function registerStart(program: Command, version: string): void {
  program
    .command('start', { isDefault: true })
    .description('run the collector and the API; without a rollcall.yaml, a demo with a simulated fleet')
    .option('--config <file>', `configuration (default: ${DEFAULT_CONFIG} in this folder, if there is one)`)
    .option('--data <folder>', 'where evidence is kept (default: what the configuration says, else ./data)')
    .option(
      '--port <number>',
      'port of the API and the page (default: what the configuration says, else 8080)',
      parsePort,
    )
    .addHelpText(
      'after',
      `
Environment:
  ROLLCALL_OPERATOR_TOKEN   a first operator token of your own, at least 32 characters; otherwise one is made and shown once

Exit codes: 0 stopped in order, 1 could not start or failed, 2 wrong usage`,
    )
    .action(async (options: StartOptions) => {
      const file = options.config ?? (existsSync(DEFAULT_CONFIG) ? DEFAULT_CONFIG : undefined);
      const dataFolder = options.data === undefined ? undefined : resolve(options.data);
      const overrides = { dataFolder, port: options.port, version };
      process.exitCode = file === undefined ? await startDemo(overrides) : await startPlant(file, overrides);
    });
}

async function startPlant(
  file: string,
  overrides: { readonly dataFolder: string | undefined; readonly port: number | undefined; readonly version: string },
): Promise<number> {
  const catalogues = shippedCatalogues();
  try {
    const read = await readPlant(file, catalogues);
    if (!read.ok) {
      for (const problem of read.problems) console.error(problemLine(problem));
      console.error('\nrollcall: the configuration cannot be used; nothing was started');
      return 1;
    }
    const { config } = read;
    const dataFolder = overrides.dataFolder ?? config.dataFolder;
    return await runCollector({
      config,
      catalogues,
      dataFolder,
      host: config.api.host,
      port: overrides.port ?? config.api.port,
      version: overrides.version,
      demo: false,
      pageFolder: PAGE_FOLDER,
      announce: (service) => announcement(service, dataFolder),
      reread: async () => {
        const again = await readPlant(file, catalogues);
        // The folder of this run stays, whatever the command line or the file before said.
        return again.ok ? { ...again, config: { ...again.config, dataFolder: config.dataFolder } } : again;
      },
    });
  } catch (error) {
    complain(error);
    return 1;
  }
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidArgumentError('give a port from 0 to 65535');
  return port;
}
