import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { TrustList } from '../protocols/opcua/trust.ts';

interface DataOption {
  readonly data: string;
}

/** `rollcall opcua pending|trust`: which server certificates wait for approval, and approving one. */
export function registerOpcua(program: Command): void {
  const opcua = program.command('opcua').description('certificates of OPC UA servers');
  opcua
    .command('pending')
    .description('list certificates that were seen and are not approved')
    .option('--data <folder>', 'data folder of the collector', 'data')
    .action(async (options: DataOption) => {
      const pending = await listOf(options).pending();
      for (const { fingerprint, subject, validFrom, validTo } of pending) {
        console.log(`${fingerprint}\n  ${subject}\n  valid ${validFrom} to ${validTo}`);
      }
      if (pending.length === 0) console.log('no certificate waits for approval');
    });
  opcua
    .command('trust')
    .description('approve a certificate, after comparing its fingerprint with the one the server itself shows')
    .argument('<fingerprint>', 'SHA-256 of the certificate, or its first 8 or more digits')
    .option('--data <folder>', 'data folder of the collector', 'data')
    .action(async (fingerprint: string, options: DataOption) => {
      if (await listOf(options).approve(fingerprint)) {
        console.log('approved; the source connects at its next attempt, within five minutes');
        return;
      }
      console.error(`rollcall: no pending certificate has the fingerprint ${fingerprint}`);
      console.error('  rollcall opcua pending lists them; is --data the folder of the collector?');
      process.exitCode = 1;
    });
}

function listOf({ data }: DataOption): TrustList {
  return new TrustList(join(resolve(data), 'opcua'));
}
