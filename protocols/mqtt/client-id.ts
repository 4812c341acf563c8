import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import type { AdapterContext } from '../contract.ts';

/**
 * The client id of a source that was given none: the same at every start, and another for every source, machine and
 * data folder, because a broker cuts off the older of two clients with one id. 23 characters at most where the source's
 * id is short: what every 3.1.1 broker must take (MQTT 3.1.1, 3.1.3.1).
 */
export function clientIdOf({ sourceId, stateFolder }: Pick<AdapterContext, 'sourceId' | 'stateFolder'>): string {
  const place = createHash('sha256').update(`${hostname()}\n${stateFolder}\n${sourceId}`).digest('hex').slice(0, 8);
  return `rollcall-${sourceId}-${place}`;
}
