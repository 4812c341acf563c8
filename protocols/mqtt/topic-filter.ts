/** MQTT 5.0, 4.7.1: true when the text is a topic filter: `#` alone in the last level, `+` alone in its level. */
export function isTopicFilter(text: string): boolean {
  if (text === '' || Buffer.byteLength(text) > 65_535 || text.includes('\0')) return false;
  const levels = text.split('/');
  return levels.every(
    (level, place) => !/[+#]/.test(level) || level === '+' || (level === '#' && place === levels.length - 1),
  );
}

/** MQTT 5.0, 4.7: true when a filter matches a topic. Wildcards in the first level do not match topics that begin with `$`. */
export function filterMatches(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && !filter.startsWith('$')) return false;
  const wanted = filter.split('/');
  const levels = topic.split('/');
  for (const [place, level] of wanted.entries()) {
    if (level === '#') return true;
    if (place >= levels.length) return false;
    if (level !== '+' && level !== levels[place]) return false;
  }
  return wanted.length === levels.length;
}

/** True when every topic that `inner` matches is matched by `outer`. `inner` must be a topic filter. */
export function filterCovers(outer: string, inner: string): boolean {
  if (inner.startsWith('$') !== outer.startsWith('$')) return false;
  const allowed = outer.split('/');
  const wanted = inner.split('/');
  for (const [place, level] of allowed.entries()) {
    if (level === '#') return true;
    const asked = wanted[place];
    if (asked === undefined || asked === '#') return false;
    if (level !== '+' && level !== asked) return false;
  }
  return allowed.length === wanted.length;
}
