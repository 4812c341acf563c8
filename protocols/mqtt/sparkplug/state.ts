/**
 * The STATE message of a host application (Sparkplug 3.0, 4.5): JSON, QoS 1, retained. Birth and will of one connection
 * have the time at which it was made; a goodbye has its own.
 */
export function statePayload(isOnline: boolean, timestampMs: number): string {
  return JSON.stringify({ online: isOnline, timestamp: Math.round(timestampMs) });
}

/** True for a STATE message that says offline. Anything that cannot be read says nothing. */
export function saysOffline(payload: Buffer): boolean {
  try {
    const said: unknown = JSON.parse(payload.toString('utf8'));
    return typeof said === 'object' && said !== null && 'online' in said && said.online === false;
  } catch {
    return false;
  }
}
