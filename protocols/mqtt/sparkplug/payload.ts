import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** Field numbers of the public schema (Sparkplug 3.0, 6.4.1). */
const PAYLOAD = { timestamp: 1, metrics: 2, seq: 3 } as const;
const METRIC = {
  name: 1,
  alias: 2,
  timestamp: 3,
  datatype: 4,
  isHistorical: 5,
  isNull: 7,
  properties: 9,
  intValue: 10,
  longValue: 11,
  floatValue: 12,
  doubleValue: 13,
  booleanValue: 14,
  stringValue: 15,
  bytesValue: 16,
  datasetValue: 17,
  templateValue: 18,
} as const;
const PROPERTY_SET = { keys: 1, values: 2 } as const;
const PROPERTY_VALUE = { isNull: 2, int: 3, long: 4, float: 5, double: 6, boolean: 7, string: 8 } as const;

/** Sparkplug 3.0, 6.4.16: the data types that a command of ours needs. */
const DATATYPE_BOOLEAN = 11;
/** Properties of one metric that are looked at. */
const MAX_PROPERTIES = 100;

/** A value as it came; templates and data sets as their bytes, which nobody here looks into. */
export type MetricValue = number | bigint | boolean | string | Uint8Array;

export interface Metric {
  name: string | undefined;
  alias: number | undefined;
  datatype: number | undefined;
  isHistorical: boolean;
  isNull: boolean;
  value: MetricValue | undefined;
  properties: ReadonlyMap<string, MetricValue> | undefined;
}

export interface SparkplugPayload {
  /** When the message was published, by the publisher's clock; NaN where it does not say. */
  readonly timestampMs: number;
  /** 0 to 255 by the specification; undefined where it is missing, as in NDEATH. */
  readonly seq: number | undefined;
  readonly metrics: readonly Metric[];
}

/** Thrown for a payload with more metrics than allowed. */
export class TooManyMetrics extends Error {}

/**
 * Decodes a Sparkplug B payload. Throws when the bytes are none, and `TooManyMetrics` beyond the limit. Nothing is
 * decoded below a metric and its properties, so that no nesting costs more than its bytes.
 */
export function decodePayload(bytes: Uint8Array, maxMetrics: number): SparkplugPayload {
  const reader = new BinaryReader(bytes);
  let timestampMs = Number.NaN;
  let seq: number | undefined;
  const metrics: Metric[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === PAYLOAD.metrics) {
      if (metrics.length >= maxMetrics) throw new TooManyMetrics(`more than ${maxMetrics} metrics`);
      metrics.push(decodeMetric(delimited(reader, wireType)));
    } else if (field === PAYLOAD.timestamp) timestampMs = Number(varint(reader, wireType));
    else if (field === PAYLOAD.seq) seq = Number(varint(reader, wireType));
    else reader.skip(wireType, field);
  }
  return { timestampMs, seq, metrics };
}

function decodeMetric(bytes: Uint8Array): Metric {
  const metric: Metric = {
    name: undefined,
    alias: undefined,
    datatype: undefined,
    isHistorical: false,
    isNull: false,
    value: undefined,
    properties: undefined,
  };
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    switch (field) {
      case METRIC.name:
        metric.name = text(reader, wireType);
        break;
      case METRIC.alias:
        metric.alias = Number(varint(reader, wireType));
        break;
      case METRIC.datatype:
        metric.datatype = Number(varint(reader, wireType));
        break;
      case METRIC.isHistorical:
        metric.isHistorical = varint(reader, wireType) !== 0n;
        break;
      case METRIC.isNull:
        metric.isNull = varint(reader, wireType) !== 0n;
        break;
      case METRIC.properties:
        metric.properties = decodeProperties(delimited(reader, wireType));
        break;
      case METRIC.intValue:
      case METRIC.longValue:
        metric.value = exact(varint(reader, wireType));
        break;
      case METRIC.booleanValue:
        metric.value = varint(reader, wireType) !== 0n;
        break;
      case METRIC.floatValue:
      case METRIC.doubleValue:
        metric.value = real(reader, wireType);
        break;
      case METRIC.stringValue:
        metric.value = text(reader, wireType);
        break;
      case METRIC.bytesValue:
      case METRIC.datasetValue:
      case METRIC.templateValue:
        metric.value = delimited(reader, wireType);
        break;
      default:
        reader.skip(wireType, field);
    }
  }
  return metric;
}

