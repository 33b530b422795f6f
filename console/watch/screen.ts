// What is seen: the card over the picture, and what a state of it says.
import { language, say, refusalWords, type Word } from './words';

export const $ = <T extends Element = HTMLElement>(id: string) => document.getElementById(id) as unknown as T;

export const stage = $('stage');
export const video = $<HTMLVideoElement>('video');

export type State = 'loading' | 'ready' | 'playing' | 'waiting' | 'interrupted' | 'ended' | 'refused' | 'offline' | 'busy' | 'unplayable';

document.documentElement.lang = language;

export function show(state: State, headline = '', detail = '', { word = '', again = false } = {}): void {
  stage.dataset.state = state;
  // A sentence that stands there already must not be read out again.
  for (const [id, text] of [['headline', headline], ['detail', detail]] as const)
    if ($(id).textContent !== text) $(id).textContent = text;
  $('word').textContent = word;
  $('word').hidden = !word;
  $('again').textContent = say('again');
  $('again').hidden = !again;
  $('start').hidden = state !== 'ready';
  video.setAttribute('aria-busy', String(state === 'loading'));
}

const ofTwo = (state: State) => (word: Word) => () => show(state, say(word), say(`${word}Detail` as Word));

export const showWaiting = ofTwo('waiting')('waiting');
export const showInterrupted = ofTwo('interrupted')('interrupted');
export const showEnded = ofTwo('ended')('ended');
export const showOffline = ofTwo('offline')('offline');
export const showBusy = ofTwo('busy')('busy');
export const showLoading = () => show('loading', say('loading'));

export function showRefused(status: number, word: string): void {
  const [headline, detail, again] = refusalWords(status, word);
  show('refused', say(headline), say(detail), { word: [status || '', word].join(' ').trim(), again });
}

export function showUnplayable(codec: string): void {
  show('unplayable', say('unplayable'), codec ? say('unplayableDetail', { name: codec }) : say('unplayableOther'));
}
