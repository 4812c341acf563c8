import { UNBOUND } from '../contract.ts';
import { Quality } from '../observation.ts';
import { mqttConfig } from './config.ts';
import { parseCbor, parseJson, parseScalar } from './payload-format.ts';
import { type PayloadReason, REASON_WORDS } from './payload-reason.ts';
import { READY_FORMATS, type ReadyFormatName } from './ready-formats.ts';
import { Routes } from './routes.ts';
import { parseSparkplugTopic } from './sparkplug/topic.ts';

/** Topics remembered; a broker with more is described by the first. */
const MAX_TOPICS = 50_000;
/** Payloads kept for a closer look. */
const MAX_SAMPLES = 5_000;
const MAX_SAMPLE_BYTES = 65_536;
/** Words at the end of topics (`telemetry`, `status`, …) that are told apart; more are names of devices. */
const MAX_LEAVES = 8;
/** Addresses shown for a proposal. */
const SHOWN_ADDRESSES = 5;
/** What variables are called, from the last to the first. */
const VARIABLE_NAMES = ['device', 'site', 'enterprise'];

interface Heard {
  messages: number;
  retained: number;
  sample: Buffer | undefined;
}

/** Topics that look alike, with a template that would take them and what it would count. */
export interface Proposal {
  /** An entry for `topics`, or the `sparkplug` part of a source. */
  readonly entry: Readonly<Record<string, unknown>>;
  readonly kind: 'template' | 'sparkplug' | 'unclear';
  readonly topics: number;
  readonly messages: number;
  readonly retained: number;
  /** Some of the addresses that the devices would have. */
  readonly addresses: readonly string[];
  /** Of the payloads looked at: how many would be good, and why others would not. */
  readonly good: number;
  readonly others: Readonly<Record<string, number>>;
}

/** Listens to a broker for a while and proposes how it could be configured. Bounded in memory. */
export class Sniffer {
  readonly #heard = new Map<string, Heard>();
  #samples = 0;
  /** Messages on topics beyond those remembered. */
  passedOver = 0;

  add(topic: string, payload: Buffer, { retain }: { readonly retain: boolean }): void {
    let heard = this.#heard.get(topic);
    if (heard === undefined) {
      if (this.#heard.size >= MAX_TOPICS) {
        this.passedOver += 1;
        return;
      }
      heard = { messages: 0, retained: 0, sample: undefined };
      this.#heard.set(topic, heard);
    }
    heard.messages += 1;
    if (retain) heard.retained += 1;
    if (heard.sample === undefined && this.#samples < MAX_SAMPLES && payload.length <= MAX_SAMPLE_BYTES) {
      heard.sample = Buffer.from(payload);
      this.#samples += 1;
    }
  }

