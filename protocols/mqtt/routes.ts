import { type AddressBook, type ProtocolLine, UNBOUND } from '../contract.ts';
import type { IdentityClaims } from '../identity.ts';
import type { MqttConfig } from './config.ts';
import { pointerTokens } from './json-pointer.ts';
import { ownStatusOf } from './own-status.ts';
import { PayloadDecoder } from './payload-decoder.ts';
import { NAMESPACE, parseSparkplugTopic, type SparkplugTopic } from './sparkplug/topic.ts';
import { addressOf, checkedTemplate, type TopicTemplate } from './topic.ts';
import type { TopicConfig } from './topic-config.ts';
import { filterMatches } from './topic-filter.ts';

/** U+FFFD stands where bytes were no UTF-8: different devices would share one topic. */
const REPLACEMENT = '\uFFFD';

/** One device at this source, whatever topics it publishes on. */
export interface Device {
  /** The integer of the address book. */
  readonly index: number;
  readonly address: string;
  /** What it last said of itself. */
  claims: IdentityClaims | undefined;
  /** When `claims` last changed; 0 for never. */
  claimsAtMs: number;
  /** `PayloadDecoder.claimsDigest` of the claims last read; NaN for none. */
  claimsDigest: number;
  /** Its own time in its last message; NaN for none. */
  sourceAtMs: number;
}

/** Where the messages of one topic go. */
export type Route =
  | { readonly kind: 'telemetry'; readonly device: Device; readonly rule: Rule }
  | { readonly kind: 'status'; readonly device: Device; readonly rule: Rule }
  /** The payload names the devices; the topic gives the first part of their addresses, or none. */
  | { readonly kind: 'devices'; readonly base: string; readonly rule: Rule; readonly named: Map<string, Device> }
  | { readonly kind: 'sparkplug'; readonly topic: SparkplugTopic }
  /** Our own status topic. */
  | { readonly kind: 'own' }
  /** Nobody wants it: no template takes it, or the ignore list does. */
  | { readonly kind: 'ignored' }
  /** It would be counted, but may not: the topic is not UTF-8. */
  | { readonly kind: 'malformed' }
  /** The source may have no more addresses. */
  | { readonly kind: 'full' };

/** One topic template with what goes with it. */
export interface Rule {
  readonly kind: 'telemetry' | 'status';
  readonly template: TopicTemplate;
  readonly prefix: string | undefined;
  readonly decoder: PayloadDecoder;
  readonly line: ProtocolLine;
  /** A message with the time of the one before weighs nothing. */
  readonly timeMustAdvance: boolean;
  /** Where the status word stands, and which word means gone; only for `status`. */
  readonly wordAt: readonly string[] | undefined;
  readonly deadWord: string;
}

const OWN: Route = { kind: 'own' };
const IGNORED: Route = { kind: 'ignored' };
const MALFORMED: Route = { kind: 'malformed' };
const FULL: Route = { kind: 'full' };

/**
 * Turns topics into devices: by the templates when a topic is first heard, by one look-up from then on. Bounded: at
 * most `limits.topics` topics are remembered, at most as many devices as the address book takes.
 */
export class Routes {
  /** The topic filters to subscribe to. */
  readonly filters: readonly string[];
  readonly #rules: readonly Rule[];
  readonly #ignore: readonly string[];
  readonly #isSparkplug: boolean;
  readonly #maxTopics: number;
  readonly #addresses: AddressBook;
  readonly #byTopic = new Map<string, Route>();
  readonly #byIndex = new Map<number, Device>();

