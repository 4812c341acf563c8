import { ProtocolError } from '../errors.ts';
import type { IdentityClaims } from '../identity.ts';
import { claimsOfObjects, readIdentification } from './device-identification.ts';
import { type ClaimPoint, widthOf } from './point.ts';
import { decodeRead } from './read.ts';
import { type PlannedRead, readOf } from './request-plan.ts';
import { parseServerId, SERVER_ID_REQUEST } from './server-id.ts';

/** How a unit can say who it is. */
export interface IdentityQuestions {
  readonly identification: 'ask' | 'never';
  readonly serialNumberObject: number | undefined;
  readonly nameplate: readonly NameplateRead[];
  /** Methods that the unit left unanswered when it was last asked everything. */
  readonly silentTo: Set<string>;
}

/** The read that brings one claim. */
interface NameplateRead {
  readonly claim: ClaimPoint['claim'];
  readonly read: PlannedRead;
}

/** What a unit said, and how. */
export interface Identity {
  readonly claims: IdentityClaims;
  /** In the field's words: `FC 43/14`, `FC 17`, `nameplate registers`. */
  readonly methods: readonly string[];
}

/** Makes one exchange; resolves with the answer's protocol data unit. */
export type Ask = (request: Uint8Array) => Promise<Uint8Array>;

/** The nameplate of a configuration as reads, one for each claim: they may be anywhere. */
export function nameplateReads(nameplate: readonly ClaimPoint[]): readonly NameplateRead[] {
  return nameplate.map(({ claim, point }) => ({
    claim,
    read: readOf(point.table, point.address, widthOf(point), [point]),
  }));
}

/**
 * Asks a unit who it is: FC 43/14; FC 17 where it has none of that; and the registers the operator named, which go
 * before both. Each may fail for itself. With `known`, what it left unanswered before is not asked again. Throws
 * `ProtocolError`: `unsupported` when the unit has no way to say; `timeout` when it answered nothing;
 * `connection-lost` and `aborted` as they come.
 */
export async function askIdentity(questions: IdentityQuestions, ask: Ask, effort: 'all' | 'known'): Promise<Identity> {
  const claims: IdentityClaims[] = [];
  const methods: string[] = [];
  let answers = 0;
  let silence: ProtocolError | undefined;
  const attempt = async (method: string, work: () => Promise<IdentityClaims>): Promise<void> => {
    if (effort === 'known' && silentTo.has(method)) return;
    silentTo.delete(method);
    try {
      claims.push(await work());
      methods.push(method);
      answers += 1;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      if (error.code === 'timeout') {
        silence = error;
        silentTo.add(method);
      } else if (error.code === 'exception' || error.code === 'violation') answers += 1;
      else throw error;
    }
  };
  const { serialNumberObject, silentTo } = questions;
  if (questions.identification === 'ask') {
    await attempt('FC 43/14', async () =>
      claimsOfObjects(await readIdentification(serialNumberObject, ask), serialNumberObject),
    );
    if (methods.length === 0) await attempt('FC 17', async () => parseServerId(await ask(SERVER_ID_REQUEST)));
  }
  for (const { claim, read } of questions.nameplate)
    await attempt('nameplate registers', async () => claimOf(claim, read, await ask(read.request)));
  if (methods.length > 0)
    return { claims: Object.assign({}, ...claims) as IdentityClaims, methods: [...new Set(methods)] };
  if (answers === 0 && silence !== undefined) throw silence;
  throw new ProtocolError('unsupported', 'asking a unit who it is: it has no way to say', {
    hint: 'name the registers of its nameplate in the configuration, if its manual has any',
  });
}

function claimOf(claim: ClaimPoint['claim'], read: PlannedRead, pdu: Uint8Array): IdentityClaims {
  const [value] = decodeRead(read, pdu);
  const text = String(value ?? '').trim();
  return text === '' ? {} : { [claim]: text };
}