  /** Most topics first. */
  proposals(): readonly Proposal[] {
    const groups = [...this.#heard.keys()].filter((topic) => parseSparkplugTopic(topic) === undefined);
    const sparkplug = [...this.#heard.keys()].filter((topic) => parseSparkplugTopic(topic) !== undefined);
    const proposals = groupsOf(groups).map((topics) => this.#propose(topics));
    if (sparkplug.length > 0) proposals.push(this.#proposeSparkplug(sparkplug));
    return proposals.sort((a, b) => b.topics - a.topics);
  }

  #propose(topics: readonly string[]): Proposal {
    const samples = topics.flatMap((topic) => this.#heard.get(topic)?.sample ?? []).slice(0, 200);
    const { format, settings } = describePayloads(samples);
    const isGateway = format in READY_FORMATS;
    const template = templateOf(topics, isGateway ? 'may name nobody' : 'names a device');
    const entry = {
      template,
      ...(format === 'json' ? {} : { payload: format }),
      ...settings,
      ...(isGateway ? { relayed: { family: 'http' } } : {}),
    };
    return { ...this.#tried({ topics: [entry] }, topics), entry: isGateway ? { ...entry, relayed: '?' } : entry };
  }

  #proposeSparkplug(topics: readonly string[]): Proposal {
    const groups = [...new Set(topics.flatMap((topic) => parseSparkplugTopic(topic)?.group ?? []))].sort();
    const addresses = topics.flatMap((topic) => {
      const parsed = parseSparkplugTopic(topic);
      return parsed === undefined ? [] : [[parsed.group, parsed.edgeNode, parsed.device].filter(Boolean).join('/')];
    });
    return {
      ...this.#counted(topics),
      entry: { groups },
      kind: 'sparkplug',
      addresses: [...new Set(addresses)].sort().slice(0, SHOWN_ADDRESSES),
      good: 0,
      others: {},
    };
  }

  /** What a configuration would make of the samples. */
  #tried(change: Record<string, unknown>, topics: readonly string[]): Omit<Proposal, 'entry'> {
    const parsed = mqttConfig.safeParse({ id: 'sniffed', protocol: 'mqtt', url: 'mqtt://sniffed', ...change });
    const counted = this.#counted(topics);
    if (!parsed.success) return { ...counted, kind: 'unclear', addresses: [], good: 0, others: {} };
    const addresses = new Set<string>();
    const book = {
      bind: (address: string): number => {
        if (addresses.size >= MAX_TOPICS) return UNBOUND;
        addresses.add(address);
        return addresses.size - 1;
      },
    };
    const routes = new Routes(parsed.data, book);
    let good = 0;
    const others: Record<string, number> = {};
    const count = (quality: number, reason: PayloadReason): void => {
      if (quality === Quality.good) good += 1;
      else others[REASON_WORDS[reason]] = (others[REASON_WORDS[reason]] ?? 0) + 1;
    };
    for (const topic of topics) {
      const sample = this.#heard.get(topic)?.sample;
      const route = routes.find(topic);
      if (sample === undefined || (route.kind !== 'telemetry' && route.kind !== 'devices')) continue;
      const { decoder } = route.rule;
      if (route.kind === 'telemetry') {
        decoder.decode(sample);
        count(decoder.record.quality, decoder.record.reason);
      } else {
        decoder.decodeParts(sample, (key) => {
          routes.deviceIn(route, key);
          count(decoder.record.quality, decoder.record.reason);
        });
      }
    }
    return { ...counted, kind: 'template', addresses: [...addresses].slice(0, SHOWN_ADDRESSES), good, others };
  }

  #counted(topics: readonly string[]): Pick<Proposal, 'topics' | 'messages' | 'retained'> {
    const heard = topics.flatMap((topic) => this.#heard.get(topic) ?? []);
    const sum = (of: (each: Heard) => number): number => heard.reduce((total, each) => total + of(each), 0);
    return { topics: topics.length, messages: sum((each) => each.messages), retained: sum((each) => each.retained) };
  }
}

/** Topics of one length and beginning, and of one last word where few words are shared by many topics. */
function groupsOf(topics: readonly string[]): string[][] {
  const alike = Map.groupBy(topics, (topic) => `${topic.split('/').length} ${topic.split('/')[0]}`);
  return [...alike.values()].flatMap((group) => {
    const leaves = Map.groupBy(group, (topic) => topic.slice(topic.lastIndexOf('/') + 1));
    return leaves.size <= MAX_LEAVES && leaves.size < group.length ? [...leaves.values()] : [group];
  });
}

/** The levels that all topics share as text, the others as variables. */
function templateOf(topics: readonly string[], last: 'names a device' | 'may name nobody'): string {
  const all = topics.map((topic) => topic.split('/'));
  const levels = all[0] ?? [];
  const isShared = levels.map((level, place) => all.every((other) => other[place] === level));
  // One topic alone gives no hint: its last level but one names the device more often than any other.
  if (last === 'names a device' && isShared.every(Boolean)) isShared[Math.max(0, levels.length - 2)] = false;
  const names = [...VARIABLE_NAMES];
  return levels
    .map((level, place) => ({ level, place }))
    .toReversed()
    .map(({ level, place }) => (isShared[place] ? level : `{${names.shift() ?? `level${place + 1}`}}`))
    .toReversed()
    .join('/');
}

const TIME_NAMES = ['ts', 'timestamp', 'time', 'datetime', 't'];
const VALUE_NAMES = ['metrics', 'values', 'data', 'fields', 'tags', 'params', 'payload'];
const SERIAL_NAMES = ['serialNumber', 'serial_number', 'serialNo', 'serial', 'sn', 'SN'];

interface Described {
  readonly format: 'json' | 'cbor' | 'scalar' | 'opaque' | ReadyFormatName;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** The format in which all samples can be read, and where in them things stand. */
function describePayloads(samples: readonly Buffer[]): Described {
  const read = (parse: (payload: Buffer) => unknown): unknown[] | undefined => {
    try {
      return samples.map(parse);
    } catch {
      return undefined;
    }
  };
  const documents = samples.length === 0 ? undefined : read(parseJson);
  const isStructured = documents?.every((document) => typeof document === 'object' && document !== null) === true;
  if (isStructured && documents !== undefined) return describeDocument(documents[0] as Record<string, unknown>);
  if (samples.length > 0 && read(parseScalar) !== undefined) return { format: 'scalar', settings: {} };
  const items = samples.length === 0 ? undefined : read(parseCbor);
  return { format: items?.every((item) => item instanceof Map) === true ? 'cbor' : 'opaque', settings: {} };
}

function describeDocument(document: Record<string, unknown>): Described {
  const has = (...names: string[]): boolean => names.every((name) => Object.hasOwn(document, name));
  if (has('node', 'group', 'values')) return { format: 'neuron', settings: {} };
  if (has('node', 'group', 'tags')) return { format: 'neuron-tags', settings: {} };
  if (has('deviceName', 'readings', 'origin')) return { format: 'edgex', settings: {} };
  if (has('fields', 'name', 'tags', 'timestamp')) return { format: 'telegraf', settings: {} };
  if (has('metrics') && Array.isArray(document['metrics'])) return { format: 'telegraf-batch', settings: {} };
  const members = Object.values(document);
  if (members.length > 0 && members.every((member) => Array.isArray(member) && isRecords(member))) {
    return { format: 'thingsboard', settings: {} };
  }
  const time = TIME_NAMES.find((name) => has(name));
  const values = VALUE_NAMES.find((name) => typeof document[name] === 'object' && document[name] !== null);
  const serial = SERIAL_NAMES.find((name) => has(name));
  return {
    format: 'json',
    settings: {
      ...(values === undefined ? {} : { values: `/${values}` }),
      ...(time === undefined ? {} : { time: `/${time}`, timeUnit: timeUnitOf(document[time]) }),
      ...(serial === undefined || serial === 'serialNumber' ? {} : { claims: { serialNumber: `/${serial}` } }),
    },
  };
}

function isRecords(member: readonly unknown[]): boolean {
  return member.every((each) => typeof each === 'object' && each !== null && 'ts' in each && 'values' in each);
}

/** By its size: no machine lives before 2001, where a count of seconds has ten digits. */
function timeUnitOf(value: unknown): 'iso' | 's' | 'ms' | 'us' | 'ns' {
  const count = Number(value);
  if (Number.isNaN(count)) return 'iso';
  if (count > 1e17) return 'ns';
  if (count > 1e14) return 'us';
  return count > 1e11 ? 'ms' : 's';
}
