import type { Command } from 'commander';
import { categoryOf } from '../collector/census/category.ts';
import type { CollectorConfig } from '../collector/config/config.ts';
import { complain, problemLine, readPlant, shippedCatalogues } from './plant.ts';

/** `rollcall check FILE`: every problem of a configuration at once. Exit code 0 usable, 1 not, 2 not readable. */
export function registerCheck(program: Command): void {
  program
    .command('check')
    .description('validate a configuration: every problem at once, with line and path')
    .argument('<file>', 'for example rollcall.yaml')
    .action(async (file: string) => {
      process.exitCode = await check(file);
    });
}

async function check(file: string): Promise<number> {
  const catalogues = shippedCatalogues();
  try {
    const read = await readPlant(file, catalogues);
    if (!read.ok) {
      for (const problem of read.problems) console.error(problemLine(problem));
      console.error(`\n${counted(read.problems.length, 'problem')}; nothing was started`);
      return 1;
    }
    for (const warning of read.warnings) console.error(`${problemLine(warning)} (warning)`);
    console.log(summary(read.config, catalogues));
    return 0;
  } catch (error) {
    complain(error);
    return 2;
  }
}

function summary(
  { sources, register }: CollectorConfig,
  { equipmentTypes }: ReturnType<typeof shippedCatalogues>,
): string {
  const { devices, enterprises, sites } = register;
  const categories = devices.map((device) => categoryOf(device, equipmentTypes, undefined).category);
  const shares = [...Map.groupBy(categories, (category) => category)].map(
    ([category, all]) => `${all.length} ${category}`,
  );
  const byCategory = shares.length === 0 ? '' : ` (${shares.join(', ')})`;
  return [
    `usable: ${counted(sources.length, 'source')}`,
    `${counted(devices.length, 'device')}${byCategory}`,
    counted(enterprises.length, 'enterprise'),
    counted(sites.length, 'site'),
  ].join(', ');
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
