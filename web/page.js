import { ApiFailure, get } from './client.js';
import { formatsFor } from './format.js';
import { byId, showCounts, showProtocols, showSources, showWords } from './view.js';
import { wordsFor } from './words.js';

/** The page: signs in with a token, shows the numbers, and asks again every few seconds while it is looked at. */

const REFRESH_MS = 5000;
const TOKEN = 'rollcall-token';
const LANGUAGE = 'rollcall-language';

const state = {
  words: wordsFor(localStorage.getItem(LANGUAGE) ?? navigator.language),
  /** @type {string | null} */
  token: tokenOfLink() ?? sessionStorage.getItem(TOKEN),
  role: '',
  /** The last answers, to be shown again in the other language. */
  shown: undefined,
  /** Whether the last refresh failed, and how. */
  failure: undefined,
  timer: 0,
};

/** The token of a printed link, `/#token=…`; it leaves the address bar and the history at once. */
function tokenOfLink() {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token === null) return null;
  history.replaceState(null, '', location.pathname + location.search);
  return token;
}

/** Shows the numbers to the holder of a token. Whether it is valid, the first answer tells. */
async function enter(token) {
  sessionStorage.setItem(TOKEN, token);
  Object.assign(state, { token, role: '', shown: undefined, failure: undefined });
  byId('login').hidden = true;
  byId('login-error').textContent = '';
  byId('token').value = '';
  byId('sign-out').hidden = false;
  await refresh();
}

/** Tries the token that was typed in; what is wrong with it is said beside the field. */
async function signIn() {
  const token = byId('token').value.trim();
  try {
    await get('api/v1/session', token);
  } catch (error) {
    byId('login-error').textContent = state.words.errors[error.code] ?? state.words.errors.other;
    return;
  }
  await enter(token);
}

function signOut(reason) {
  clearTimeout(state.timer);
  sessionStorage.removeItem(TOKEN);
  Object.assign(state, { token: null, role: '', shown: undefined, failure: undefined });
  document.body.classList.remove('is-demo');
  for (const id of ['board', 'sign-out', 'demo-banner']) byId(id).hidden = true;
  byId('rules').textContent = '';
  byId('login').hidden = false;
  byId('login-error').textContent =
    reason === undefined ? '' : (state.words.errors[reason] ?? state.words.errors.other);
  byId('token').focus();
}

async function refresh() {
  clearTimeout(state.timer);
  const { token } = state;
  if (token === null) return;
  let waitMs = REFRESH_MS;
  try {
    const shown = await read(token);
    // somebody signed out, or in as another, while we asked
    if (state.token !== token) return;
    state.shown = shown;
    state.failure = undefined;
  } catch (error) {
    if (state.token !== token) return;
    const failure = error instanceof ApiFailure ? error : new ApiFailure('other', 0);
    if (failure.code === 'unauthenticated') return signOut('unauthenticated');
    state.failure = failure.code;
    waitMs = Math.max(waitMs, failure.retryAfterMs);
  }
  show();
  if (!document.hidden) state.timer = setTimeout(() => void refresh(), waitMs);
}

async function read(token) {
  if (state.role === '') state.role = (await get('api/v1/session', token)).role;
  const counts = get('api/v1/counts', token);
  if (state.role === 'viewer') return { counts: await counts };
  const [answer, protocols, sources] = await Promise.all([
    counts,
    get('api/v1/protocols', token),
    get('api/v1/sources', token),
  ]);
  return { counts: answer, protocols: protocols.items, sources: sources.items };
}

/** Shows the last answers, and how fresh they are. */
function show() {
  const { words, shown } = state;
  if (shown === undefined) {
    byId('board').hidden = false;
    showFreshness('');
    return;
  }
  const { counts, protocols, sources } = shown;
  const format = formatsFor(words.language, counts.timeZone);
  // instants are compared with the service's own clock; the browser's may be wrong
  const nowMs = Date.parse(counts.asOf);
  byId('board').hidden = false;
  byId('demo-banner').hidden = !counts.demo;
  document.body.classList.toggle('is-demo', counts.demo);
  byId('viewer-note').hidden = sources !== undefined;
  byId('evidence').hidden = sources === undefined;
  showFreshness(words.asOf(format.instant(counts.asOf), counts.timeZone), format.instant(counts.asOf));
  showCounts(counts, words, format);
  if (sources !== undefined) showSources(sources, words, format, nowMs);
  if (protocols !== undefined) showProtocols(protocols, counts.protocols, words, format, nowMs);
}

/** The line above the numbers. It is read out only when it turns from well to not well or back. */
function showFreshness(asOf, since) {
  const { words, failure } = state;
  const line = byId('freshness');
  line.classList.toggle('stale', failure !== undefined);
  line.ariaLive = failure === undefined ? 'off' : 'polite';
  if (failure === undefined) line.textContent = asOf;
  else if (failure === 'too-many-requests') line.textContent = words.slowedDown;
  else if (failure === 'offline') line.textContent = words.stale(since ?? words.never);
  else line.textContent = words.failed;
}

function switchLanguage() {
  state.words = wordsFor(state.words.language === 'en' ? 'zh-CN' : 'en');
  localStorage.setItem(LANGUAGE, state.words.language);
  showWords(state.words);
  byId('login-error').textContent = '';
  if (!byId('board').hidden) show();
}

async function start() {
  showWords(state.words);
  byId('switch-language').addEventListener('click', switchLanguage);
  byId('sign-out').addEventListener('click', () => signOut());
  byId('login-form').addEventListener('submit', (event) => {
    event.preventDefault();
    void signIn();
  });
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden && state.token !== null) void refresh();
  });
  if (state.token === null) signOut();
  else await enter(state.token);
}

void start();
