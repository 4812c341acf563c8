import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DeadLetter } from '../../../../../collector/metrics/spool/dead-letter.ts';
import { temporaryFolder } from '../../../../support/folder.ts';

const silent = { warn: () => {} };

test('refused lines are kept under the words they were refused with', async () => {
  using folder = temporaryFolder();
  const refused = new DeadLetter(join(folder.path, 'influx'), silent);
  await refused.add(['a v=1i 1'], '400 field type\nconflict', 0);
  await refused.add(['b', 'c'], '400 unable to parse', 86_400_000);
  expect(readFileSync(join(folder.path, 'influx', 'refused.lines'), 'utf8')).toBe(
    '# 1970-01-01T00:00:00.000Z 1 lines: 400 field type conflict\na v=1i 1\n# 1970-01-02T00:00:00.000Z 2 lines: 400 unable to parse\nb\nc\n',
  );
});

test('two files are kept, and the older one gives way', async () => {
  using folder = temporaryFolder();
  const refused = new DeadLetter(folder.path, silent);
  const large = 'x'.repeat(8 * 1_048_576);
  for (const line of [`1${large}`, `2${large}`, '3']) await refused.add([line], 'no', 0);
  expect(readFileSync(join(folder.path, 'refused.lines'), 'utf8')).toMatch(/\n3\n$/);
  expect(readFileSync(join(folder.path, 'refused.before.lines'), 'utf8')).toMatch(/\n2x/);
});

test('a folder that cannot be written is told, and nothing more', async () => {
  const told: string[] = [];
  await new DeadLetter('/dev/null/x', { warn: (_, message) => void told.push(message) }).add(['a'], 'no', 0);
  expect(told).toEqual(['InfluxDB refused metrics: no', 'metrics that InfluxDB refused could not be set aside']);
});