/** Keys and values are two lists of equal length (Sparkplug 3.0, 6.4.10). */
function decodeProperties(bytes: Uint8Array): ReadonlyMap<string, MetricValue> {
  const reader = new BinaryReader(bytes);
  const keys: string[] = [];
  const values: (MetricValue | undefined)[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === PROPERTY_SET.keys && keys.length < MAX_PROPERTIES) keys.push(text(reader, wireType));
    else if (field === PROPERTY_SET.values && values.length < MAX_PROPERTIES) {
      values.push(decodeProperty(delimited(reader, wireType)));
    } else reader.skip(wireType, field);
  }
  const properties = new Map<string, MetricValue>();
  for (const [i, key] of keys.entries()) {
    const value = values[i];
    if (value !== undefined) properties.set(key, value);
  }
  return properties;
}

function decodeProperty(bytes: Uint8Array): MetricValue | undefined {
  const reader = new BinaryReader(bytes);
  let value: MetricValue | undefined;
  let isNull = false;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    switch (field) {
      case PROPERTY_VALUE.isNull:
        isNull = varint(reader, wireType) !== 0n;
        break;
      case PROPERTY_VALUE.int:
      case PROPERTY_VALUE.long:
        value = exact(varint(reader, wireType));
        break;
      case PROPERTY_VALUE.float:
      case PROPERTY_VALUE.double:
        value = real(reader, wireType);
        break;
      case PROPERTY_VALUE.boolean:
        value = varint(reader, wireType) !== 0n;
        break;
      case PROPERTY_VALUE.string:
        value = text(reader, wireType);
        break;
      default:
        reader.skip(wireType, field);
    }
  }
  return isNull ? undefined : value;
}

/** The payload of a rebirth request (Sparkplug 3.0, 6.4.26): a time and one metric, and no sequence number. */
export function rebirthRequest(atMs: number): Uint8Array {
  const metric = new BinaryWriter()
    .tag(METRIC.name, WireType.LengthDelimited)
    .string('Node Control/Rebirth')
    .tag(METRIC.timestamp, WireType.Varint)
    .uint64(BigInt(Math.round(atMs)))
    .tag(METRIC.datatype, WireType.Varint)
    .uint32(DATATYPE_BOOLEAN)
    .tag(METRIC.booleanValue, WireType.Varint)
    .bool(true)
    .finish();
  return new BinaryWriter()
    .tag(PAYLOAD.timestamp, WireType.Varint)
    .uint64(BigInt(Math.round(atMs)))
    .tag(PAYLOAD.metrics, WireType.LengthDelimited)
    .bytes(metric)
    .finish();
}

function delimited(reader: BinaryReader, wireType: WireType): Uint8Array {
  if (wireType !== WireType.LengthDelimited) throw new RangeError(`wire type ${wireType} where bytes should be`);
  return reader.bytes();
}

function varint(reader: BinaryReader, wireType: WireType): bigint {
  if (wireType !== WireType.Varint) throw new RangeError(`wire type ${wireType} where a number should be`);
  return BigInt(reader.uint64());
}

function real(reader: BinaryReader, wireType: WireType): number {
  if (wireType === WireType.Bit32) return reader.float();
  if (wireType === WireType.Bit64) return reader.double();
  throw new RangeError(`wire type ${wireType} where a real number should be`);
}

/** A number where it is exact, so that the same value has one digest however it came. */
function exact(value: bigint): number | bigint {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

function text(reader: BinaryReader, wireType: WireType): string {
  if (wireType !== WireType.LengthDelimited) throw new RangeError(`wire type ${wireType} where text should be`);
  return reader.string();
}
