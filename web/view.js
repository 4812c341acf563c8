/** Puts answers of the API into the page. Text enters only as text, so a device's name can never become markup. */

/** @param {string} id */
export const byId = (id) => document.getElementById(id);

/** Writes the fixed words of the page in its language. */
export function showWords(words) {
  document.documentElement.lang = words.language;
  document.title = words.title;
  for (const element of document.querySelectorAll('[data-word]')) element.textContent = words[element.dataset.word];
  const toggle = byId('switch-language');
  toggle.textContent = words.otherLanguage;
  toggle.lang = words.language === 'en' ? 'zh-CN' : 'en';
}

/** The headline, the categories and the tiers. */
export function showCounts(counts, words, format) {
  const { total, byCategory, byTier } = counts.devices;
  byId('total-registered').textContent = format.number(total.registered);
  byId('total-online').textContent = format.number(total.online);
  byId('total-verified').textContent = format.number(total.verified);
  byId('share-online').textContent = format.percent(total.online, total.registered);
  byId('share-verified').textContent = format.percent(total.verified, total.registered);

  const row = (name, tally) =>
    element('tr', [
      heading(name),
      number(format.number(tally.registered)),
      number(format.number(tally.online)),
      number(format.number(tally.verified)),
      element('td', [bar(tally.verified, tally.registered, format)], 'share'),
    ]);
  const categories = Object.keys(words.categories).map((name) => row(words.categories[name], byCategory[name]));
  byId('categories').replaceChildren(...categories);
  byId('categories-total').replaceChildren(row(words.total, total));

  const devices = Object.values(byTier).reduce((sum, count) => sum + count, 0);
  const tiers = Object.entries(words.tiers).map(([name, [title, meaning]]) =>
    element('tr', [
      heading(title, element('small', [meaning])),
      number(format.number(byTier[name])),
      element('td', [bar(byTier[name], devices, format)], 'bar-cell'),
    ]),
  );
  byId('tiers').replaceChildren(...tiers);
  const { version, sha256 } = counts.rules;
  byId('rules').textContent = words.rules(version, sha256.slice(0, 16), counts.ledger.origin);
}

/** The sources, those in trouble first. */
export function showSources(sources, words, format, nowMs) {
  const sorted = sources.toSorted((a, b) => severity(b) - severity(a) || a.name.localeCompare(b.name, words.language));
  const troubled = sources.filter((source) => severity(source) > 0).length;
  byId('sources-summary').textContent = troubled === 0 ? words.allWell : words.inTrouble(format.number(troubled));
  byId('sources').replaceChildren(
    ...sorted.map((source) =>
      element('tr', [
        heading(source.name, ...sourceNotes(source, words, format, nowMs)),
        cell(words.state, sourceBadge(source, words)),
        number(format.number(source.addresses), words.addresses),
        number(format.number(source.observations), words.observations),
        number(format.number(source.reconnects), words.reconnects),
        cell(words.lastObservation, format.relative(source.lastObservationAt, nowMs)),
      ]),
    ),
  );
}

/** The protocols in use; the rest of the catalogue as a list to unfold. */
export function showProtocols(protocols, counted, words, format, nowMs) {
  const nameOf = (protocol) => (words.language === 'en' ? protocol.nameEn : protocol.nameZh);
  const used = protocols.filter((protocol) => protocol.state !== 'not-in-use');
  const unused = protocols.filter((protocol) => protocol.state === 'not-in-use');
  byId('protocols-summary').textContent =
    used.length === 0
      ? words.noProtocols
      : words.protocolsSummary(format.number(counted.compatible), format.number(counted.verified));
  byId('protocols').replaceChildren(
    ...used
      .toSorted((a, b) => b.verified - a.verified || b.devices - a.devices)
      .map((protocol) =>
        element('tr', [
          heading(nameOf(protocol), ...protocolNotes(protocol, words)),
          cell(
            words.state,
            badge(words.protocolStates[protocol.state], protocol.state === 'verified' ? 'good' : 'warn'),
          ),
          number(format.number(protocol.devices), words.devices),
          number(format.number(protocol.online), words.online),
          number(format.number(protocol.verified), words.verified),
          cell(words.lastExchange, format.relative(protocol.lastExchangeAt, nowMs)),
        ]),
      ),
  );
  byId('unused').hidden = unused.length === 0;
  byId('unused-summary').textContent = words.unusedSummary(format.number(unused.length));
  byId('unused-list').replaceChildren(...unused.map((protocol) => element('li', [nameOf(protocol)])));
}

