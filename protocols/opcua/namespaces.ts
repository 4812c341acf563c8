import { ProtocolError } from '../errors.ts';

/** The namespaces of one server in one session: index to URI and back. */
export class Namespaces {
  readonly #uris: readonly string[];

  constructor(uris: readonly string[]) {
    this.#uris = uris;
  }

  /** `nsu=URI;s=Pump` as the server's `ns=2;s=Pump`. Throws `ProtocolError('unknown-address')` for a URI it does not have. */
  toServer(text: string): string {
    const match = /^nsu=([^;]+);(.*)$/s.exec(text);
    if (match === null) return `ns=0;${text}`;
    const index = this.#uris.indexOf(match[1] ?? '');
    if (index < 0) {
      throw new ProtocolError('unknown-address', `looking for ${text}: the server has no namespace ${match[1]}`, {
        hint: `it has ${this.#uris.join(', ')}`,
      });
    }
    return `ns=${index};${match[2]}`;
  }

  /** `ns=2;s=Pump` as `nsu=URI;s=Pump`, which stays the same over restarts of the server. */
  toAddress(text: string): string {
    const match = /^ns=(\d+);(.*)$/s.exec(text);
    if (match === null || match[1] === '0') return match?.[2] ?? text;
    return `nsu=${this.#uris[Number(match[1])] ?? 'unknown'};${match[2]}`;
  }
}
