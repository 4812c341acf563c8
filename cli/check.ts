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
      const count = read.problems.length;
      console.error(`\n${count} problem${count === 1 ? '' : 's'}; nothing was started`);
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
  const categories = register.devices.map((device) => categoryOf(device, equipmentTypes, undefined).category);
  const byCategory = [...Map.groupBy(categories, (category) => category)].map(
    ([category, all]) => `${all.length} ${category}`,
  );
  const devices = `${register.devices.length} devices${byCategory.length === 0 ? '' : ` (${byCategory.join(', ')})`}`;
  return `usable: ${sources.length} sources, ${devices}, ${register.enterprises.length} enterprises, ${register.sites.length} sites`;
}
