import { spawnSync } from 'node:child_process';

/** How each peer is found, and how it is installed where it is missing. */
const PEERS = {
  pymodbus: { look: ['python3', '-c', 'import pymodbus'], install: 'python3 -m pip install pymodbus' },
  pysparkplug: { look: ['python3', '-c', 'import pysparkplug'], install: 'python3 -m pip install pysparkplug==0.6.1' },
  asyncua: { look: ['python3', '-c', 'import asyncua'], install: 'python3 -m pip install asyncua' },
  mbpoll: { look: ['mbpoll', '-V'], install: 'apt-get install mbpoll' },
  influxd: { look: ['influxd', 'version'], install: 'apt-get install influxdb' },
  'victoria-metrics': { look: ['victoria-metrics', '-version'], install: 'apt-get install victoria-metrics' },
  mosquitto: { look: ['mosquitto_pub', '--help'], install: 'apt-get install mosquitto mosquitto-clients' },
} as const;

/** Fails loudly, with how to install it, when a peer is not there. A missing peer is never a reason to skip. */
export function requirePeer(name: keyof typeof PEERS): void {
  const { look, install } = PEERS[name];
  const [command, ...args] = look;
  const found = spawnSync(command, args, { stdio: 'ignore' });
  const isThere = found.error === undefined && (command !== 'python3' || found.status === 0);
  if (!isThere) throw new Error(`${name} is not installed: ${install}`);
}
