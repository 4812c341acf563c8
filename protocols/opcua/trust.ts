import { X509Certificate } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Certificates that wait for the operator at most; a server that shows a new one each time must not fill the disk. */
const MAX_PENDING = 100;

/** A server certificate that was seen and is not approved. */
export interface PendingCertificate {
  /** SHA-256 of the certificate, as 64 lower-case hex digits. */
  readonly fingerprint: string;
  readonly subject: string;
  readonly validFrom: string;
  readonly validTo: string;
}

/**
 * Which server certificates the operator has approved, as DER files named by their SHA-256 in `approved/` and
 * `pending/` of a folder. Nothing is ever approved by itself. A forger who can write to the folder can approve himself.
 */
export class TrustList {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** `approved` lets us talk to the server; anything else is put on the pending list, to be looked at by a person. */
  async check(certificate: Uint8Array): Promise<'approved' | 'pending'> {
    const name = fileName(certificate);
    if ((await this.#names('approved')).includes(name)) return 'approved';
    const pending = await this.#names('pending');
    if (!pending.includes(name) && pending.length < MAX_PENDING) {
      const file = join(this.#folder, 'pending', name);
      await writeFile(`${file}.new`, certificate, { mode: 0o600 });
      await rename(`${file}.new`, file);
    }
    return 'pending';
  }

  async pending(): Promise<readonly PendingCertificate[]> {
    const names = await this.#names('pending');
    return Promise.all(names.map(async (name) => describe(await readFile(join(this.#folder, 'pending', name)))));
  }

  /** Approves a pending certificate by its whole fingerprint, or an unambiguous beginning of at least 8 digits. False when there is none. */
  async approve(fingerprint: string): Promise<boolean> {
    const wanted = fingerprint.toLowerCase().replaceAll(':', '');
    const found = (await this.#names('pending')).filter((name) => wanted.length >= 8 && name.startsWith(wanted));
    const [name] = found;
    if (name === undefined || found.length > 1) return false;
    await this.#names('approved');
    await rename(join(this.#folder, 'pending', name), join(this.#folder, 'approved', name));
    return true;
  }

  /** Takes an approval or a pending entry back. */
  async forget(fingerprint: string): Promise<void> {
    for (const list of ['approved', 'pending'])
      await rm(join(this.#folder, list, `${fingerprint}.der`), { force: true });
  }

  async #names(list: 'approved' | 'pending'): Promise<string[]> {
    const folder = join(this.#folder, list);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return (await readdir(folder)).filter((name) => name.endsWith('.der'));
  }
}

/** SHA-256 of a certificate as lower-case hex. */
export function fingerprintOf(certificate: Uint8Array): string {
  return new X509Certificate(certificate).fingerprint256.replaceAll(':', '').toLowerCase();
}

function fileName(certificate: Uint8Array): string {
  return `${fingerprintOf(certificate)}.der`;
}

function describe(certificate: Uint8Array): PendingCertificate {
  const { subject, validFrom, validTo } = new X509Certificate(certificate);
  return { fingerprint: fingerprintOf(certificate), subject: subject.replaceAll('\n', ', '), validFrom, validTo };
}
