// dependency-cruiser with a floor: a cruise that resolves no modules finds no violation either, and passes.
import { existsSync } from 'node:fs';
import { cruise } from 'dependency-cruiser';
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config';
import options from '../.dependency-cruiser.mjs';

// A room that is not built yet has no folder; the floor below tells when one is missing that should be there.
const FOLDERS = ['protocols', 'collector', 'ledger', 'api', 'simulators', 'cli', 'bench', 'test'].filter(existsSync);
const MODULE_FLOOR = 250;

const { output } = await cruise(
  FOLDERS,
  { ...options.options, ruleSet: { forbidden: options.forbidden }, validate: true },
  undefined,
  { tsConfig: extractTSConfig('tsconfig.json') },
);
if (typeof output === 'string') throw new Error(output);
const { totalCruised, totalDependenciesCruised, violations } = output.summary;
for (const violation of violations) {
  console.error(`${violation.rule.severity} ${violation.rule.name}: ${violation.from} → ${violation.to}`);
}
const own = output.modules.filter((module) =>
  /^(protocols|collector|ledger|api|simulators|cli|bench|test)\//.test(module.source),
);
console.log(
  `${totalCruised} modules (${own.length} ours), ${totalDependenciesCruised} dependencies, ${violations.length} violations`,
);
if (own.length < MODULE_FLOOR) {
  console.error(`expected at least ${MODULE_FLOOR} modules of ours: the cruise does not see the tree`);
  process.exitCode = 1;
}
if (violations.length > 0) process.exitCode = 1;