function protocolNotes(protocol, words) {
  const variants = protocol.variants.map(({ variant }) => variant).join(' / ');
  const standards = protocol.standards.filter((standard) => standard !== 'vendor-proprietary').join('; ');
  const relayed = protocol.adapter === 'relayed' ? words.relayed : '';
  return [[variants, relayed].filter(Boolean).join(' · '), standards].filter(Boolean).map((text) => sub(text));
}

/** How urgently a source needs somebody: 3 down, 2 error, 1 warning, 0 well. */
function severity(source) {
  if (source.state === 'down' || source.state === 'stopped') return 3;
  if (source.notices.some((notice) => notice.level === 'error')) return 2;
  if (source.notices.length > 0 || source.dropped > 0) return 1;
  return source.state === 'connecting' ? 1 : 0;
}

function sourceBadge(source, words) {
  const name = words.states[source.state];
  if (source.state === 'down' || source.state === 'stopped') return badge(name, 'bad');
  if (source.state === 'connecting') return badge(name, 'warn');
  return severity(source) > 0 ? badge(words.attention, 'warn') : badge(name, 'good');
}

function sourceNotes(source, words, format, nowMs) {
  const where = [source.protocol, source.endpoint, source.simulated ? words.simulated : ''].filter(Boolean).join(' · ');
  const notes = [sub(where)];
  if (source.state !== 'up' && source.lastError !== null) {
    const { code, message, hint } = source.lastError;
    notes.push(trouble('bad', words.trouble[code] ?? code, message, hint));
    if (source.nextAttemptAt !== null) notes.push(sub(words.nextAttempt(format.relative(source.nextAttemptAt, nowMs))));
  }
  for (const { level, message, hint } of source.notices) {
    notes.push(trouble(level === 'error' ? 'bad' : 'warn', '', message, hint));
  }
  if (source.dropped > 0) notes.push(trouble('warn', '', words.dropped(format.number(source.dropped)), null));
  return notes;
}

function trouble(level, title, message, hint) {
  const lines = [];
  if (title !== '') lines.push(element('strong', [title]));
  lines.push(element('span', [message], 'sub'));
  if (hint !== null) lines.push(element('span', [`→ ${hint}`], 'sub'));
  return element('div', lines, `trouble ${level}`);
}

function bar(part, whole, format) {
  const fill = document.createElement('i');
  fill.style.width = whole > 0 ? `${Math.min(100, (100 * part) / whole)}%` : '0';
  const track = element('span', [fill]);
  track.ariaHidden = 'true';
  return element('div', [track, element('span', [format.percent(part, whole)], 'number')], 'bar');
}

const badge = (text, level) => element('span', [text], `badge ${level}`);
const sub = (text) => element('span', [text], 'sub');
const number = (text, label) => cell(label, text, 'number');

function heading(text, ...notes) {
  const th = element('th', [text, ...notes]);
  th.scope = 'row';
  return th;
}

/** A cell that knows its column's name, for narrow screens. */
function cell(label, content, className) {
  const td = element('td', [element('span', [content])], className);
  if (label !== undefined) td.dataset.label = label;
  return td;
}

/** An element with children, texts among them as text. */
function element(name, children, className) {
  const made = document.createElement(name);
  made.append(...children);
  if (className !== undefined) made.className = className;
  return made;
}
