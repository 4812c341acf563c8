import { hostname } from 'node:os';
import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';

const CENSORED = '[redacted]';
const NAMES = String.raw`[\w-]*(?:password|passwd|passphrase|secret|token|authorization|cookie|api[-_]?key|private[-_]?key)`;

/**
 * What must never stand in a log line, wherever it came from: an error of a library repeats the URL it was given, and
 * an error of ours the answer of a server. Each keeps what tells a person which secret it was.
 */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  // Values of members whose names say what they are; the same in JSON within a string of JSON.
  [new RegExp(String.raw`("${NAMES}"\s*:\s*")(?:\\.|[^"\\])*`, 'gi'), `$1${CENSORED}`],
  [new RegExp(String.raw`(\\"${NAMES}\\"\s*:\s*\\")(?:[^"\\]|\\\\(?:\\.|[^\\]))*`, 'gi'), `$1${CENSORED}`],
  // Credentials of HTTP, in whatever text.
  [/\b(Bearer|Basic|Token)\s+[A-Za-z0-9._~+/=-]{8,}/g, `$1 ${CENSORED}`],
  // Our own tokens.
  [/\brc_[A-Za-z0-9_-]{20,}/g, `rc_${CENSORED}`],
  // User and password of a URL, and what its query calls a secret.
  [/([a-z][a-z0-9+.-]*:\/\/)[^\s/@"\\]+@/gi, `$1${CENSORED}@`],
  [/([?&](?:token|password|secret|p|u|access_token)=)[^&\s"\\]+/gi, `$1${CENSORED}`],
  // Keys in PEM.
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|(?="))/gs, CENSORED],
];

/** A finished log line without secrets. */
export function withoutSecrets(line: string): string {
  return SECRETS.reduce((text, [pattern, censored]) => text.replaceAll(pattern, censored), line);
}

/** A logger of JSON lines to `destination`, from which secrets are taken out as the last thing before they are written. */
export function logTo(destination: DestinationStream, level: string): Logger {
  const options: LoggerOptions = {
    level,
    base: { host: hostname() },
    redact: { paths: ['req.headers', '*.req.headers', 'config.token', 'config.password'], censor: CENSORED },
    hooks: { streamWrite: withoutSecrets },
  };
  return pino(options, destination);
}

/** The log of the process: JSON lines for journald and collectors of logs; readable ones where a person looks at a terminal. */
export async function processLog(env: Readonly<Record<string, string | undefined>>): Promise<Logger> {
  const terminal = process.stderr.isTTY;
  const level = env['ROLLCALL_LOG_LEVEL'] ?? (terminal ? 'warn' : 'info');
  if (!terminal) return logTo(pino.destination({ fd: 2, sync: true }), level);
  const { default: pretty } = await import('pino-pretty');
  return logTo(
    pretty({ destination: 2, sync: true, ignore: 'pid,host,level,code,retry', translateTime: 'SYS:HH:MM:ss' }),
    level,
  );
}
