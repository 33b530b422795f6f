// Goes through the console as its owner does, in Chromium, and prints what it saw as one line of JSON.
//
//   node console.mjs '{"server": "http://127.0.0.1:7889", "link": "/monitor#once=...", "process": 123, "films": ["http://..."],
//                      "screens": "folder", "chromium": "/usr/bin/chromium"}'
//
// It ends the server's process: what the page says then is the last thing looked at. "screens" is for people: every state in two
// widths, light and dark.
import { chromium } from 'playwright-core';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const options = { chromium: '/usr/bin/chromium', films: [], ...JSON.parse(process.argv[2]) };
const password = 'a fresh password of the test';
const seen = { steps: {}, consoleErrors: [], requests: [], fault: '' };
const profile = await mkdtemp(join(tmpdir(), 'xlive-chromium-'));
const launch = (folder, locale) => chromium.launchPersistentContext(folder, {
  executablePath: options.chromium, headless: true, locale, viewport: { width: 1280, height: 800 },
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});
let browser, second;
const stop = async () => {
  await browser?.close().catch(() => {});
  await second?.close().catch(() => {});
  await rm(profile, { recursive: true, force: true, maxRetries: 5 }).catch(() => {});
};
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, async () => { await stop(); process.exit(143); });

const until = async (what, look, ms = 15_000) => {
  for (const end = Date.now() + ms; Date.now() < end; await new Promise(r => setTimeout(r, 50)))
    if (await look()) return;
  throw new Error(`not seen within ${ms} ms: ${what}`);
};

/** What a visitor has before him. */
const look = tab => tab.evaluate(() => {
  const text = id => document.getElementById(id)?.innerText.trim() ?? '';
  const place = ['loading', 'sign-in', 'set-password', 'overview'].find(id => document.getElementById(id)?.hidden === false);
  return {
    url: location.href, title: document.title, place, language: document.documentElement.lang,
    banner: text('banner'), error: place === 'overview' || place === 'loading' ? '' : text(`${place}-error`), said: document.getElementById('said')?.textContent ?? '',
    waiting: text('loading'), heading: document.querySelector(`#${place} h2`)?.innerText ?? '', focus: document.activeElement?.id ?? '',
    state: text('state'), checks: [...document.querySelectorAll('#checks li')].map(li => li.innerText.replace(/\s+/g, ' ')),
    tiles: Object.fromEntries([...document.querySelectorAll('[data-tile]')].map(tile => [tile.dataset.tile, tile.innerText.replace(/\s+/g, ' ')])),
    tooWide: document.documentElement.scrollWidth > innerWidth, names: [...document.querySelectorAll('input, button')]
      .filter(e => e.offsetParent && !(e.labels?.length || e.innerText.trim() || e.ariaLabel)).map(e => e.id || e.outerHTML),
    kept: Object.keys(localStorage).length, cookies: document.cookie,
  };
});
const at = (tab, place) => until(place, async () => (await look(tab)).place === place);
const note = async (tab, step) => { seen.steps[step] = await look(tab); await picture(tab, step); };

async function picture(tab, step) {
  if (!options.screens) return;
  await mkdir(options.screens, { recursive: true });
  for (const width of [1280, 390]) for (const colorScheme of ['light', 'dark']) {
    await tab.setViewportSize({ width, height: width === 390 ? 844 : 800 });
    await tab.emulateMedia({ colorScheme });
    await tab.screenshot({ path: join(options.screens, `${step}-${width}-${colorScheme}.png`), fullPage: true });
    if (width === 390) seen.steps[step].tooWideOnPhone = (await look(tab)).tooWide;
  }
  await tab.setViewportSize({ width: 1280, height: 800 });
  await tab.emulateMedia({ colorScheme: 'light' });
}

function follow(tab) {
  tab.on('request', r => seen.requests.push(r.url()));
  tab.on('console', m => ['error', 'warning'].includes(m.type()) && seen.consoleErrors.push(m.text()));
  tab.on('pageerror', e => seen.consoleErrors.push(String(e)));
}

