import { ProtocolError, type ProtocolErrorCode } from '../errors.ts';

interface Refusal {
  readonly code: ProtocolErrorCode;
  readonly words: string;
  readonly hint: string;
}

const CREDENTIALS = 'check username, password and client certificate against what the broker knows';
const PERMISSION = 'allow this user, from this address, to connect and subscribe at the broker';
const CLIENT_ID = 'set another clientId: this broker does not take it';
const VERSION = 'set version: 3.1.1, or 5: the broker does not speak the configured one';
const LATER = 'it is tried again; look at the broker if it goes on';

/** What CONNACK and DISCONNECT say, in words: MQTT 3.1.1, 3.2.2.3 (1 to 5), and MQTT 5.0, 2.4 (128 and more). */
const REFUSALS: Readonly<Record<number, Refusal>> = {
  1: { code: 'refused', words: 'unacceptable protocol version', hint: VERSION },
  2: { code: 'refused', words: 'client identifier rejected', hint: CLIENT_ID },
  3: { code: 'unreachable', words: 'server unavailable', hint: LATER },
  4: { code: 'refused', words: 'bad user name or password', hint: CREDENTIALS },
  5: { code: 'refused', words: 'not authorized', hint: PERMISSION },
  129: { code: 'violation', words: 'malformed packet', hint: LATER },
  130: { code: 'violation', words: 'protocol error', hint: LATER },
  132: { code: 'refused', words: 'unsupported protocol version', hint: VERSION },
  133: { code: 'refused', words: 'client identifier not valid', hint: CLIENT_ID },
  134: { code: 'refused', words: 'bad user name or password', hint: CREDENTIALS },
  135: { code: 'refused', words: 'not authorized', hint: PERMISSION },
  136: { code: 'unreachable', words: 'server unavailable', hint: LATER },
  137: { code: 'unreachable', words: 'server busy', hint: LATER },
  138: { code: 'refused', words: 'banned', hint: 'ask the administrator of the broker to lift the ban' },
  139: { code: 'connection-lost', words: 'server shutting down', hint: LATER },
  140: { code: 'refused', words: 'bad authentication method', hint: CREDENTIALS },
  141: {
    code: 'connection-lost',
    words: 'keep alive timeout',
    hint: 'look for an overloaded host or a network that delays',
  },
  142: {
    code: 'connection-lost',
    words: 'session taken over by another client',
    hint: 'two clients use one clientId: give each its own',
  },
  147: { code: 'violation', words: 'receive maximum exceeded', hint: LATER },
  149: { code: 'refused', words: 'packet too large', hint: 'raise limits.payloadBytes, or the limit of the broker' },
  150: { code: 'connection-lost', words: 'message rate too high', hint: 'raise the rate the broker allows this user' },
  151: { code: 'refused', words: 'quota exceeded', hint: 'raise the quota the broker gives this user' },
  152: { code: 'connection-lost', words: 'administrative action', hint: 'ask the administrator of the broker' },
  153: { code: 'refused', words: 'payload format invalid', hint: 'the broker does not take the payload of our status' },
  154: {
    code: 'refused',
    words: 'retain not supported',
    hint: 'remove ownStatus: the broker keeps no retained messages',
  },
  155: { code: 'refused', words: 'QoS not supported', hint: 'set qos: 0' },
  156: { code: 'refused', words: 'use another server', hint: 'set url to the server the broker names' },
  157: { code: 'refused', words: 'server moved', hint: 'set url to the new server' },
  159: { code: 'unreachable', words: 'connection rate exceeded', hint: LATER },
  160: { code: 'connection-lost', words: 'maximum connect time', hint: LATER },
};

/** The error for a reason code with which the broker refused or ended a connection. */
export function refusal(reasonCode: number, doing: string, cause?: unknown): ProtocolError {
  const known = REFUSALS[reasonCode];
  const { code, words, hint } = known ?? { code: 'refused', words: 'without giving a reason', hint: PERMISSION };
  return new ProtocolError(code, `${doing}: the broker says: ${words} (${reasonCode})`, { cause, hint });
}

/** MQTT 5.0, 3.14.2.1: another client connected with our client id. */
export const SESSION_TAKEN_OVER = 142;

/** Why a SUBACK refuses a filter: MQTT 3.1.1, 3.9.3 (128) and MQTT 5.0, 3.9.3. */
const SUBACK_WORDS: Readonly<Record<number, string>> = {
  128: 'refused without a reason',
  131: 'implementation specific error',
  135: 'not authorized',
  143: 'topic filter invalid',
  145: 'packet identifier in use',
  151: 'quota exceeded',
  158: 'shared subscriptions not supported',
  161: 'subscription identifiers not supported',
  162: 'wildcard subscriptions not supported',
};

/** The words of a SUBACK code of 128 or more. */
export function subscriptionRefusal(reasonCode: number): string {
  return SUBACK_WORDS[reasonCode] ?? `refused (${reasonCode})`;
}
