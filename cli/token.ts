import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { issueToken, tokenState } from '../api/token.ts';
import { CollectorError } from '../collector/errors.ts';
import { ROLES, type Role, type TokenRow, type TokenStore } from '../collector/store/contract.ts';
import { openSqliteStore } from '../collector/store/sqlite.ts';
import { parseDuration } from '../protocols/config-fields.ts';

const DEFAULT_FOLDER = 'data';
const MIN_LIFETIME_MS = 60_000;
const MAX_LIFETIME_MS = 3650 * 86_400_000;
const MAX_NAME_LENGTH = 100;

interface FolderOption {
  readonly data: string;
}

interface CreateOptions extends FolderOption {
  readonly name: string;
  readonly role: Role;
  readonly expires?: number;
}

/** `rollcall token create|list|revoke`: works beside a running collector, which sees a change within seconds. */
export function registerToken(program: Command): void {
  const token = program.command('token').description('make, list and revoke access tokens');

  token
    .command('create')
    .description('make a token; it goes to standard output, once, and only its hash is kept')
    .requiredOption('--name <name>', 'whom or what it is for', parseName)
    .addOption(
      new Option('--role <role>', 'viewer: counts; assessor: everything readable; operator: everything')
        .choices(ROLES)
        .makeOptionMandatory(),
    )
    .option(
      '--expires <duration>',
      'how long it is valid, such as 12h or 90d (default: until it is revoked)',
      parseLifetime,
    )
    .addOption(folderOption())
    .action(async ({ data, name, role, expires }: CreateOptions, command: Command) =>
      withTokens(data, command, async (tokens) => {
        const issued = await issueToken(tokens, { name, role, lifetimeMs: expires }, Date.now());
        const until = issued.expiresAtMs === undefined ? 'until revoked' : `until ${timeOf(issued.expiresAtMs)}`;
        note(command, `${issued.id}: ${role} token for ${name}, valid ${until}. It is shown this once:`);
        print(command, issued.token);
      }),
    );

  token
    .command('list')
    .description('all tokens with role, state and last use; never the tokens themselves')
    .addOption(folderOption())
    .action(async ({ data }: FolderOption, command: Command) =>
      withTokens(data, command, async (tokens) => {
        for (const line of tokenTable(await tokens.list(), Date.now())) print(command, line);
      }),
    );

  token
    .command('revoke')
    .description('end a token for good')
    .argument('<id>', 'as token list shows it')
    .addOption(folderOption())
    .action(async (id: string, { data }: FolderOption, command: Command) =>
      withTokens(data, command, async (tokens) => {
        if (!(await tokens.revoke(id, Date.now()))) {
          command.error(`rollcall: no token ${printable(id)} is left to revoke\n  rollcall token list shows every id`);
        }
        note(command, `${id}: revoked; a running collector refuses it within seconds`);
        if (!(await hasOperator(tokens))) {
          note(command, 'no operator token is left; the next start of the collector makes one');
        }
      }),
    );
}

/** The tokens as lines of a table, headings first. */
export function tokenTable(rows: readonly TokenRow[], nowMs: number): readonly string[] {
  const head = ['ID', 'ROLE', 'STATE', 'CREATED', 'EXPIRES', 'LAST USED', 'NAME'];
  const cells = rows.map((row) => [
    row.id,
    row.role,
    tokenState(row, nowMs),
    timeOf(row.createdAtMs),
    row.expiresAtMs === undefined ? 'never' : timeOf(row.expiresAtMs),
    row.lastUsedAtMs === undefined ? 'never' : timeOf(row.lastUsedAtMs),
    printable(row.name),
  ]);
  const table = [head, ...cells];
  const widths = head.map((_, column) => Math.max(...table.map((line) => line[column]?.length ?? 0)));
  return table.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function folderOption(): Option {
  return new Option('--data <folder>', 'data folder of the collector').default(DEFAULT_FOLDER);
}

async function withTokens(
  folder: string,
  command: Command,
  work: (tokens: TokenStore) => Promise<void>,
): Promise<void> {
  try {
    const store = await openSqliteStore({ folder: resolve(folder), mode: 'share' });
    try {
      await work(store.tokens);
    } finally {
      await store.close();
    }
  } catch (error) {
    if (!(error instanceof CollectorError)) throw error;
    command.error(`rollcall: ${error.message}${error.hint === undefined ? '' : `\n  ${error.hint}`}`);
  }
}

/** A line of the answer itself, to standard output. */
function print(command: Command, line: string): void {
  command.configureOutput().writeOut?.(`${line}\n`);
}

/** A line about the answer, to standard error, so that a script can keep the answer alone. */
function note(command: Command, line: string): void {
  command.configureOutput().writeErr?.(`${line}\n`);
}

async function hasOperator(tokens: TokenStore): Promise<boolean> {
  const nowMs = Date.now();
  return (await tokens.list()).some((row) => row.role === 'operator' && tokenState(row, nowMs) === 'valid');
}

function parseName(text: string): string {
  const name = text.trim();
  if (name === '' || name.length > MAX_NAME_LENGTH || name !== printable(name)) {
    throw new InvalidArgumentError(`give a name of 1 to ${MAX_NAME_LENGTH} printable characters`);
  }
  return name;
}

function parseLifetime(text: string): number {
  const lifetimeMs = parseDuration(text);
  if (!(lifetimeMs >= MIN_LIFETIME_MS && lifetimeMs <= MAX_LIFETIME_MS)) {
    throw new InvalidArgumentError('give a duration from 1m to 3650d, such as 12h or 90d');
  }
  return lifetimeMs;
}

/** Without what could move the cursor or hide text in a terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '');
}

function timeOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 19).concat('Z');
}
