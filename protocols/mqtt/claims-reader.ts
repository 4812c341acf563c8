import type { IdentityClaims } from '../identity.ts';
import { follow, pointerTokens } from './json-pointer.ts';
import type { TopicConfig } from './topic-config.ts';

const MAX_CLAIM_LENGTH = 200;
/** Control characters would let a device write over a listing (Unicode general category Cc). */
const UNPRINTABLE = /\p{Cc}/u;

type ClaimName = Exclude<keyof IdentityClaims, 'simulated'>;

/** Reads from decoded records what devices say of themselves. */
export class ClaimsReader {
  readonly #texts: readonly (readonly [ClaimName, readonly string[]])[];
  readonly #simulated: readonly string[];

  constructor({ claims }: Pick<TopicConfig, 'claims'>) {
    const { simulated, type, ...others } = claims;
    const pointers: Partial<Record<ClaimName, string | undefined>> = { ...others, deviceType: type };
    this.#texts = Object.entries(pointers).flatMap(([name, pointer]) =>
      pointer === undefined ? [] : [[name as ClaimName, pointerTokens(pointer)] as const],
    );
    this.#simulated = pointerTokens(simulated);
  }

  /**
   * What the device has said of itself up to now: `before`, with what this record says put over it. Gives `before`
   * itself back when nothing changed, so that a device that repeats itself costs a few look-ups.
   */
  read(record: unknown, before: IdentityClaims | undefined): IdentityClaims | undefined {
    let claims = before;
    for (let i = 0; i < this.#texts.length; i++) {
      const [name, tokens] = this.#texts[i] as readonly [ClaimName, readonly string[]];
      const said = follow(record, tokens);
      if (said === undefined || said === before?.[name]) continue;
      const text = claimText(said);
      if (text !== undefined && text !== before?.[name]) claims = { ...claims, [name]: text };
    }
    const simulated = follow(record, this.#simulated);
    if (typeof simulated === 'boolean' && simulated !== (before?.simulated ?? false)) claims = { ...claims, simulated };
    return claims;
  }
}

/** A claim as text: devices write numbers where they mean numerals. Undefined where it says nothing usable. */
export function claimText(said: unknown): string | undefined {
  const text = typeof said === 'number' && Number.isSafeInteger(said) ? String(said) : said;
  if (typeof text !== 'string' || text.length > MAX_CLAIM_LENGTH || UNPRINTABLE.test(text)) return undefined;
  const trimmed = text.trim();
  return trimmed === '' ? undefined : trimmed;
}
