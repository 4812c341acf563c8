import { appendFile, mkdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';

const FILE = 'refused.lines';
const BEFORE = 'refused.before.lines';
const MAX_FILE_BYTES = 8 * 1_048_576;

/**
 * Lines that InfluxDB will never take, each lot under a comment with its words, in a file that `influx -import` and
 * people can read. Two files of 8 MiB at most: the older gives way. After a crash a lot may stand in it twice.
 */
export class DeadLetter {
  readonly #folder: string;
  readonly #log: { warn(fields: object, message: string): void };

  constructor(folder: string, log: { warn(fields: object, message: string): void }) {
    this.#folder = folder;
    this.#log = log;
  }

  /** Resolves when it is written, or when that failed and was logged. */
  async add(lines: readonly string[], words: string, atMs: number): Promise<void> {
    this.#log.warn({ lines: lines.length, first: lines[0] }, `InfluxDB refused metrics: ${words}`);
    const file = join(this.#folder, FILE);
    const comment = `# ${new Date(atMs).toISOString()} ${lines.length} lines: ${words.replaceAll(/[\r\n]+/g, ' ')}`;
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      const size = await stat(file).then(
        (found) => found.size,
        () => 0,
      );
      if (size >= MAX_FILE_BYTES) await rename(file, join(this.#folder, BEFORE));
      await appendFile(file, `${comment}\n${lines.join('\n')}\n`, { mode: 0o600 });
    } catch (error) {
      this.#log.warn({ err: error }, 'metrics that InfluxDB refused could not be set aside');
    }
  }
}
