import { type ChildProcess, spawn } from 'node:child_process';
import { until } from './wait.ts';

/** A program under test or beside it, with what it printed. Disposing of it ends it and waits for its end. */
export class Program {
  readonly child: ChildProcess;
  /** Everything it wrote to stdout and stderr, at most the last 1 MiB. */
  output = '';
  readonly #name: string;
  readonly #exited: Promise<number | string>;

  constructor(
    command: string,
    args: readonly string[],
    options: { env?: Record<string, string>; cwd?: string; name?: string } = {},
  ) {
    this.#name = options.name ?? command;
    this.child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output = (this.output + chunk.toString('utf8')).slice(-1_048_576);
      });
    }
    this.#exited = new Promise((resolve) => {
      this.child.once('error', (error) => resolve(error.message));
      this.child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
    });
  }

  /** Resolves when the output matches; rejects with the output when it does not in time, or when the program ends first. */
  async says(pattern: RegExp, timeoutMs = 20_000): Promise<RegExpExecArray> {
    let match: RegExpExecArray | null = null;
    await until(
      `${this.#name} to print ${pattern}`,
      () => {
        match = pattern.exec(this.output);
        return match !== null || this.hasExited;
      },
      timeoutMs,
    ).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.output}`);
    });
    if (match === null) throw new Error(`${this.#name} ended before it printed ${pattern}:\n${this.output}`);
    return match;
  }

  get hasExited(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Exit code, or the signal that ended it. */
  exited(): Promise<number | string> {
    return this.#exited;
  }

  kill(signal: NodeJS.Signals): void {
    if (!this.hasExited) this.child.kill(signal);
  }

  /** SIGTERM, and SIGKILL to what has not ended 5 s later. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.kill('SIGTERM');
    const hard = setTimeout(() => this.kill('SIGKILL'), 5_000);
    await this.#exited;
    clearTimeout(hard);
  }
}
