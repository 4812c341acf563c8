/**
 * Payloads of gateway software that many plants have, so that a template need only name them. Each is a JSON format
 * described in the words of a template; what the template says itself goes before.
 */
export const READY_FORMATS = {
  /** EMQ Neuron, MQTT north application, values-format: one driver node a message. */
  neuron: { values: '/values', time: '/timestamp', devices: { key: '/node' } },
  /** EMQ Neuron, tags-format. */
  'neuron-tags': { values: '/tags/*/value', time: '/timestamp', devices: { key: '/node' } },
  /** EdgeX Foundry v3, event as exported by an application service. */
  edgex: { values: '/readings/*/value', time: '/origin', timeUnit: 'ns', devices: { key: '/deviceName' } },
  /** Telegraf, `data_format = "json"`: one metric a message. */
  telegraf: { values: '/fields', time: '/timestamp', timeUnit: 's', devices: { key: '/tags/host' } },
  /** Telegraf, `data_format = "json"` with `use_batch_format = true`. */
  'telegraf-batch': {
    values: '/fields',
    time: '/timestamp',
    timeUnit: 's',
    devices: { at: '/metrics', key: '/tags/host' },
  },
  /** ThingsBoard gateway API, `v1/gateway/telemetry`: device names as keys, an array of records each. */
  thingsboard: { values: '/values', time: '/ts', devices: { at: '', records: 'many' } },
} as const satisfies Readonly<Record<string, ReadyFormat>>;

/** What a ready format says in place of a template. */
export interface ReadyFormat {
  readonly values: string;
  readonly time: string;
  readonly timeUnit?: 's' | 'ns';
  readonly devices: { readonly at?: string; readonly key?: string; readonly records?: 'many' };
}

export type ReadyFormatName = keyof typeof READY_FORMATS;

export const READY_FORMAT_NAMES = Object.keys(READY_FORMATS) as ReadyFormatName[];

/** True for the name of a ready format. */
export function isReadyFormat(payload: string): payload is ReadyFormatName {
  return Object.hasOwn(READY_FORMATS, payload);
}
