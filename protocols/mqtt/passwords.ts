import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { ProtocolError } from '../errors.ts';

/** Cost of new hashes: 32 MiB and about a tenth of a second a guess (RFC 7914, 2). */
const LOG2_COST = 15;
const BLOCK_SIZE = 8;
const PARALLEL = 1;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** Costs that a file may ask of us; beyond it connecting would be a way to occupy the machine. */
const MAX_LOG2_COST = 17;
const MAX_USERS = 100_000;
/** Guesses that may be computed at one time, and wait: each takes memory and a thread. */
const MAX_AT_ONCE = 2;
const MAX_WAITING = 2_000;

const derive = promisify<string | Buffer, Buffer, number, object, Buffer>(scrypt);

/** The PHC string format: `$scrypt$ln=15,r=8,p=1$SALT$HASH`, base64 without padding. */
const PHC = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{16,86})\$([A-Za-z0-9+/]{43})$/;

interface Kept {
  readonly log2Cost: number;
  readonly blockSize: number;
  readonly parallel: number;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/** One line of a password file, without the line break. */
export async function passwordLine(name: string, password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const kept = { log2Cost: LOG2_COST, blockSize: BLOCK_SIZE, parallel: PARALLEL, salt, hash: Buffer.alloc(HASH_BYTES) };
  const hash = await hashOf(password, kept);
  const text = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');
  return `${name}:$scrypt$ln=${LOG2_COST},r=${BLOCK_SIZE},p=${PARALLEL}$${text(salt)}$${text(hash)}`;
}

/**
 * The users of a password file: `NAME:$scrypt$…` lines, empty lines and lines that begin with `#` aside. Hashes only;
 * the password of a user who connected is remembered as a keyed digest, so that a thousand devices that come back
 * after a power cut need not wait for a thousand scrypt computations.
 */
export class Passwords {
  readonly #kept = new Map<string, Kept>();
  readonly #proven = new Map<string, Buffer>();
  readonly #key = randomBytes(32);
  readonly #nobody: Kept;
  #atOnce = 0;
  #waiting: (() => void)[] = [];

  /** Throws `ProtocolError('configuration')` that names the line, never its content. */
  constructor(text: string) {
    for (const [i, line] of text.split(/\r?\n/).entries()) {
      if (line.trim() === '' || line.startsWith('#')) continue;
      const [name, kept] = parseLine(line, i + 1);
      if (this.#kept.has(name)) throw wrongLine(i + 1, 'the user stands in the file twice');
      this.#kept.set(name, kept);
      if (this.#kept.size > MAX_USERS) throw wrongLine(i + 1, `there are more than ${MAX_USERS} users`);
    }
    const parameters = this.#kept.values().next().value ?? { log2Cost: LOG2_COST, blockSize: BLOCK_SIZE, parallel: 1 };
    this.#nobody = { ...parameters, salt: randomBytes(SALT_BYTES), hash: randomBytes(HASH_BYTES) };
  }

  get size(): number {
    return this.#kept.size;
  }

  /** True when the password is the user's. Takes as long for a user who does not exist. False when too many ask at once. */
  async accepts(name: string, password: Buffer): Promise<boolean> {
    const digest = createHmac('sha256', this.#key).update(name).update('\0').update(password).digest();
    const proven = this.#proven.get(name);
    if (proven !== undefined && timingSafeEqual(proven, digest)) return true;
    const kept = this.#kept.get(name);
    if (!(await this.#turn())) return false;
    try {
      const shown = await hashOf(password, kept ?? this.#nobody);
      if (!timingSafeEqual(shown, (kept ?? this.#nobody).hash) || kept === undefined) return false;
    } finally {
      this.#atOnce -= 1;
      this.#waiting.shift()?.();
    }
    this.#proven.set(name, digest);
    return true;
  }

  /** Waits until a computation may begin; false when too many wait already. */
  async #turn(): Promise<boolean> {
    if (this.#waiting.length >= MAX_WAITING) return false;
    if (this.#atOnce >= MAX_AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#atOnce += 1;
    return true;
  }
}

function hashOf(password: string | Buffer, { log2Cost, blockSize, parallel, salt }: Kept): Promise<Buffer> {
  const N = 2 ** log2Cost;
  // OpenSSL counts 128·N·r and the blocks on top of it.
  const maxmem = 256 * N * blockSize;
  return derive(password, salt, HASH_BYTES, { N, r: blockSize, p: parallel, maxmem });
}

function parseLine(line: string, number: number): [string, Kept] {
  const colon = line.indexOf(':');
  const name = line.slice(0, colon);
  const [matched, ln, r, p, salt = '', hash = ''] = PHC.exec(line.slice(colon + 1)) ?? [];
  if (colon < 1 || matched === undefined) throw wrongLine(number, 'write NAME:$scrypt$…');
  const [log2Cost, blockSize, parallel] = [Number(ln), Number(r), Number(p)];
  if (log2Cost < 10 || log2Cost > MAX_LOG2_COST || blockSize < 1 || blockSize > 16 || parallel < 1 || parallel > 4) {
    throw wrongLine(number, 'its cost is out of bounds');
  }
  const bytes = (text: string): Buffer => Buffer.from(text, 'base64');
  return [name, { log2Cost, blockSize, parallel, salt: bytes(salt), hash: bytes(hash) }];
}

function wrongLine(number: number, why: string): ProtocolError {
  return new ProtocolError('configuration', `reading line ${number} of the broker's password file: ${why}`, {
    hint: 'make lines with `rollcall mqtt password`',
  });
}
