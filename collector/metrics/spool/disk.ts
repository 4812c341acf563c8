import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The folder of a spool. Everything rejects with the error of the operating system. */
export interface SpoolDisk {
  /** Names of the files there are. */
  list(): Promise<string[]>;
  /** A new file for appending; rejects when there is one of that name. Lasting as soon as it was synced. */
  create(name: string): Promise<SpoolFile>;
  /** Up to `length` bytes from `offset`. */
  read(name: string, offset: number, length: number): Promise<Buffer>;
  sizeOf(name: string): Promise<number>;
  /** The whole text or none of it, also after a crash; not synced. */
  replace(name: string, text: string): Promise<void>;
  text(name: string): Promise<string>;
  remove(name: string): Promise<void>;
  /** Bytes that we may still write, and bytes that the file system has. */
  space(): Promise<{ readonly freeBytes: number; readonly totalBytes: number }>;
}

/** A file that only grows. */
export interface SpoolFile {
  /** All of the bytes; after a rejection some of them may stand at the end. */
  append(bytes: Buffer): Promise<void>;
  truncate(length: number): Promise<void>;
  /** What was appended outlives a loss of power once this resolved. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** A folder of the file system; created when missing, readable by us alone. */
export async function folderDisk(folder: string): Promise<SpoolDisk> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const at = (name: string): string => join(folder, name);
  return {
    list: () => readdir(folder),
    create: async (name) => {
      const file = await open(at(name), 'ax', 0o600);
      await syncFolder(folder);
      return spoolFile(file);
    },
    read: async (name, offset, length) => {
      const file = await open(at(name), 'r');
      try {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, offset);
        return buffer.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    },
    sizeOf: async (name) => (await stat(at(name))).size,
    replace: async (name, text) => {
      await writeFile(at(`${name}.new`), text, { mode: 0o600 });
      await rename(at(`${name}.new`), at(name));
    },
    text: (name) => readFile(at(name), 'utf8'),
    remove: (name) => rm(at(name), { force: true }),
    space: async () => {
      const { bavail, blocks, bsize } = await statfs(folder);
      return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
    },
  };
}

function spoolFile(file: FileHandle): SpoolFile {
  return {
    append: async (bytes) => {
      for (let written = 0; written < bytes.length; ) {
        written += (await file.write(bytes, written, bytes.length - written)).bytesWritten;
      }
    },
    truncate: (length) => file.truncate(length),
    sync: () => file.datasync(),
    close: () => file.close(),
  };
}

/** A name that was not synced may be gone after a loss of power, and the file with it. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
