/** Appends numbered lines to the spool of a folder until it is killed, and prints the last number it knows to be there. */
import { folderDisk } from '../../collector/metrics/spool/disk.ts';
import { Spool } from '../../collector/metrics/spool/spool.ts';

const [folder = '', first = '0'] = process.argv.slice(2);
const spool = await Spool.open({
  disk: await folderDisk(folder),
  bounds: { maxBytes: 16 * 1_048_576, reserveBytes: 0 },
  sync: 'never',
  gapLine: () => 'gap',
  log: { warn: (_, message) => console.log(message) },
});
for (let number = Number(first); ; ) {
  const lines = Array.from({ length: 1 + (number % 97) }, () => `${number++} ${'x'.repeat(number % 53)}`);
  spool.add(lines, Date.now());
  await spool.kept();
  console.log(`has ${number - 1};`);
}
