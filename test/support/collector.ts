import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { freePort } from './port.ts';
import { Program } from './program.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** As `npm start` has them. */
const SMALL_HEAP = ['--max-semi-space-size=1', '--optimize-for-size', '--v8-pool-size=1'];
const TOKEN = 'a-token-for-tests-only-0123456789abcdef';

/** The collector as a program of its own, as an operator runs it. */
export class CollectorProgram {
  readonly program: Program;
  readonly #url: string;

  private constructor(program: Program, url: string) {
    this.program = program;
    this.#url = url;
  }

  /** Starts it with a configuration (a plain value) in `folder`, or as the demo without one; resolves when it listens. */
  static async start(folder: string, config?: Record<string, unknown>): Promise<CollectorProgram> {
    const args = [
      ...SMALL_HEAP,
      join(ROOT, 'cli/rollcall.mjs'),
      'start',
      '--data',
      join(folder, 'data'),
      '--port',
      String(await freePort()),
    ];
    if (config !== undefined) {
      const file = join(folder, 'rollcall.yaml');
      writeFileSync(file, stringify(config));
      args.push('--config', file);
    }
    const program = new Program(process.execPath, args, {
      cwd: folder,
      env: { ROLLCALL_OPERATOR_TOKEN: TOKEN },
      name: 'rollcall',
    });
    const [, url] = await program.says(/Rollcall {2}(http:\S+)/, 30_000);
    return new CollectorProgram(program, url ?? '');
  }

  /** The JSON answer of a path below `/api/v1`. Throws for anything but 200. */
  async get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.#url}/api/v1${path}`, { headers: { authorization: `Bearer ${TOKEN}` } });
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  async status(path: string): Promise<number> {
    return (await fetch(`${this.#url}${path}`)).status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
  }
}
