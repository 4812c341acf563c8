/** MQTT 5.0, 1.5.5: a length has at most four bytes of seven bits each. */
const MAX_LENGTH_SHIFT = 21;

/**
 * Follows the packets of a byte stream by their fixed headers (MQTT 5.0, 2.1) and finds the one that announces more
 * bytes than it may: libraries gather a packet of up to 256 MiB before they look at it. One instance a connection.
 */
export class FrameLimit {
  readonly #maxBytes: number;
  /** Bytes of the packet under way that are still to come. */
  #rest = 0;
  /** Where the next byte stands: the packet type, or the length at this shift. */
  #lengthShift: number | undefined;
  #length = 0;

  /** `maxBytes`: of a packet without its fixed header. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Takes what the socket brought; false when a packet is too long or its length is malformed. Final then. */
  accepts(chunk: Uint8Array): boolean {
    let at = 0;
    while (at < chunk.length) {
      if (this.#rest > 0) {
        const step = Math.min(this.#rest, chunk.length - at);
        this.#rest -= step;
        at += step;
      } else if (this.#lengthShift === undefined) {
        this.#lengthShift = 0;
        this.#length = 0;
        at += 1;
      } else {
        const byte = chunk[at] ?? 0;
        at += 1;
        this.#length += (byte & 0x7f) << this.#lengthShift;
        if (this.#length > this.#maxBytes) return false;
        if ((byte & 0x80) === 0) {
          this.#rest = this.#length;
          this.#lengthShift = undefined;
        } else {
          this.#lengthShift += 7;
          if (this.#lengthShift > MAX_LENGTH_SHIFT) return false;
        }
      }
    }
    return true;
  }
}
