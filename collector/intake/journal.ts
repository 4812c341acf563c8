import type { Identification, IdentityClaims } from '../../protocols/identity.ts';
import type { GapRow } from '../store/contract.ts';

/** Gaps that may wait for a store that does not accept them; beyond it the oldest are merged into one. */
const MAX_WAITING_GAPS = 10_000;

/** The last claims of one address, as the collector holds them. */
export interface HeldIdentity {
  readonly claims: IdentityClaims;
  readonly method: string;
  readonly atMs: number;
}

/** Gaps and identity claims on their way to the store, and the claims that are in force. */
export class Journal {
  #gaps: GapRow[] = [];
  readonly #identities = new Map<number, HeldIdentity>();
  #changed = new Map<number, Identification>();
  /** Gaps declared since start. */
  gaps = 0;

  gap(gap: GapRow): void {
    this.gaps += 1;
    this.#gaps.push(gap);
    if (this.#gaps.length > MAX_WAITING_GAPS) this.#gaps = [merge(this.#gaps)];
  }

  /** Keeps what a device said of itself; true when it differs from what it said before. */
  identity(index: number, identification: Identification): boolean {
    const { claims, method, receivedAtMs } = identification;
    const before = this.#identities.get(index);
    this.#identities.set(index, { claims, method, atMs: receivedAtMs });
    if (before !== undefined && before.method === method && claimsText(before.claims) === claimsText(claims))
      return false;
    this.#changed.set(index, identification);
    return true;
  }

  restoreIdentity(index: number, held: HeldIdentity): void {
    this.#identities.set(index, held);
  }

  identityOf(index: number): HeldIdentity | undefined {
    return this.#identities.get(index);
  }

  takeGaps(): GapRow[] {
    const gaps = this.#gaps;
    this.#gaps = [];
    return gaps;
  }

  takeIdentities(): Map<number, Identification> {
    const changed = this.#changed;
    this.#changed = new Map();
    return changed;
  }

  /** After a failed flush; what came since wins. */
  putBack(gaps: readonly GapRow[], identities: ReadonlyMap<number, Identification>): void {
    this.#gaps = [...gaps, ...this.#gaps];
    this.#changed = new Map([...identities, ...this.#changed]);
  }
}

/** Claims as JSON with sorted keys, so that equal claims are equal text. */
export function claimsText(claims: IdentityClaims): string {
  return JSON.stringify(Object.fromEntries(Object.entries(claims).sort(([a], [b]) => (a < b ? -1 : 1))));
}

function merge(gaps: readonly GapRow[]): GapRow {
  const first = gaps[0] as GapRow;
  return {
    sourceId: undefined,
    fromMs: Math.min(...gaps.map((gap) => gap.fromMs)),
    toMs: Math.max(...gaps.map((gap) => gap.toMs)),
    reason: first.reason,
    dropped: gaps.reduce((sum, gap) => sum + gap.dropped, 0),
  };
}
