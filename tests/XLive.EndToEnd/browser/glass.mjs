// How long a picture takes from where it was drawn to where it is seen, in Chromium, with the time that clock.py drew into it; one line of JSON.
//
//   node glass.mjs '{"url": "...", "seconds": 15, "player": "hls.js", "chromium": "/usr/bin/chromium"}'
//
// player: hls.js, mpegts.js, or native (Chromium's own HLS). switchEvery: with hls.js, so many seconds between one quality and the next.
import { chromium } from 'playwright-core';
import { readFile, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const options = { seconds: 15, player: 'hls.js', chromium: '/usr/bin/chromium', config: {}, ...JSON.parse(process.argv[2]) };
const require = createRequire(import.meta.url);
const files = { '/hls.js': 'hls.js/dist/hls.min.js', '/mpegts.js': 'mpegts.js/dist/mpegts.js' };
for (const [path, name] of Object.entries(files)) files[path] = await readFile(require.resolve(name));

const page = `<!doctype html><link rel=icon href="data:,"><video muted playsinline width=320 height=180></video><script src=hls.js></script><script src=mpegts.js></script><script>
const video = document.querySelector('video');
const canvas = document.createElement('canvas');
[canvas.width, canvas.height] = [320, 180];
const context = canvas.getContext('2d', { willReadFrequently: true });
const report = window.report = { seen: [], unreadable: 0, waiting: 0, errors: [], started: 0, presented: 0, dropped: 0, levels: [], ranges: 0 };
/** The time that stands in the picture; 0: its parity is wrong. */
function drawn() {
  context.drawImage(video, 0, 0, 320, 180);
  const pixels = context.getImageData(0, 0, 320, 48).data;
  let time = 0, parity = 0;
  for (let i = 0; i <= 44; i++) {
    const x = (i % 20) * 16 + 8, y = Math.floor(i / 20) * 16 + 8;
    const bit = pixels[(y * 320 + x) * 4] > 128 ? 1 : 0;
    parity ^= bit;
    if (i < 44) time = time * 2 + bit;
  }
  return parity ? 0 : time;
}
function look(now, frame) {
  const time = drawn();
  report.presented = frame.presentedFrames;
  report.ranges = Math.max(report.ranges, video.buffered.length);
  if (time) report.seen.push([Math.round(now), Math.round(performance.timeOrigin + frame.expectedDisplayTime - time), time]);
  else report.unreadable++;
  video.requestVideoFrameCallback(look);
}
video.requestVideoFrameCallback(look);
video.addEventListener('playing', () => { report.started ||= performance.now(); });
video.addEventListener('waiting', () => { if (report.started) report.waiting++; });
window.play = (player, url, config) => {
  if (player === 'mpegts.js') {
    const flv = mpegts.createPlayer({ type: 'flv', isLive: true, url }, { enableStashBuffer: false, liveBufferLatencyChasing: true, ...config });
    flv.on(mpegts.Events.ERROR, (...what) => report.errors.push(what.join(' ')));
    flv.attachMediaElement(video);
    flv.load();
  } else if (player === 'native') {
    video.src = url;
  } else {
    const hls = window.hls = new Hls({ lowLatencyMode: true, ...config });
    hls.on(Hls.Events.ERROR, (_, e) => report.errors.push(e.type + ' ' + e.details + (e.fatal ? ' fatal' : '') + ' ' + (e.response?.code ?? '')));
    hls.on(Hls.Events.LEVEL_SWITCHED, (_, e) => report.levels.push(hls.levels[e.level].height));
    hls.loadSource(url);
    hls.attachMedia(video);
  }
  video.play().catch(e => report.errors.push(String(e)));
};
</script>`;

const site = createServer((request, response) => {
  if (request.url === '/') response.setHeader('Content-Type', 'text/html').end(page);
  else if (files[request.url]) response.setHeader('Content-Type', 'text/javascript').end(files[request.url]);
  else response.writeHead(404).end();
});
await new Promise(listening => site.listen(0, '127.0.0.1', listening));
const profile = await mkdtemp(join(tmpdir(), 'xlive-chromium-'));
let browser;
const stop = async () => {
  await browser?.close().catch(() => {});
  site.close();
  await rm(profile, { recursive: true, force: true, maxRetries: 5 }).catch(() => {});
};
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, async () => { await stop(); process.exit(143); });

const at = (sorted, share) => sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] : -1;
let result = {};
try {
  browser = await chromium.launchPersistentContext(profile, {
    executablePath: options.chromium, headless: true,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--autoplay-policy=no-user-gesture-required', '--ignore-certificate-errors'],
  });
  const tab = await browser.newPage();
  const protocols = {};
  const session = await browser.newCDPSession(tab);
  await session.send('Network.enable');
  session.on('Network.responseReceived', e => { const p = e.response.protocol; if (!e.response.url.includes(`:${site.address().port}/`)) protocols[p] = (protocols[p] ?? 0) + 1; });
  await tab.goto(`http://127.0.0.1:${site.address().port}/`);
  await tab.evaluate(([player, url, config]) => window.play(player, url, config), [options.player, options.url, options.config]);
  if (options.switchEvery)
    await tab.evaluate(every => setInterval(() => { if (report.started) hls.nextLevel = (hls.currentLevel + 1) % hls.levels.length; }, every), options.switchEvery * 1000);
  await new Promise(passed => setTimeout(passed, options.seconds * 1000));
  const report = await tab.evaluate(() => ({ ...window.report, now: performance.now(), target: window.hls?.targetLatency ?? 0, ...video.getVideoPlaybackQuality?.() && { dropped: video.getVideoPlaybackQuality().droppedVideoFrames } }));
  // The first 30 % is how it began.
  const from = report.started + (report.now - report.started) * 0.3;
  const seen = report.seen.filter(([when]) => when >= from);
  const of = list => list.map(([, late]) => late).sort((a, b) => a - b);
  const [all, first, last] = [of(seen), of(seen.slice(0, seen.length / 3)), of(seen.slice(-seen.length / 3))];
  result = {
    started: Math.round(report.started), seconds: (report.now - from) / 1000, pictures: seen.length, unreadable: report.unreadable, waiting: report.waiting, dropped: report.dropped,
    p5: at(all, 0.05), p50: at(all, 0.5), p95: at(all, 0.95), most: at(all, 1), slope: at(last, 0.5) - at(first, 0.5), target: report.target, errors: report.errors, protocols,
    levels: report.levels, ranges: report.ranges, step: seen.reduce((most, [, , time], i) => i ? Math.max(most, time - seen[i - 1][2]) : 0, 0),
  };
} catch (e) {
  result = { errors: ['browser: ' + e], pictures: 0 };
} finally {
  await stop();
}
console.log(JSON.stringify(result));
