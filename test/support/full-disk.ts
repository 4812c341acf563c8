/** Fills a small disk with a spool, and with evidence beside it; prints what became of both. Started on a tmpfs of its own. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { folderDisk } from '../../collector/metrics/spool/disk.ts';
import { Spool } from '../../collector/metrics/spool/spool.ts';

const [folder = '', evidenceBytes = '0', reserveBytes = '0'] = process.argv.slice(2);
const told = new Set<string>();
const spool = await Spool.open({
  disk: await folderDisk(join(folder, 'influx')),
  bounds: { maxBytes: 1_073_741_824, reserveBytes: Number(reserveBytes) },
  sync: 'second',
  gapLine: ({ reason, lines }) => `gap ${reason} ${lines}`,
  log: { warn: (_, message) => told.add(message) },
});
const CALLS = 400;
const evidence = Buffer.alloc(Number(evidenceBytes) / CALLS, 'e');
let [state, added, evidenceWritten] = [1, 0, 0];
for (let call = 0; call < CALLS; call += 1) {
  const lines = Array.from({ length: 1_000 }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    const noise = Array.from({ length: 8 }, (_, i) => Math.imul(state + i, 2_654_435_761) >>> 0).join('');
    return `${added++} ${noise}`;
  });
  spool.add(lines, call + 1);
  await spool.kept();
  try {
    appendFileSync(join(folder, 'evidence'), evidence);
    evidenceWritten += evidence.length;
  } catch (error) {
    told.add(`evidence: ${String(error)}`);
  }
}
const numbers = new Set<number>();
for (
  let batch = await spool.next({ lines: 5_000, bytes: 1e7 });
  batch !== undefined;
  batch = await spool.next({ lines: 5_000, bytes: 1e7 })
) {
  for (const line of batch.text.split('\n')) if (/^\d/.test(line)) numbers.add(Number(line.split(' ')[0]));
  spool.settle(batch);
}
const { dropped } = spool.status;
await spool.close();
console.log(
  JSON.stringify({
    added,
    dropped,
    kept: numbers.size,
    newest: [...numbers].reduce((most, number) => Math.max(most, number), -1),
    evidenceWritten,
    told: [...told],
  }),
);
