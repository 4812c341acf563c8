// Installs what is missing, from the lock file, before `npm start`, `npm test` and the rest. Plain JavaScript for the
// machine's own Node: it runs before the product's Node 24 is there.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stamp = join(root, 'node_modules', '.rollcall-lock-sha256');
const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');

function isInstalled() {
  const nodeName = process.platform === 'win32' ? 'node.cmd' : 'node';
  return (
    existsSync(stamp) &&
    readFileSync(stamp, 'utf8') === wanted &&
    existsSync(join(root, 'node_modules', '.bin', nodeName))
  );
}

if (!isInstalled()) {
  console.log('rollcall: installing what is missing (once, about a minute) …');
  const npm = process.env.npm_execpath;
  const [command, prefix] = npm === undefined ? ['npm', []] : [process.execPath, [npm]];
  const result = spawnSync(command, [...prefix, 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: npm === undefined && process.platform === 'win32',
  });
  if (result.status !== 0) {
    console.error(
      'rollcall: installing failed; npm says why above. It needs npm 11, a reachable npm registry and about 700 MB of disk.',
    );
    process.exit(result.status ?? 1);
  }
  writeFileSync(stamp, wanted);
}
