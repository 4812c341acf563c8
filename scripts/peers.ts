import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/**
 * Brings the software that `npm run test:interop` tests against, where it is missing: from Debian's packages as root,
 * and from PyPI. Elsewhere it says what to install and fails.
 */
interface Peer {
  readonly name: string;
  /** A command that succeeds, or at least starts, where the peer is there. */
  readonly look: readonly [string, ...string[]];
  readonly from: 'debian' | 'pypi';
  readonly package: string;
}

const PEERS: readonly Peer[] = [
  { name: 'Mosquitto', look: ['mosquitto', '-h'], from: 'debian', package: 'mosquitto' },
  { name: 'Mosquitto clients', look: ['mosquitto_pub', '--help'], from: 'debian', package: 'mosquitto-clients' },
  { name: 'InfluxDB 1.6', look: ['influxd', 'version'], from: 'debian', package: 'influxdb' },
  { name: 'VictoriaMetrics', look: ['victoria-metrics', '-version'], from: 'debian', package: 'victoria-metrics' },
  { name: 'VictoriaMetrics', look: ['victoria-metrics', '--version'], from: 'debian', package: 'victoria-metrics' },
  { name: 'OpenSSL', look: ['openssl', 'version'], from: 'debian', package: 'openssl' },
  { name: 'mbpoll', look: ['mbpoll', '-V'], from: 'debian', package: 'mbpoll' },
  { name: 'Chromium', look: ['chromium', '--version'], from: 'debian', package: 'chromium' },
  { name: 'pip', look: ['python3', '-m', 'pip', '--version'], from: 'debian', package: 'python3-pip' },
  { name: 'asyncua', look: ['python3', '-c', 'import asyncua'], from: 'pypi', package: 'asyncua==2.1.0' },
  { name: 'pymodbus', look: ['python3', '-c', 'import pymodbus.simulator'], from: 'pypi', package: 'pymodbus==3.16.1' },
  { name: 'pysparkplug', look: ['python3', '-c', 'import pysparkplug'], from: 'pypi', package: 'pysparkplug==0.6.1' },
  {
    name: 'schemathesis',
    look: ['python3', '-c', 'import schemathesis'],
    from: 'pypi',
    package: 'schemathesis==4.32.5',
  },
];

function isThere({ look }: Peer): boolean {
  const [command, ...args] = look;
  const found = spawnSync(command, args, { stdio: 'ignore' });
  return found.error === undefined && (command !== 'python3' || found.status === 0);
}

function run(command: string, ...args: string[]): boolean {
  console.log(`$ ${command} ${args.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  return spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], env }).status === 0;
}

function missing(from: Peer['from']): string[] {
  return PEERS.filter((peer) => peer.from === from && !isThere(peer)).map((peer) => peer.package);
}

const debian = missing('debian');
const mayInstall = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
if (debian.length > 0 && mayInstall) {
  run('apt-get', 'update', '-qq');
  run('apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...debian);
}
const pypi = missing('pypi');
if (pypi.length > 0 && mayInstall)
  run('python3', '-m', 'pip', 'install', '--quiet', '--root-user-action=ignore', ...pypi);

const left = PEERS.filter((peer) => !isThere(peer));
if (left.length > 0) {
  console.error(
    `missing for the interoperability tests: ${left.map(({ name }) => name).join(', ')}. Install them with`,
  );
  const packages = (from: Peer['from']): string =>
    left
      .filter((peer) => peer.from === from)
      .map((peer) => peer.package)
      .join(' ');
  if (packages('debian') !== '') console.error(`  sudo apt-get install ${packages('debian')}`);
  if (packages('pypi') !== '') console.error(`  python3 -m pip install ${packages('pypi')}`);
  process.exitCode = 1;
}
