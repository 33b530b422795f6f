// Plays an HLS address to its end in Chromium with hls.js, and prints what happened as one line of JSON.
//
//   node play.mjs '{"url": "...", "timeout": 60, "rate": 2, "chromium": "/usr/bin/chromium"}'
//
// The page comes from a server of its own: another origin than the film's, so that the browser asks for CORS.
import { chromium } from 'playwright-core';
import { readFile, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const options = { timeout: 60, rate: 2, chromium: '/usr/bin/chromium', config: {}, args: [], ...JSON.parse(process.argv[2]) };
const require = createRequire(import.meta.url);
const library = await readFile(require.resolve('hls.js/dist/hls.min.js'));
const mpegts = await readFile(require.resolve('mpegts.js/dist/mpegts.js'));

const ours = `<!doctype html><title>player</title><link rel=icon href="data:,"><video muted playsinline width=320></video><script src=hls.js></script><script>
const video = document.querySelector('video');
const report = window.report = { ended: false, currentTime: 0, duration: 0, errors: [], levels: 0, audioTracks: 0, decodedFrames: 0,
  started: 0, stalls: 0, stalled: 0 };
window.play = (url, rate, config) => new Promise(done => {
  const hls = new Hls(config);
  const update = () => Object.assign(report, {
    ended: video.ended, currentTime: video.currentTime, duration: Number.isFinite(video.duration) ? video.duration : -1,
    levels: hls.levels.length, audioTracks: hls.audioTracks.length, decodedFrames: video.getVideoPlaybackQuality().totalVideoFrames,
  });
  hls.on(Hls.Events.ERROR, (_, e) => {
    report.errors.push({ type: e.type, details: e.details, fatal: e.fatal, status: e.response?.code ?? 0 });
    if (e.fatal) { update(); done(report); }
  });
  hls.on(Hls.Events.MANIFEST_PARSED, () => { video.playbackRate = rate; video.play(); });
  // Seconds until the first picture moves, and how often and how long it stood still after that.
  const began = performance.now();
  let waits = 0;
  video.addEventListener('playing', () => {
    const now = performance.now();
    if (!report.started) report.started = (now - began) / 1000;
    end(now);
  });
  video.addEventListener('waiting', () => {
    if (report.started && !waits) waits = performance.now();
  });
  // Three pictures long or more: below that nobody sees it.
  const end = now => {
    if (waits && now - waits >= 120) {
      report.stalls++;
      report.stalled += (now - waits) / 1000;
    }
    waits = 0;
  };
  window.settle = () => { end(performance.now()); return report; };
  video.addEventListener('ended', () => { update(); done(report); });
  video.addEventListener('timeupdate', update);
  hls.loadSource(url);
  hls.attachMedia(video);
});
</script>`;

const site = createServer((request, response) => {
  if (request.url === '/') response.setHeader('Content-Type', 'text/html').end(options.page ? `<!doctype html><link rel=icon href="data:,">${options.page}` : ours);
  else if (request.url === '/hls.js') response.setHeader('Content-Type', 'text/javascript').end(library);
  else if (request.url === '/mpegts.js') response.setHeader('Content-Type', 'text/javascript').end(mpegts);
  else response.writeHead(404).end();
});
await new Promise(listening => site.listen(0, '127.0.0.1', listening));

const profile = await mkdtemp(join(tmpdir(), 'xlive-chromium-'));
let browser, result = { ended: false, errors: [] };
const requests = [], consoleErrors = [];
const stop = async () => {
  await browser?.close().catch(() => {});
  site.close();
  await rm(profile, { recursive: true, force: true, maxRetries: 5 }).catch(() => {});
};
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, async () => { await stop(); process.exit(143); });

try {
  browser = await chromium.launchPersistentContext(profile, {
    executablePath: options.chromium,
    headless: true,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required',
      // The certificates of the tests are known to nobody.
      '--ignore-certificate-errors', ...options.args],
  });
  const tab = await browser.newPage();
  const film = new URL(options.url).origin;
  const kept = url => url.startsWith(film);
  tab.on('response', r => kept(r.url()) && requests.push({ url: r.url(), method: r.request().method(), status: r.status() }));
  tab.on('requestfailed', r => kept(r.url()) &&
    requests.push({ url: r.url(), method: r.method(), status: 0, failure: r.failure()?.errorText ?? '' }));
  tab.on('console', m => m.type() === 'error' && consoleErrors.push(m.text()));
  // A page of somebody else's brings hls.js from a CDN; here it comes from the package.
  await tab.route(/^https:.*hls\.js/, route => route.fulfill({ contentType: 'text/javascript', body: library }));
  await tab.goto(`http://127.0.0.1:${site.address().port}/`);
  let timer;
  const timeout = new Promise(late => { timer = setTimeout(() => late(null), options.timeout * 1000); });
  const watch = rate => new Promise(done => {
    const video = document.querySelector('video');
    const report = window.report = { ended: false, currentTime: 0, duration: 0, errors: [], levels: 0, audioTracks: 0, decodedFrames: 0 };
    const update = () => Object.assign(report, {
      ended: video.ended, currentTime: video.currentTime, duration: Number.isFinite(video.duration) ? video.duration : -1,
      decodedFrames: video.getVideoPlaybackQuality().totalVideoFrames,
    });
    video.addEventListener('playing', () => { video.playbackRate = rate; });
    video.addEventListener('timeupdate', update);
    video.addEventListener('ended', () => { update(); done(report); });
  });
  const played = options.page ? tab.evaluate(watch, options.rate)
    : tab.evaluate(([url, rate, config]) => window.play(url, rate, config), [options.url, options.rate, options.config]);
  result = await Promise.race([played.catch(e => ({ ended: false, errors: [{ type: 'page', details: String(e), fatal: true, status: 0 }] })), timeout])
    ?? { ...await tab.evaluate(() => window.settle ? window.settle() : window.report), timedOut: true };
  clearTimeout(timer);
} catch (e) {
  result.errors.push({ type: 'browser', details: String(e), fatal: true, status: 0 });
} finally {
  await stop();
}
console.log(JSON.stringify({ timedOut: false, ...result, consoleErrors, requests }));
