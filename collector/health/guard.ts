import type { AdapterLog } from '../../protocols/contract.ts';
import type { Loop } from './loop-watch.ts';
import type { Resources } from './resources.ts';

const LOOK_EVERY_MS = 10_000;
/** Left for the evidence, or a twentieth of a small disk: below it metrics give way already, and people should act. */
const LOW_DISK_BYTES = 268_435_456;
const LOW_DISK_SHARE = 0.05;
/** Of the memory we may use. Above the first people should act; above the second the kernel is about to end us. */
const HIGH_MEMORY_SHARE = 0.85;
const EXHAUSTED_MEMORY_SHARE = 0.95;
/** Looks in a row that must agree before we end by ourselves. */
const EXHAUSTED_LOOKS = 3;

export interface GuardParts {
  readonly look: () => Promise<Resources>;
  readonly loop: Loop;
  readonly log: AdapterLog;
  /** Called once, when memory is so short that ending in order, with everything stored, is better than being killed. */
  readonly onExhausted: (why: string) => void;
}

/** Looks at disk and memory every ten seconds and says in words when either runs short. */
export class ResourceGuard {
  readonly #parts: GuardParts;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #exhaustedLooks = 0;
  #last: Resources | undefined;
  #warnings: readonly string[] = [];

  constructor(parts: GuardParts) {
    this.#parts = parts;
  }

  /** What was found at the last look. */
  get resources(): Resources | undefined {
    return this.#last;
  }

  /** What runs short, for people. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** Resolves after the first look. */
  async start(): Promise<void> {
    await this.look();
    const turn = (): void => {
      this.#looking = this.look().finally(() => {
        if (this.#timer !== undefined) this.#timer = setTimeout(turn, LOOK_EVERY_MS);
      });
    };
    this.#timer = setTimeout(turn, LOOK_EVERY_MS);
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#looking;
    this.#parts.loop.ended();
  }

  /** One look. Never rejects. */
  async look(): Promise<void> {
    const { look, loop, log, onExhausted } = this.#parts;
    const found = await look();
    loop.turned();
    this.#last = found;
    const warnings = warningsOf(found);
    const isNews = warnings.length > this.#warnings.length;
    this.#warnings = warnings;
    if (isNews) log.warn({ ...found }, `running short: ${warnings.join('; ')}`);
    const isExhausted = found.rssBytes > found.memoryLimitBytes * EXHAUSTED_MEMORY_SHARE;
    this.#exhaustedLooks = isExhausted ? this.#exhaustedLooks + 1 : 0;
    if (this.#exhaustedLooks === EXHAUSTED_LOOKS) {
      onExhausted(`${mebibytes(found.rssBytes)} of ${mebibytes(found.memoryLimitBytes)} of memory are in use`);
    }
  }
}

function warningsOf({ diskFreeBytes, diskTotalBytes = Infinity, rssBytes, memoryLimitBytes }: Resources): string[] {
  const warnings: string[] = [];
  if (diskFreeBytes !== undefined && diskFreeBytes < Math.min(LOW_DISK_BYTES, diskTotalBytes * LOW_DISK_SHARE)) {
    warnings.push(`the disk of the data folder has ${mebibytes(diskFreeBytes)} left: metrics give way to evidence`);
  }
  if (rssBytes > memoryLimitBytes * HIGH_MEMORY_SHARE) {
    warnings.push(`${mebibytes(rssBytes)} of ${mebibytes(memoryLimitBytes)} of memory are in use`);
  }
  return warnings;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1_048_576)} MiB`;
}
