import { statfs } from 'node:fs/promises';
import { totalmem } from 'node:os';

/** What the process has of the machine. Undefined where it cannot be told. */
export interface Resources {
  readonly diskFreeBytes: number | undefined;
  readonly diskTotalBytes: number | undefined;
  readonly rssBytes: number;
  /** The smaller of the machine's memory and what its control group allows. */
  readonly memoryLimitBytes: number;
}

/** Looks at the disk of `folder` and at the memory of this process. Never rejects. */
export async function resourcesOf(folder: string): Promise<Resources> {
  const disk = await statfs(folder).catch(() => undefined);
  // Without a limit the kernel tells an absurdly large one, or none (0).
  const constrained = process.constrainedMemory();
  return {
    diskFreeBytes: disk === undefined ? undefined : disk.bavail * disk.bsize,
    diskTotalBytes: disk === undefined ? undefined : disk.blocks * disk.bsize,
    rssBytes: process.memoryUsage.rss(),
    memoryLimitBytes: Math.min(totalmem(), constrained > 0 ? constrained : Infinity),
  };
}