  constructor(config: MqttConfig, addresses: AddressBook) {
    this.#addresses = addresses;
    this.#ignore = config.ignore;
    this.#maxTopics = config.limits.topics;
    this.#rules = config.topics.flatMap((topic) => rulesOf(topic, config));
    this.#isSparkplug = config.sparkplug !== undefined;
    this.filters = [...new Set([...this.#rules.map(({ template }) => template.filter), ...sparkplugFilters(config)])];
    const ownTopic = ownStatusOf(config, 0)?.topic;
    if (ownTopic !== undefined) this.#byTopic.set(ownTopic, OWN);
  }

  find(topic: string): Route {
    return this.#byTopic.get(topic) ?? this.#learn(topic);
  }

  /** The device that a payload names; undefined when the source may have no more addresses. */
  deviceIn({ base, rule, named }: Extract<Route, { kind: 'devices' }>, key: string): Device | undefined {
    const known = named.get(key);
    if (known !== undefined) return known;
    const device = this.deviceAt(base === '' ? key : `${base}/${key}`, rule.line);
    if (device !== undefined) named.set(key, device);
    return device;
  }

  #learn(topic: string): Route {
    const route = this.#routeOf(topic);
    // When the address book is full, a restart may make room; the topic is looked at again.
    if (route !== FULL && this.#byTopic.size < this.#maxTopics) this.#byTopic.set(topic, route);
    return route;
  }

  #routeOf(topic: string): Route {
    if (topic.includes(REPLACEMENT)) return MALFORMED;
    if (this.#ignore.some((filter) => filterMatches(filter, topic))) return IGNORED;
    if (this.#isSparkplug && topic.startsWith(`${NAMESPACE}/`)) {
      const parsed = parseSparkplugTopic(topic);
      return parsed === undefined ? IGNORED : { kind: 'sparkplug', topic: parsed };
    }
    for (const rule of this.#rules) {
      const values = addressOf(rule.template, topic);
      if (values === undefined) continue;
      const base = [rule.prefix, values].filter((part) => part !== undefined && part !== '').join('/');
      if (rule.decoder.namesDevices) return { kind: 'devices', base, rule, named: new Map() };
      const device = this.deviceAt(base, rule.line);
      return device === undefined ? FULL : { kind: rule.kind, device, rule };
    }
    return IGNORED;
  }

  /** The device at an address; undefined when the source may have no more addresses. */
  deviceAt(address: string, line: ProtocolLine): Device | undefined {
    const index = this.#addresses.bind(address, line);
    if (index === UNBOUND) return undefined;
    let device = this.#byIndex.get(index);
    if (device === undefined) {
      device = { index, address, claims: undefined, claimsAtMs: 0, claimsDigest: Number.NaN, sourceAtMs: Number.NaN };
      this.#byIndex.set(index, device);
    }
    return device;
  }
}

/** Sparkplug 3.0, 5.2: everything of the groups; the STATE of hosts other than ourselves is no equipment. */
function sparkplugFilters({ sparkplug }: MqttConfig): string[] {
  if (sparkplug === undefined) return [];
  const { groups } = sparkplug;
  return (groups.length === 0 ? ['+'] : groups).map((group) => `${NAMESPACE}/${group}/#`);
}

function rulesOf(topic: TopicConfig, config: MqttConfig): Rule[] {
  const { relayed, status, prefix } = topic;
  const shared = {
    prefix,
    decoder: new PayloadDecoder(topic, config.limits),
    line: lineOf(topic, config),
    timeMustAdvance: (topic.sameTime ?? (relayed === undefined ? 'accept' : 'weightless')) === 'weightless',
    wordAt: status?.at === undefined ? undefined : pointerTokens(status.at),
    deadWord: status?.dead ?? '',
  };
  const rules: Rule[] = [{ kind: 'telemetry', template: checkedTemplate(topic.template), ...shared }];
  if (status !== undefined) rules.push({ kind: 'status', template: checkedTemplate(status.template), ...shared });
  return rules;
}

/** R9: what is spoken behind a gateway is a protocol line of its own, marked as relayed. */
function lineOf({ relayed }: TopicConfig, config: MqttConfig): ProtocolLine {
  return relayed === undefined
    ? { family: 'mqtt', variant: config.version, reach: 'direct' }
    : { family: relayed.family, variant: relayed.variant, reach: 'relayed' };
}
