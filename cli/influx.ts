import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { secretReader } from '../collector/config/secrets.ts';
import { type CheckStep, checkInflux } from '../collector/metrics/influx-check.ts';
import { complain, problemLine, readPlant, shippedCatalogues } from './plant.ts';

const MARKS = { ok: 'ok     ', warning: 'warning', wrong: 'WRONG  ' } as const;

/** `rollcall influx check [FILE]`. Exit code 0 it works, 1 something is wrong, 2 the configuration cannot be used. */
export function registerInflux(program: Command): void {
  program
    .command('influx')
    .description('the server that metrics are written to')
    .command('check')
    .description('try address, secret and place as configured, and say what is wrong; writes one point')
    .argument('[file]', 'configuration', 'rollcall.yaml')
    .action(async (file: string) => {
      process.exitCode = await check(file);
    });
}

async function check(file: string): Promise<number> {
  try {
    const read = await readPlant(file, shippedCatalogues());
    if (!read.ok) {
      for (const problem of read.problems) console.error(problemLine(problem));
      return 2;
    }
    const { influx, baseFolder } = read.config;
    if (influx === undefined) {
      console.error(
        `rollcall: ${file} has no metrics.influx\n  rollcall.example.yaml shows it; without it everything else works`,
      );
      return 2;
    }
    const readSecret = secretReader({ env: process.env, readFile: (path) => readFile(path, 'utf8'), baseFolder });
    const steps = await checkInflux(influx, readSecret, Date.now());
    for (const line of steps.flatMap(linesOf)) console.log(line);
    return steps.some(({ outcome }) => outcome === 'wrong') ? 1 : 0;
  } catch (error) {
    complain(error);
    return 2;
  }
}

function linesOf({ outcome, message, hint }: CheckStep): string[] {
  return [`${MARKS[outcome]}  ${message}`, ...(hint === undefined ? [] : [`${' '.repeat(9)}${hint}`])];
}
