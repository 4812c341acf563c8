/**
 * R4: ways in which the device itself says who it is. What a gateway or publisher merely writes into a payload is a
 * claim like any other, and does not raise the tier.
 */
const IDENTIFYING_METHODS: readonly string[] = [
  'FC 43/14',
  'DI nameplate',
  'Machinery nameplate',
  'Sparkplug birth',
  'certificate',
];

/** The method, when it is one by which R4 calls a device *identified*; undefined otherwise. */
export function identifyingMethod(method: string): string | undefined {
  return IDENTIFYING_METHODS.includes(method) ? method : undefined;
}
