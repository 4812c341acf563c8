/**
 * Why an observation is not good: what `ObservationColumns.statusCode` holds for MQTT. The numbers are stored with the
 * evidence and never change their meaning.
 */
export const PayloadReason = {
  none: 0,
  /** Not what the configuration says it is: no JSON, no CBOR, no UTF-8. */
  unreadable: 1,
  tooLarge: 2,
  tooDeep: 3,
  /** Readable, but without a single value where values should be. */
  noValues: 4,
  tooManyPoints: 5,
  /** The device itself says that its values are not good. */
  saidSo: 6,
  /** The part of the payload that names the device does not. */
  noDevice: 7,
  tooManyDevices: 8,
  /** The broker's memory, not the device speaking now (R3). */
  retained: 16,
  /** The broker may have delivered it before (R3). */
  duplicate: 17,
  /** Kept by the broker while we were away; nobody knows since when. */
  queued: 18,
  /** The device's own time is that of the message before. */
  sameTime: 19,
  /** Says that the device is there, without a value. */
  statusOnly: 20,
  /** Sparkplug: values of an earlier time, sent after the fact. */
  historical: 21,
  /** Sparkplug: came right after the death of its edge node, and was sent before. */
  afterDeath: 22,
  /** Sparkplug: a birth that came after a newer one, or after its own death. */
  lateBirth: 23,
  /** Sparkplug: values by aliases whose birth was not seen; which values they are cannot be told. */
  unknownAlias: 24,
} as const;
export type PayloadReason = (typeof PayloadReason)[keyof typeof PayloadReason];

/** For people: the reason in words. */
export const REASON_WORDS: Readonly<Record<PayloadReason, string>> = {
  [PayloadReason.none]: 'good',
  [PayloadReason.unreadable]: 'the payload is not in the configured format',
  [PayloadReason.tooLarge]: 'the payload is too large',
  [PayloadReason.tooDeep]: 'the values are nested too deeply',
  [PayloadReason.noValues]: 'there is no value where values should be',
  [PayloadReason.tooManyPoints]: 'there are too many values',
  [PayloadReason.saidSo]: 'the device says that its values are not good',
  [PayloadReason.noDevice]: 'the payload does not name the device',
  [PayloadReason.tooManyDevices]: 'the payload names too many devices',
  [PayloadReason.retained]: 'retained',
  [PayloadReason.duplicate]: 'delivered again',
  [PayloadReason.queued]: 'queued while the collector was away',
  [PayloadReason.sameTime]: 'its time is that of the message before',
  [PayloadReason.statusOnly]: 'a status without values',
  [PayloadReason.historical]: 'values of an earlier time',
  [PayloadReason.afterDeath]: 'sent before its edge node died',
  [PayloadReason.lateBirth]: 'a birth that came late',
  [PayloadReason.unknownAlias]: 'values by aliases whose birth was not seen',
};
