// The bar below the picture, the keys, and the corner with figures.
import type { Player } from './fault';
import { $, stage, video } from './screen';
import { say } from './words';

const idleAfter = 2500;
// Seconds more than the player wants are not live any more: a pause, a sleep.
const liveWithin = 4;

// iPhones make the video alone as large as the screen.
type PhoneVideo = HTMLVideoElement & { webkitEnterFullscreen?: () => void };

export interface Wishes {
  toggle(): void;
  toLive(): void;
  retry(): void;
}

export function setUpControls(name: string, player: () => Player | null, wishes: Wishes): void {
  const volume = $<HTMLInputElement>('volume'), facts = $('facts'), info = $('info');
  const label = (id: string, text: string) => {
    $(id).setAttribute('aria-label', text);
    $(id).title = text;
  };
  $('bar').setAttribute('aria-label', say('player'));
  $('name').textContent = name;
  $('live-word').textContent = say('live');
  $('start').setAttribute('aria-label', say('start', { name }));
  $('sound').textContent = say('unmute');
  label('volume', say('volume'));
  label('info', say('info'));

  const drawPlay = () => {
    stage.classList.toggle('paused', video.paused);
    label('play', say(video.paused ? 'play' : 'pause'));
  };
  const drawSound = () => {
    const silent = video.muted || video.volume === 0;
    stage.classList.toggle('silent', silent);
    label('mute', say(silent ? 'unmute' : 'mute'));
    volume.value = String(video.muted ? 0 : video.volume);
    if (!silent) $('sound').hidden = true;
  };
  const drawFull = () => {
    stage.classList.toggle('full', document.fullscreenElement !== null);
    label('full', say(document.fullscreenElement ? 'leaveFull' : 'full'));
  };
  const drawLive = () => {
    const late = player()?.latency() ?? NaN;
    const isLive = stage.dataset.state === 'playing' && !video.paused && !(late > player()!.target() + liveWithin);
    stage.classList.toggle('live', isLive);
    label('live', say(isLive ? 'live' : 'toLive'));
    if (facts.hidden) return;
    const rows: [string, string][] = [
      [say('behind'), Number.isFinite(late) ? say('seconds', { n: late.toFixed(1) }) : '–'],
      [say('size'), video.videoWidth ? `${video.videoWidth} × ${video.videoHeight}` : '–'],
      [say('way'), player()?.protocol() ?? '–'],
    ];
    facts.replaceChildren(...rows.flatMap(([term, value]) => {
      const dt = document.createElement('dt'), dd = document.createElement('dd');
      [dt.textContent, dd.textContent] = [term, value];
      return [dt, dd];
    }));
  };

  const mute = () => {
    video.muted = !(video.muted || video.volume === 0);
    if (!video.muted && video.volume === 0) video.volume = 1;
  };
  const louder = (by: number) => {
    video.volume = Math.min(1, Math.max(0, (video.muted ? 0 : video.volume) + by));
    video.muted = false;
  };
  const toggleFull = () => {
    if (document.fullscreenElement) void document.exitFullscreen();
    else if (document.fullscreenEnabled) void stage.requestFullscreen().catch(() => {});
    else (video as PhoneVideo).webkitEnterFullscreen?.();
  };
  const toggleFacts = () => {
    facts.hidden = !facts.hidden;
    info.setAttribute('aria-expanded', String(!facts.hidden));
    drawLive();
  };

  for (const event of ['play', 'pause', 'emptied']) video.addEventListener(event, drawPlay);
  video.addEventListener('volumechange', drawSound);
  document.addEventListener('fullscreenchange', drawFull);
  setInterval(drawLive, 500);
  volume.addEventListener('input', () => {
    video.volume = volume.valueAsNumber;
    video.muted = video.volume === 0;
  });
  for (const [id, act] of [['play', wishes.toggle], ['start', wishes.toggle], ['mute', mute], ['sound', mute], ['live', wishes.toLive], ['info', toggleFacts],
    ['full', toggleFull], ['again', wishes.retry]] as const) $(id).addEventListener('click', act);
  // On a touch screen the first touch brings the bar; here, for on its way up it wakes it.
  let onlyWakes = false;
  video.addEventListener('pointerdown', event => { onlyWakes = event.pointerType === 'touch' && stage.classList.contains('idle'); });
  video.addEventListener('click', () => {
    if (!onlyWakes) wishes.toggle();
  });
  video.addEventListener('dblclick', toggleFull);

  const keys: Record<string, () => void> = {
    ' ': wishes.toggle, k: wishes.toggle, m: mute, f: toggleFull, i: toggleFacts, l: wishes.toLive, ArrowUp: () => louder(0.1), ArrowDown: () => louder(-0.1),
  };
  addEventListener('keydown', event => {
    const at = event.target as Element, act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    // A button takes the space bar for itself, and the slider the arrows.
    if (!act || event.ctrlKey || event.altKey || event.metaKey || (at instanceof HTMLButtonElement && event.key === ' ') || at === volume) return;
    event.preventDefault();
    act();
  });

  let idle = 0;
  const wake = () => {
    stage.classList.remove('idle');
    clearTimeout(idle);
    idle = setTimeout(() => {
      if (!video.paused && !document.activeElement?.matches('#bar :focus-visible')) stage.classList.add('idle');
    }, idleAfter) as unknown as number;
  };
  for (const event of ['pointermove', 'pointerdown', 'keydown', 'focusin']) addEventListener(event, wake);
  video.addEventListener('play', wake);
  for (const draw of [drawPlay, drawSound, drawFull, drawLive, wake]) draw();
}
