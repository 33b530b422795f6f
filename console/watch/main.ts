// The page of one live stream: asks whether there is something to play, plays it, and says what stands when it cannot.
import { readAddress } from './address';
import { ask, reason } from './ask';
import { setUpControls } from './controls';
import type { Fault, Player } from './fault';
import * as native from './native';
import { $, show, showBusy, showEnded, showInterrupted, showLoading, showOffline, showRefused, showUnplayable, showWaiting, stage, video } from './screen';

const address = readAddress(location);
document.title = address.stream;

// iPhones before iOS 17.1 have none, and play HLS themselves.
const media = 'MediaSource' in window || 'ManagedMediaSource' in window;

const pauses = [1, 2, 4, 8, 10];
// What failed again within this time has not been mended by beginning anew.
const steadyAfter = 10_000;
const restAfter = 10_000;
// The server keeps an event open for a publisher who comes back: live.reconnect_grace, 30 s.
const mostSilence = 45_000;

type Way = 'hls' | 'flv';

let player: Player | null = null;
let turn = 0;
let tries = 0;
let brokenInARow = 0;
let life = '', endedLife: string | null = null;
let began = 0, moved = 0;
let timer = 0, rest = 0, resting = false;
let hasPlayed = false, isWanted = true;

function stop(): void {
  turn++;
  clearTimeout(timer);
  player?.destroy();
  player = null;
  resting = false;
}

/** Looks again later, each time a little later, and never with all the others who saw the same stream end. */
function later(seconds = pauses[Math.min(tries++, pauses.length - 1)]!): void {
  clearTimeout(timer);
  timer = setTimeout(look, seconds * (800 + 400 * Math.random())) as unknown as number;
}

async function look(): Promise<void> {
  stop();
  const mine = turn;
  let way: Way = address.player === 'flv' && media ? 'flv' : 'hls';
  if (!media && !native.isSupported(video)) return showUnplayable('');
  // On its way while the server is asked.
  load(way).catch(() => {});
  let answer = await ask(address[way]);
  // There is a publisher, and no HLS of what he sends.
  if (answer.is === 'missing' && way === 'hls' && address.player === null && media && (await ask(address.flv)).is === 'there')
    [answer, way] = [{ is: 'there', life: '' }, 'flv'];
  if (mine !== turn) return;
  switch (answer.is) {
    case 'there':
      if (endedLife !== null && answer.life !== '' && answer.life === endedLife) return later(5);
      life = answer.life;
      return begin(way);
    case 'missing':
      if (endedLife === null) showWaiting();
      else showEnded();
      return later();
    case 'busy':
      showBusy();
      return later(Math.min(answer.seconds, 60));
    case 'away':
      showOffline();
      return later();
    case 'refused':
      return showRefused(answer.fault.status, answer.fault.word);
  }
}

/** Only what is played with is fetched. */
function load(way: Way) {
  return way === 'flv' ? import('./flv') : media ? import('./hls') : Promise.resolve(native);
}

async function begin(way: Way): Promise<void> {
  const mine = turn;
  showLoading();
  let module: Awaited<ReturnType<typeof load>>;
  try {
    module = await load(way);
  } catch {
    // The page's own file did not come.
    showOffline();
    return later();
  }
  if (mine !== turn) return;
  if (!module.isSupported(video)) return showUnplayable('');
  began = moved = performance.now();
  player = module.play(video, address[way], {
    fault: fault => {
      if (mine === turn) failed(fault, way);
    },
    ended: () => {
      if (mine === turn) ended();
    },
  });
  await play();
}

async function play(): Promise<void> {
  try {
    await video.play();
  } catch (e) {
    if (!(e instanceof DOMException) || e.name !== 'NotAllowedError') return;
    if (video.muted) return show('ready');
    // Without sound it may begin, and a button gives it back.
    video.muted = true;
    await play();
  }
}

function ended(): void {
  stop();
  endedLife = life;
  tries = 1;
  showEnded();
  later();
}

function failed(fault: Fault, way: Way): void {
  const isSteady = performance.now() - began > steadyAfter;
  stop();
  switch (fault.kind) {
    case 'refused':
      // Below the session's path: the session's time is over, and the link may open another.
      if (fault.status !== 403 && isSteady) return void look();
      return void explain(fault, way);
    case 'codec':
      return showUnplayable(fault.name);
    default:
      if (!isWanted) return show('ready');
      if (stage.dataset.state === 'playing') showLoading();
      brokenInARow = isSteady ? 1 : brokenInARow + 1;
      if (brokenInARow > 5) return showUnplayable('');
      return later();
  }
}

async function explain(fault: Extract<Fault, { kind: 'refused' }>, way: Way): Promise<void> {
  const mine = turn, told = fault.word ? fault : await reason(address[way]);
  if (mine !== turn) return;
  if (told.kind === 'refused') showRefused(told.status, told.word);
  else later();
}

const wishes = {
  toggle(): void {
    if (stage.dataset.state === 'ready') isWanted = true;
    if (stage.dataset.state === 'ready' && !player) return void look();
    if (!player) return;
    isWanted = video.paused;
    if (isWanted) void play();
    else video.pause();
  },
  toLive(): void {
    if (!player) return;
    isWanted = true;
    player.toLive();
    if (video.paused) void play();
  },
  retry(): void {
    tries = brokenInARow = 0;
    showLoading();
    void look();
  },
};

video.addEventListener('playing', () => {
  hasPlayed = true;
  endedLife = null;
  tries = 0;
  show('playing');
  $('sound').hidden = !video.muted;
});
// To be started while its source is being changed is no answer.
video.addEventListener('canplay', () => {
  if (player && isWanted && video.paused && stage.dataset.state !== 'ready') void play();
});
video.addEventListener('pause', () => {
  clearTimeout(rest);
  // Nobody looks, so nothing is fetched, and nothing is charged.
  rest = setTimeout(() => {
    if (!player || !video.paused) return;
    resting = true;
    player.rest();
  }, restAfter) as unknown as number;
});
video.addEventListener('play', () => {
  clearTimeout(rest);
  if (resting) player?.resume();
  else if (hasPlayed && player && player.latency() > 3) player.toLive();
  resting = false;
  moved = performance.now();
});
// Whether the picture moves, by the pictures: players mend small gaps by moving the clock. Out of sight a browser may draw none.
let mark = 0;
setInterval(() => {
  const at = document.hidden || !video.videoWidth ? video.currentTime : video.getVideoPlaybackQuality().totalVideoFrames, now = performance.now();
  if (at !== mark || !player || video.paused) moved = now;
  const silence = now - moved, state = stage.dataset.state;
  if (at !== mark && player && !video.paused && (state === 'loading' || state === 'interrupted')) show('playing');
  mark = at;
  if (silence > mostSilence) failed({ kind: 'broken' }, 'hls');
  else if (silence > 6000 && hasPlayed && state !== 'interrupted') showInterrupted();
  else if (silence > 1000 && state === 'playing') showLoading();
}, 500);
addEventListener('online', () => {
  if (!player && stage.dataset.state === 'offline') void look();
});

video.muted = address.muted;
// iPhones give the managed kind of Media Source only to what does not go to another screen.
if (!('MediaSource' in window)) video.disableRemotePlayback = true;
setUpControls(address.stream, () => player, wishes);

const [status = '', word = ''] = (document.documentElement.dataset.refused ?? '').split(' ');
if (status && status !== '503') showRefused(Number(status), word);
else if (address.autoplay) void look();
else show('ready');
