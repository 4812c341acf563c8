import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { stringify } from 'yaml';
import { secretReader } from '../collector/config/secrets.ts';
import type { AdapterContext } from '../protocols/contract.ts';
import { ProtocolError } from '../protocols/errors.ts';
import { mqttConfig } from '../protocols/mqtt/config.ts';
import { connect, disconnect } from '../protocols/mqtt/connection.ts';
import { passwordLine } from '../protocols/mqtt/passwords.ts';
import { type Proposal, Sniffer } from '../protocols/mqtt/sniff.ts';
import { subscribeAll } from '../protocols/mqtt/subscription.ts';
import { isTopicFilter } from '../protocols/mqtt/topic-filter.ts';

const MAX_SECONDS = 86_400;

interface SniffOptions {
  readonly filter: readonly string[];
  readonly seconds: number;
  readonly username?: string;
  readonly password?: string;
  readonly ca?: string;
}

/** `rollcall mqtt sniff|password`: what a broker carries, and users of the embedded one. */
export function registerMqtt(program: Command): void {
  const mqtt = program.command('mqtt').description('commissioning of MQTT sources, and users of the embedded broker');
  mqtt
    .command('sniff')
    .description('listen to a broker, propose templates for its topics, and show what they would count')
    .argument('<url>', 'mqtt://HOST:PORT, mqtts://, ws:// or wss://')
    .option('--filter <filters...>', 'topic filters to listen to', parseFilter, ['#'])
    .option('--seconds <n>', 'how long to listen', parseSeconds, 30)
    .option('--username <name>')
    .option('--password <reference>', 'env:NAME or file:PATH; never the password itself')
    .option('--ca <file>', 'PEM file of the authority that signed the broker')
    .action(async (url: string, options: SniffOptions, command: Command) => {
      try {
        for (const line of await sniff(url, options)) console.log(line);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        command.error(`rollcall: ${error.message}${error.hint === undefined ? '' : `\n  ${error.hint}`}`);
      }
    });
  mqtt
    .command('password')
    .description('make a line for the password file of the embedded broker; the password is read from standard input')
    .argument('<name>', 'user name', parseUserName)
    .action(async (name: string, _options: object, command: Command) => {
      const password = (await text(process.stdin)).replace(/\r?\n$/, '');
      if (password === '') command.error('rollcall: the password on standard input is empty');
      console.log(await passwordLine(name, password));
    });
}

/** Listens and returns what there is to say, line by line. Throws `ProtocolError` when there is no way in. */
export async function sniff(url: string, options: SniffOptions): Promise<readonly string[]> {
  const { filter, seconds, username, password, ca } = options;
  const parsed = mqttConfig.safeParse(
    {
      id: 'sniff',
      protocol: 'mqtt',
      url,
      clientId: `rollcall-sniff-${randomBytes(4).toString('hex')}`,
      topics: [{ template: '{topic...}' }],
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(ca === undefined ? {} : { tls: { ca } }),
    },
    { reportInput: false },
  );
  if (!parsed.success) {
    const wrong = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
    throw new ProtocolError('configuration', wrong);
  }
  const sniffer = new Sniffer();
  const context = contextFor();
  let lost: ProtocolError | undefined;
  const handlers = {
    onMessage: sniffer.add.bind(sniffer),
    onLost: (error: ProtocolError): void => {
      lost = error;
    },
  };
  const connection = await connect(parsed.data, context, handlers, undefined, new AbortController().signal);
  try {
    const grants = await subscribeAll(connection.client, filter, parsed.data, 'send');
    const refused = grants.flatMap((grant) => (grant.granted ? [] : [`# refused: ${grant.filter} (${grant.why})`]));
    await delay(seconds * 1_000);
    const ended = lost === undefined ? [] : [`# ended early: ${lost.message}`];
    return [...refused, ...ended, ...reportOf(sniffer)];
  } finally {
    await disconnect(connection);
  }
}

/** The proposals as YAML for `sources`, each with what it would count. */
export function reportOf(sniffer: Sniffer): readonly string[] {
  const proposals = sniffer.proposals();
  if (proposals.length === 0) return ['# nothing was heard; retained messages come at once, others when devices speak'];
  const passedOver = sniffer.passedOver === 0 ? [] : [`# ${sniffer.passedOver} messages on further topics passed over`];
  const topics = proposals.filter(({ kind }) => kind !== 'sparkplug');
  const sparkplug = proposals.filter(({ kind }) => kind === 'sparkplug');
  return [
    ...(topics.length === 0 ? [] : ['topics:', ...topics.flatMap((proposal) => listed(proposal))]),
    ...sparkplug.flatMap((proposal) => [...comments(proposal, ''), 'sparkplug:', ...indented(proposal.entry, '  ')]),
    ...passedOver,
  ];
}

function listed(proposal: Proposal): string[] {
  const [first = '', ...rest] = indented(proposal.entry, '    ');
  return [...comments(proposal, '  '), `  - ${first.trimStart()}`, ...rest];
}

function comments({ topics, messages, retained, addresses, good, others, kind }: Proposal, indent: string): string[] {
  const why = Object.entries(others).map(([reason, times]) => `${times} × ${reason}`);
  const counts = kind === 'template' ? [`${good} of the messages looked at would be good`, ...why].join('; ') : '';
  return [
    `${indent}# ${topics} topics, ${messages} messages, ${retained} of them retained`,
    ...(addresses.length === 0 ? [] : [`${indent}# addresses such as ${addresses.map(printable).join(', ')}`]),
    ...(counts === '' ? [] : [`${indent}# ${counts}`]),
  ];
}

function indented(entry: object, indent: string): string[] {
  const lines = stringify(entry).trimEnd().split('\n');
  return lines.map((line) => `${indent}${line}`);
}

/** A broker's topics may hold anything; a terminal obeys control characters. */
function printable(value: string): string {
  return value.replaceAll(/\p{Cc}/gu, '\uFFFD');
}

function contextFor(): AdapterContext {
  const silent = { debug: () => {}, info: () => {}, warn: () => {} };
  return {
    sourceId: 'sniff',
    addresses: { bind: () => 0 },
    clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
    random: Math.random,
    log: silent,
    readSecret: secretReader({
      env: process.env,
      readFile: (path) => readFile(path, 'utf8'),
      baseFolder: process.cwd(),
    }),
    readFile: (path) =>
      readFile(path).catch((error: unknown) => {
        throw new ProtocolError('refused', `reading ${path}`, { cause: error, hint: 'is the path right?' });
      }),
    stateFolder: process.cwd(),
    queueBatches: 1,
  };
}

function parseFilter(filter: string, before: readonly string[] | undefined): string[] {
  if (!isTopicFilter(filter)) throw new InvalidArgumentError('It is not a topic filter.');
  // the default stands in the place of what came before
  return before === undefined || (before.length === 1 && before[0] === '#') ? [filter] : [...before, filter];
}

function parseSeconds(value: string): number {
  const seconds = Number(value);
  if (!(seconds > 0 && seconds <= MAX_SECONDS)) throw new InvalidArgumentError(`It must be 1 to ${MAX_SECONDS}.`);
  return seconds;
}

function parseUserName(name: string): string {
  if (!/^[^:\p{Cc}#][^:\p{Cc}]{0,199}$/u.test(name)) {
    throw new InvalidArgumentError('It has 1 to 200 characters, no colon, and does not begin with #.');
  }
  return name;
}