try {
  browser = await launch(join(profile, 'one'), 'en-GB');
  const tab = await browser.newPage();
  follow(tab);

  await tab.goto(options.server + '/');
  await at(tab, 'sign-in');
  await note(tab, 'signIn');

  // The page is slow to hear from the server: what does it say meanwhile?
  await tab.route('**/login', async route => { await new Promise(r => setTimeout(r, 1500)); await route.continue(); });
  await tab.goto(options.server + options.link);
  await until('the link in use', async () => (await look(tab)).place === 'loading');
  await note(tab, 'linkInUse');
  await at(tab, 'set-password');
  await tab.unroute('**/login');
  await note(tab, 'setPassword');

  await tab.fill('#chosen', 'short');
  await tab.press('#chosen', 'Enter');
  seen.shortRefused = await tab.evaluate(() => !document.getElementById('chosen').validity.valid) && (await look(tab)).place === 'set-password';
  await tab.fill('#chosen', password);
  await tab.click('#set-password .show');
  seen.shown = await tab.getAttribute('#chosen', 'type');
  await tab.press('#chosen', 'Enter');
  await at(tab, 'overview');
  await until('rates', async () => /\d \/s/.test((await look(tab)).tiles.requests ?? ''));
  await note(tab, 'overview');

  for (let i = 0; i < 40; i++)
    for (const film of options.films) await (await fetch(film)).arrayBuffer();
  await until('traffic', async () => /[kMG]bit\/s/.test((await look(tab)).tiles.throughput));
  await note(tab, 'traffic');

  await tab.reload();
  await at(tab, 'overview');
  // A tab opened by this one starts with a copy of its storage.
  const [copy] = await Promise.all([tab.waitForEvent('popup'), tab.evaluate(() => { open('/monitor'); })]);
  await at(copy, 'overview');
  await copy.reload();
  await at(copy, 'overview');
  await tab.bringToFront();
  await tab.reload();
  await at(tab, 'overview');
  seen.duplicate = (await look(copy)).place;
  await note(tab, 'reloaded');

  await browser.setOffline(true);
  await until('the banner', async () => (await look(tab)).banner !== '');
  await note(tab, 'offline');
  await browser.setOffline(false);
  await until('its end', async () => (await look(tab)).banner === '');
  await note(tab, 'backAgain');

  await tab.click('#sign-out');
  await at(tab, 'sign-in');
  await until('the copy signed out too', async () => (await look(copy)).place === 'sign-in');
  await note(tab, 'signedOut');
  await copy.close();

  await tab.goto(options.server + options.link); // the same document: only the fragment is new
  await until('the used link', async () => (await look(tab)).error !== '');
  await note(tab, 'usedLink');

  await tab.fill('#username', 'admin');
  await tab.fill('#current', 'not this one');
  await tab.press('#current', 'Enter');
  await until('the refusal', async () => (await look(tab)).error !== '' && (await look(tab)).focus === 'current');
  await note(tab, 'wrongPassword');

  await tab.route('**/login', async route => { await new Promise(r => setTimeout(r, 2500)); await route.continue(); });
  await tab.fill('#current', password);
  await tab.press('#current', 'Enter');
  await until('busy', () => tab.evaluate(() => document.getElementById('sign-in-form').ariaBusy === 'true'));
  seen.busyWord = await tab.innerText('#sign-in-form .main');
  await note(tab, 'signingIn');
  await at(tab, 'overview');
  await tab.unroute('**/login');

  second = await launch(join(profile, 'two'), 'zh-CN');
  const chinese = await second.newPage();
  follow(chinese);
  await chinese.goto(options.server + '/monitor');
  await at(chinese, 'sign-in');
  await note(chinese, 'chineseSignIn');
  await chinese.fill('#username', 'admin');
  await chinese.fill('#current', password);
  await chinese.press('#current', 'Enter');
  await at(chinese, 'overview');
  await until('rates', async () => /\d 次/.test((await look(chinese)).tiles.requests ?? ''));
  await note(chinese, 'chineseOverview');

  process.kill(options.process, 'SIGTERM');
  await until('the banner', async () => (await look(tab)).banner !== '', 30_000);
  await note(tab, 'serverAway');
  await tab.click('#sign-out');
  await tab.fill('#username', 'admin');
  await tab.fill('#current', password);
  await tab.press('#current', 'Enter');
  await until('the form says so', async () => (await look(tab)).error !== '');
  await note(tab, 'serverAwayForm');
} catch (e) {
  seen.fault = String(e.stack ?? e);
} finally {
  await stop();
}
console.log(JSON.stringify(seen));
