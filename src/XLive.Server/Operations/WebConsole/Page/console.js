// One page, four places: loading, sign in, set a password, and what stands.
import { t, translatePage } from './words.js';
import * as session from './session.js';
import * as overview from './overview.js';

const EVERY = 2000;
const find = id => document.getElementById(id);

let me = null;
let timer = 0;
let lastState = null;
let isAway = false;
let round = 0; // of polling: an answer to an earlier one comes too late

function go(place) {
  for (const id of ['loading', 'sign-in', 'set-password', 'overview'])
    find(id).hidden = id !== place;
  if (place !== 'overview')
    stop();
  find('account').hidden = place === 'loading' || place === 'sign-in' || Boolean(me?.by_address);
}

/** For those who do not see it happen. */
function say(text) {
  find('said').textContent = text;
}

function reason(e, refused) {
  if (e instanceof session.Away)
    return t('awayForm');
  if (!(e instanceof session.Refused))
    throw e;
  if (e.status === 429)
    return t('tooMany', { seconds: e.seconds });
  if (e.status === 503)
    return t('busy', { seconds: e.seconds });
  return e.status === 401 ? t(refused) : t('failed', { detail: e.message });
}

/** A form that sends once at a time, keeps its focus, and says what went wrong in its own place. */
function onSubmit(form, busyWord, send) {
  const button = form.querySelector('.main');
  const label = button.firstChild;
  const error = find(form.id.replace('-form', '-error'));
  const word = label.dataset.t;
  form.addEventListener('submit', async event => {
    event.preventDefault();
    if (form.ariaBusy === 'true')
      return;
    form.ariaBusy = 'true';
    label.textContent = t(busyWord);
    error.textContent = '';
    try {
      await send();
    } catch (e) {
      error.textContent = reason(e, form.id === 'sign-in-form' ? 'wrongPassword' : 'ended');
      const secret = form.elements.password;
      secret.ariaInvalid = 'true';
      secret.select();
      secret.focus();
    } finally {
      form.ariaBusy = null;
      label.textContent = t(word);
    }
  });
  form.addEventListener('input', () => form.elements.password.ariaInvalid = null);
}

function askToSignIn(why = '') {
  me = null;
  session.signOut();
  overview.clear();
  isAway = false;
  find('banner').textContent = '';
  find('banner').className = '';
  document.title = `${t('signIn')} · XLive`;
  go('sign-in');
  find('sign-in-error').textContent = why;
  const name = find('username');
  (name.value ? find('current') : name).focus();
}

function askForPassword(why) {
  document.title = `${t('setPassword')} · XLive`;
  find('set-password-why').textContent = t(why);
  find('set-password-error').textContent = '';
  find('account-name').value = me.name;
  go('set-password');
  find('chosen').focus();
}

/** With a sign-in at hand, or none: where to? */
async function enter(byLink = false) {
  me = await session.ask('/api/v1/me');
  if (!me.name)
    return askToSignIn();
  find('who').textContent = me.name;
  find('current').value = find('chosen').value = '';
  if (me.has_password === false || byLink)
    return askForPassword(me.has_password ? 'otherPassword' : 'firstPassword');
  watch();
}

function watch() {
  find('banner').textContent = me.by_address ? t('open') : '';
  find('banner').className = me.by_address ? 'alarm' : '';
  go('overview');
  find('health-title').focus({ preventScroll: true });
  poll();
}

function stop() {
  clearTimeout(timer);
  round++;
}

async function poll() {
  stop();
  const mine = round;
  const maySee = me.permissions.some(p => p === 'monitor' || p === 'admin');
  try {
    const [health, stats] = await Promise.all([
      session.ask('/health', { alsoGood: 503 }), maySee ? session.ask('/stats') : null,
    ]);
    if (mine !== round)
      return;
    const state = overview.showHealth(health);
    if (lastState && state !== lastState)
      say(`${t('health')}: ${t(state)}`);
    lastState = state;
    if (stats)
      overview.showStats(stats);
    else
      overview.showNoStats(me.name);
    away(false);
  } catch (e) {
    if (mine !== round)
      return;
    if (e instanceof session.Refused && e.status === 401)
      return askToSignIn(t('ended'));
    away(true, e instanceof session.Refused ? t('failed', { detail: e.message }) : t('away'));
    if (!(e instanceof session.Away || e instanceof session.Refused))
      console.error(e);
  }
  if (!document.hidden)
    timer = setTimeout(poll, EVERY);
}

function away(now, why = '') {
  find('overview').classList.toggle('stale', now);
  if (now)
    overview.showUnknown();
  if (now && find('banner').textContent !== why) {
    find('banner').textContent = why;
    find('banner').className = 'alarm';
    document.title = `${t('unknown')} · XLive`;
  } else if (!now && isAway) {
    find('banner').textContent = me.by_address ? t('open') : '';
    find('banner').className = me.by_address ? 'alarm' : '';
    say(t('back'));
  }
  isAway = now;
}

/** The fragment of a one-time link, taken out of the address bar, the history and the page before anything else happens. */
function takeLink() {
  const once = /^#once=([\w-]{1,256})$/.exec(location.hash)?.[1];
  if (location.hash)
    history.replaceState(null, '', location.pathname);
  return once;
}

async function start(once = takeLink()) {
  go('loading');
  const line = find('loading').firstElementChild;
  line.textContent = t(once ? 'usingLink' : 'loading');
  line.className = 'waiting';
  try {
    if (once) {
      await session.signOut(); // of whoever was here before
      await session.signIn({ once });
    }
    await enter(Boolean(once));
  } catch (e) {
    if (e instanceof session.Away) {
      line.textContent = t('away');
      line.className = 'error';
      timer = setTimeout(() => start(once), EVERY); // a link that was never asked for is still good
      return;
    }
    askToSignIn(once ? reason(e, 'wrongLink') : reason(e, 'ended'));
  }
}

translatePage();
onSubmit(find('sign-in-form'), 'signingIn', async () => {
  await session.signIn({ username: find('username').value, password: find('current').value });
  await enter();
});
onSubmit(find('set-password-form'), 'saving', async () => {
  await session.ask(`/api/v1/users/${encodeURIComponent(me.name)}/password`, { method: 'PUT', body: { password: find('chosen').value } });
  me.has_password = true;
  find('chosen').value = '';
  watch();
  say(t('passwordSet'));
});
find('later').addEventListener('click', watch);
find('sign-out').addEventListener('click', () => {
  askToSignIn();
  say(t('signedOut'));
});
for (const button of document.querySelectorAll('.show')) {
  button.addEventListener('click', () => {
    const field = find(button.getAttribute('aria-controls'));
    const shown = field.type === 'password';
    field.type = shown ? 'text' : 'password';
    button.textContent = t(shown ? 'hide' : 'show');
  });
}
session.whenEnded(() => askToSignIn(t('signedOut')));
addEventListener('hashchange', () => {
  const once = takeLink();
  if (once)
    start(once);
});
document.addEventListener('visibilitychange', () => {
  if (document.hidden)
    clearTimeout(timer);
  else if (!find('overview').hidden)
    poll();
});
start();
