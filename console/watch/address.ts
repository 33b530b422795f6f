// What the page's own address says: /watch/{app}/{stream}, the grant, and how to play. A grant may also stand in the path before that, so what is fetched is
// named relative to the page.

export type Choice = 'hls' | 'flv';

export interface Address {
  stream: string;
  hls: string;
  flv: string;
  player: Choice | null;
  autoplay: boolean;
  muted: boolean;
}

const options = ['player', 'autoplay', 'muted'];

export function readAddress(location: { href: string; pathname: string; search: string }): Address {
  const [app = '', stream = ''] = location.pathname.split('/').slice(-2);
  const given = new URLSearchParams(location.search);
  // All that is not for the page is for what it fetches, as it was written: the grant, container=ts, low_latency=0.
  const grant = location.search.slice(1).split('&').filter(pair => pair && !options.includes(pair.split('=', 1)[0]!)).join('&');
  const fetched = (extension: string) => new URL(`../../${app}/${stream}${extension}${grant && '?' + grant}`, location.href).href;
  const yes = (name: string, otherwise: boolean) => given.has(name) ? !['0', 'false', 'no'].includes(given.get(name)!) : otherwise;
  const autoplay = yes('autoplay', true);
  const player = given.get('player');
  return {
    stream: decodeURIComponent(stream), hls: fetched('.m3u8'), flv: fetched('.flv'),
    player: player === 'hls' || player === 'flv' ? player : null,
    // Browsers start nothing with sound that nobody has asked for; who presses the button has.
    autoplay, muted: yes('muted', autoplay),
  };
}
