import type { AddressBook, ProtocolLine } from '../contract.ts';
import { UNBOUND } from '../contract.ts';
import type { IdentityClaims } from '../identity.ts';
import type { MqttConfig, TopicConfig } from './config.ts';
import { PayloadDecoder } from './payload.ts';
import { addressOf, parseTemplate, type TopicTemplate } from './topic.ts';

/** Topics remembered beyond those that are bound: what nobody wants is looked at again, but costs no memory. */
const MAX_REMEMBERED = 1_000_000;

/** Where the messages of one topic go. */
export interface Route {
  readonly kind: 'telemetry' | 'status';
  readonly index: number;
  readonly address: string;
  readonly decoder: PayloadDecoder;
  /** The payload that declares the device gone; only for `status`. */
  readonly dead: string;
  /** What the device last said of itself. */
  claims: IdentityClaims | undefined;
}

interface Rule {
  readonly kind: Route['kind'];
  readonly template: TopicTemplate;
  readonly topic: TopicConfig;
  readonly decoder: PayloadDecoder;
  readonly line: ProtocolLine;
}

/** Turns topics into bound addresses: by templates the first time, by one look-up from then on. */
export class Routes {
  readonly filters: readonly string[];
  readonly #rules: readonly Rule[];
  readonly #addresses: AddressBook;
  readonly #byTopic = new Map<string, Route>();

  constructor(config: MqttConfig, addresses: AddressBook) {
    this.#addresses = addresses;
    this.#rules = config.topics.flatMap((topic) => rulesOf(topic, config));
    this.filters = this.#rules.map(({ template }) => template.filter);
  }

  /** The route of a topic; `undefined` when no template matches, `'full'` when the source may have no more addresses. */
  find(topic: string): Route | undefined | 'full' {
    return this.#byTopic.get(topic) ?? this.#learn(topic);
  }

  /** What an address last said of itself; undefined when it was never heard or said nothing. */
  claimsOf(address: string): IdentityClaims | undefined {
    for (const route of this.#byTopic.values())
      if (route.address === address && route.claims !== undefined) return route.claims;
    return undefined;
  }

  #learn(topic: string): Route | undefined | 'full' {
    for (const { kind, template, topic: settings, decoder, line } of this.#rules) {
      const address = addressOf(template, topic);
      if (address === undefined) continue;
      const index = this.#addresses.bind(address, line);
      if (index === UNBOUND) return 'full';
      const route: Route = { kind, index, address, decoder, dead: settings.status?.dead ?? '', claims: undefined };
      if (this.#byTopic.size < MAX_REMEMBERED) this.#byTopic.set(topic, route);
      return route;
    }
    return undefined;
  }
}

function rulesOf(topic: TopicConfig, config: MqttConfig): Rule[] {
  const decoder = new PayloadDecoder(topic, config.limits);
  const line: ProtocolLine =
    topic.relayed === undefined
      ? { family: 'mqtt', variant: config.version, reach: 'direct' }
      : { family: topic.relayed.family, variant: topic.relayed.variant, reach: 'relayed' };
  const rule = (kind: Route['kind'], text: string): Rule => {
    const template = parseTemplate(text);
    if (typeof template === 'string') throw new TypeError(`${text}: ${template}`);
    return { kind, template, topic, decoder, line };
  };
  return [
    rule('telemetry', topic.template),
    ...(topic.status === undefined ? [] : [rule('status', topic.status.template)]),
  ];
}
