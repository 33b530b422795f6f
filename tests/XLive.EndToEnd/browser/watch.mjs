// Goes through the page of a live stream as its viewers meet it, in Chromium, and prints what was seen as one line of JSON.
//
//   node watch.mjs '{"server": "http://127.0.0.1:7889", "publish": ["ffmpeg", "..."], "links": {"live": "/watch/live/cam?...", ...}, "screens": "folder"}'
//
// It publishes itself, for what a page says depends on when. "screens" is for people: every state in two widths, light and dark.
import { chromium } from 'playwright-core';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const options = { chromium: '/usr/bin/chromium', ...JSON.parse(process.argv[2]) };
const { server, links } = options;
const seen = { steps: {}, opened: {}, consoleErrors: [], referers: [], elsewhere: [], fault: '' };
const profile = await mkdtemp(join(tmpdir(), 'xlive-chromium-'));
let browser, publisher;

// Another site, with the page in a frame of its own.
const site = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end(`<!doctype html><title>site</title><link rel=icon href="data:,">
<iframe src="${server}${links.live}" width=320 height=180 allow="autoplay; fullscreen" style="border: 0"></iframe>`));
await new Promise(listening => site.listen(0, '127.0.0.1', listening));

const publish = () => { publisher = spawn(options.publish[0], options.publish.slice(1), { stdio: 'ignore' }); };
const unpublish = signal => new Promise(gone => {
  if (!publisher || publisher.exitCode !== null || publisher.signalCode !== null) return gone();
  publisher.once('exit', gone);
  publisher.kill(signal);
});
const stop = async () => {
  await unpublish('SIGKILL');
  await browser?.close().catch(() => {});
  site.close();
  await rm(profile, { recursive: true, force: true, maxRetries: 5 }).catch(() => {});
};
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, async () => { await stop(); process.exit(143); });

const until = async (what, look, ms = 40_000) => {
  for (const end = Date.now() + ms; Date.now() < end; await new Promise(r => setTimeout(r, 50)))
    if (await look().catch(() => false)) return;
  throw new Error(`not seen within ${ms} ms: ${typeof what === 'string' ? what : what()}`);
};
const look = page => page.evaluate(() => {
  const text = id => document.getElementById(id).innerText.trim();
  return {
    state: document.getElementById('stage').dataset.state, title: document.title, headline: text('headline'), detail: text('detail'), word: text('word'),
    time: video.currentTime, frames: video.getVideoPlaybackQuality().totalVideoFrames, muted: video.muted, paused: video.paused,
    facts: document.getElementById('facts').innerText.replace(/\s+/g, ' '), tooWide: document.documentElement.scrollWidth > innerWidth,
    buttons: [...document.querySelectorAll('button, input')].filter(e => e.checkVisibility()).map(e => e.ariaLabel || e.innerText.trim()),
  };
});
const at = (page, state) => until(() => `${state}, but ${JSON.stringify(page.last ?? '')}`, async () => (page.last = await look(page)).state === state);
const plays = async (page, seconds = 1) => {
  await at(page, 'playing');
  const from = (await look(page)).time;
  await until('a picture that moves', async () => (await look(page)).time >= from + seconds);
};
const opened = async () => (await (await fetch(server + '/stats')).json()).sessions.opened;
const note = async (page, step) => { seen.steps[step] = await look(page); seen.opened[step] = await opened(); await picture(page, step); };

async function picture(tab, step) {
  if (!options.screens || !tab.setViewportSize) return;
  await mkdir(options.screens, { recursive: true });
  for (const [width, height] of [[1280, 720], [390, 844]]) for (const colorScheme of ['light', 'dark']) {
    await tab.setViewportSize({ width, height });
    await tab.emulateMedia({ colorScheme });
    await tab.mouse.move(width / 2, 60);
    await tab.screenshot({ path: join(options.screens, `${step}-${width}-${colorScheme}.png`) });
  }
  await tab.setViewportSize({ width: 1280, height: 720 });
}

try {
  browser = await chromium.launchPersistentContext(profile, {
    executablePath: options.chromium, headless: true, locale: 'en-GB', viewport: { width: 1280, height: 720 },
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  const tab = await browser.newPage();
  browser.on('request', async r => {
    if (!r.url().startsWith(server) && !r.url().includes(`:${site.address().port}/`) && !/^(blob|data):/.test(r.url())) seen.elsewhere.push(r.url());
    seen.referers.push((await r.allHeaders().catch(() => ({}))).referer ?? '');
  });
  tab.on('console', m => ['error', 'warning'].includes(m.type()) && seen.consoleErrors.push(m.text()));
  tab.on('pageerror', e => seen.consoleErrors.push(String(e)));
  const open = link => tab.goto(server + link);

  await open(links.live);
  await at(tab, 'waiting');
  await note(tab, 'waiting');
  publish();
  await plays(tab);
  await tab.keyboard.press('i');
  await note(tab, 'playing');
  await tab.click('#sound');
  await tab.keyboard.press('k');
  await until('a pause', async () => (await look(tab)).paused);
  await note(tab, 'paused');
  await tab.click('#play');
  await plays(tab, 0.5);

  // Lost, not gone: the server keeps his place for a while.
  await unpublish('SIGKILL');
  await at(tab, 'interrupted');
  await note(tab, 'interrupted');
  publish();
  await plays(tab);

  // In a buffer with a hole hls.js moves on by a tenth of a second what waits, and here that may be to the last picture: the seek has no end then.
  await tab.evaluate(() => video.addEventListener('waiting', () => {
    const end = video.buffered.length && video.buffered.end(video.buffered.length - 1);
    if (!video.seeking && end - video.currentTime < 0.2) video.currentTime = end - 0.004;
  }));
  await unpublish('SIGTERM');
  await at(tab, 'ended');
  await note(tab, 'ended');
  publish();
  await plays(tab);
  await note(tab, 'again');

  await open(links.flv);
  await plays(tab);
  await tab.keyboard.press('i');
  await note(tab, 'flv');
  await open(links.inPath);
  await plays(tab, 0.2);
  await note(tab, 'inPath');
  await open(links.live + '&autoplay=0');
  await at(tab, 'ready');
  await note(tab, 'ready');
  await tab.click('#start');
  await plays(tab, 0.2);
  await note(tab, 'started');

  await tab.goto(`http://127.0.0.1:${site.address().port}/`);
  const frame = tab.frames()[1];
  await plays(frame);
  await note(frame, 'frame');

  await tab.addInitScript(() => {
    const knows = MediaSource.isTypeSupported.bind(MediaSource);
    MediaSource.isTypeSupported = type => type.includes('42E01E') || !type.includes('avc1') && knows(type);
  });
  await open(links.live);
  await at(tab, 'unplayable');
  await note(tab, 'unplayable');
  await unpublish('SIGTERM');

  for (const step of ['expired', 'noGrant', 'wrong', 'otherStream']) {
    await open(links[step]);
    await at(tab, 'refused');
    await note(tab, step);
  }

  await open(links.nobody);
  await at(tab, 'waiting');
  await browser.setOffline(true);
  await at(tab, 'offline');
  await picture(tab, 'offline');
  seen.steps.offline = await look(tab);
  await browser.setOffline(false);
  await at(tab, 'waiting');
} catch (e) {
  seen.fault = String(e.stack ?? e);
} finally {
  await stop();
}
seen.referers = [...new Set(seen.referers)];
console.log(JSON.stringify(seen));
