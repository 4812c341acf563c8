import { readdirSync } from 'node:fs';
import { cpus } from 'node:os';
import type { Bench, BenchRow } from './contract.ts';

const SUFFIX = '.bench.ts';
const folder = new URL('.', import.meta.url);

/** The names of all benchmarks, sorted. */
function names(): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(SUFFIX))
    .map((file) => file.slice(0, -SUFFIX.length))
    .sort();
}

async function load(name: string): Promise<Bench> {
  const loaded: { bench: Bench } = await import(new URL(name + SUFFIX, folder).href);
  return loaded.bench;
}

/** Three significant digits, without an exponent for the magnitudes that occur here. */
function figure(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return Math.abs(value) >= 100
    ? Math.round(value).toLocaleString('en')
    : value.toLocaleString('en', { maximumSignificantDigits: 3 });
}

const HEADER = ['name', 'measured', 'baseline', 'unit', 'ratio', 'budget', ''];

function cells(row: BenchRow): string[] {
  const verdict = row.pass ? 'PASS' : 'FAIL';
  return [row.name, figure(row.measured), figure(row.baseline), row.unit, figure(row.ratio), row.budget, verdict];
}

function table(lines: readonly string[][]): string {
  const widths = HEADER.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

async function list(): Promise<void> {
  console.log('npm run bench -- NAME, where NAME is one of:\n');
  for (const name of names()) console.log(`  ${name.padEnd(16)} ${(await load(name)).about}`);
}

async function runOne(name: string): Promise<boolean> {
  const bench = await load(name);
  const processor = cpus();
  console.log(`${bench.name}: ${bench.about}`);
  console.log(`${processor.length} × ${processor[0]?.model ?? 'unknown processor'}, Node ${process.version}\n`);
  const rows: BenchRow[] = [];
  await bench.run((row) => rows.push(row));
  console.log(table([HEADER, ...rows.map(cells)]));
  if (rows.length === 0) console.error('the benchmark reported nothing');
  return rows.length > 0 && rows.every((row) => row.pass);
}

const [name] = process.argv.slice(2);
if (name === undefined) await list();
else if (!names().includes(name)) {
  console.error(`there is no benchmark named ${name}; npm run bench lists them`);
  process.exitCode = 2;
} else process.exitCode = (await runOne(name)) ? 0 : 1;
