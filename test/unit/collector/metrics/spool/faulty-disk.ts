import type { SpoolDisk, SpoolFile } from '../../../../../collector/metrics/spool/disk.ts';

const NO_SPACE = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });

/** What the disk does with the next bytes appended. */
type Fault =
  /** Fails, and nothing is written. */
  | 'refuse'
  /** Fails, but some of it is written, and cannot be taken back. */
  | 'tear'
  /** Fails, but all of it is written. */
  | 'lie';

/** A disk in memory that fails when it is told, and whose power can be cut. */
export class FaultyDisk implements SpoolDisk {
  readonly #files = new Map<string, { bytes: Buffer; synced: number }>();
  /** For the next appends, in order; `undefined` is none. */
  readonly faults: (Fault | undefined)[] = [];
  capacity = Number.POSITIVE_INFINITY;
  syncs = 0;
  isReadable = true;

  get size(): number {
    let size = 0;
    for (const { bytes } of this.#files.values()) size += bytes.length;
    return size;
  }

  /** What a process that was killed leaves: whatever it still does in the background does not reach this. */
  left(): FaultyDisk {
    const copy = new FaultyDisk();
    for (const [name, { bytes, synced }] of this.#files) copy.#files.set(name, { bytes: Buffer.from(bytes), synced });
    return copy;
  }

  /** What is left when the power goes: bytes that were synced, and the names. */
  cutPower(): void {
    for (const file of this.#files.values()) file.bytes = file.bytes.subarray(0, file.synced);
  }

  /** Changes bytes of a file in place, as a dying flash card would. */
  damage(name: string, change: (bytes: Buffer) => Buffer): void {
    const file = this.#fileOf(name);
    file.bytes = change(Buffer.from(file.bytes));
  }

  list(): Promise<string[]> {
    return Promise.resolve([...this.#files.keys()].sort());
  }

  create(name: string): Promise<SpoolFile> {
    if (this.#files.has(name)) return Promise.reject(new Error(`${name} is there already`));
    const file = { bytes: Buffer.alloc(0), synced: 0 };
    this.#files.set(name, file);
    const write = (bytes: Buffer): void => {
      file.bytes = Buffer.concat([file.bytes, bytes]);
    };
    return Promise.resolve({
      append: async (bytes) => {
        await Promise.resolve();
        const fault = this.faults.shift();
        if (fault === 'tear') write(bytes.subarray(0, Math.ceil(bytes.length / 2)));
        if (fault === 'lie') write(bytes);
        if (fault !== undefined) throw NO_SPACE;
        if (this.size + bytes.length > this.capacity) {
          write(bytes.subarray(0, Math.max(0, this.capacity - this.size)));
          throw NO_SPACE;
        }
        write(bytes);
      },
      truncate: (length) => {
        if (this.faults.length > 0) return Promise.reject(NO_SPACE);
        file.bytes = file.bytes.subarray(0, length);
        return Promise.resolve();
      },
      sync: () => {
        this.syncs += 1;
        file.synced = file.bytes.length;
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
    });
  }

  read(name: string, offset: number, length: number): Promise<Buffer> {
    if (!this.isReadable) return Promise.reject(new Error('EIO: i/o error'));
    return this.#found(name).then(({ bytes }) => Buffer.from(bytes.subarray(offset, offset + length)));
  }

  sizeOf(name: string): Promise<number> {
    return this.#found(name).then(({ bytes }) => bytes.length);
  }

  replace(name: string, text: string): Promise<void> {
    const bytes = Buffer.from(text);
    this.#files.set(name, { bytes, synced: bytes.length });
    return Promise.resolve();
  }

  text(name: string): Promise<string> {
    return this.#found(name).then(({ bytes }) => bytes.toString());
  }

  remove(name: string): Promise<void> {
    this.#files.delete(name);
    return Promise.resolve();
  }

  space(): Promise<{ freeBytes: number; totalBytes: number }> {
    return Promise.resolve({ freeBytes: this.capacity - this.size, totalBytes: this.capacity });
  }

  async #found(name: string): Promise<{ readonly bytes: Buffer }> {
    await Promise.resolve();
    return this.#fileOf(name);
  }

  #fileOf(name: string): { bytes: Buffer; synced: number } {
    const file = this.#files.get(name);
    if (file === undefined) throw Object.assign(new Error(`ENOENT: ${name}`), { code: 'ENOENT' });
    return file;
  }
}
