import type { CollectorConfig } from './config/config.ts';

/** What a changed configuration changes, and what it cannot change while the collector runs. */
export interface ConfigChanges {
  /** Keys whose new value is used at the next start only. */
  readonly atNextStart: readonly string[];
  readonly addedSources: readonly string[];
  readonly removedSources: readonly string[];
  readonly changedSources: readonly string[];
  readonly register: boolean;
  readonly rules: boolean;
  readonly influx: boolean;
}

/** Keys that evidence, files or sockets hang on from the first moment to the last. */
const FIXED = ['collectorId', 'timeZone', 'origin', 'dataFolder', 'api', 'broker', 'limits'] as const;

/** Compares two configurations by value. What is not named here is not touched by a reload. */
export function configChanges(before: CollectorConfig, after: CollectorConfig): ConfigChanges {
  const sourcesBefore = new Map(before.sources.map(({ config }) => [config.id, textOf(config)]));
  const sourcesAfter = new Map(after.sources.map(({ config }) => [config.id, textOf(config)]));
  const idsAfter = [...sourcesAfter.keys()];
  return {
    atNextStart: FIXED.filter((key) => textOf(before[key]) !== textOf(after[key])),
    addedSources: idsAfter.filter((id) => !sourcesBefore.has(id)),
    removedSources: [...sourcesBefore.keys()].filter((id) => !sourcesAfter.has(id)),
    changedSources: idsAfter.filter((id) => sourcesBefore.has(id) && sourcesBefore.get(id) !== sourcesAfter.get(id)),
    register: textOf(before.register) !== textOf(after.register),
    rules: textOf(before.rules) !== textOf(after.rules),
    influx: textOf(before.influx) !== textOf(after.influx),
  };
}

/** One line for the log: what was done, and what waits for a restart. */
export function changesText(changes: ConfigChanges): string {
  const { addedSources, removedSources, changedSources, register, rules, influx, atNextStart } = changes;
  const done = [
    ...(addedSources.length > 0 ? [`sources added: ${addedSources.join(', ')}`] : []),
    ...(removedSources.length > 0 ? [`sources removed: ${removedSources.join(', ')}`] : []),
    ...(changedSources.length > 0 ? [`sources changed: ${changedSources.join(', ')}`] : []),
    ...(register ? ['register applied'] : []),
    ...(rules ? ['rules in force'] : []),
    ...(influx ? ['InfluxDB as configured anew'] : []),
    ...(atNextStart.length > 0 ? [`at the next start only: ${atNextStart.join(', ')}`] : []),
  ];
  return done.length === 0 ? 'nothing changed' : done.join('; ');
}

/** Maps and sets have no JSON of their own. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (part instanceof Map ? [...part] : part)) ?? 'undefined';
}
