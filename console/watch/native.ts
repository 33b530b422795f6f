// Where the browser itself plays HLS and lets no script do it: iPhones before iOS 17.1.
import type { Heard, Player } from './fault';

export const isSupported = (video: HTMLVideoElement): boolean => video.canPlayType('application/vnd.apple.mpegurl') !== '';

export function play(video: HTMLVideoElement, url: string, heard: Heard): Player {
  const ended = () => heard.ended();
  const failed = () => heard.fault(video.error?.code === MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED && video.readyState > 0 ? { kind: 'codec', name: '' } : { kind: 'broken' });
  video.addEventListener('ended', ended);
  video.addEventListener('error', failed);
  video.src = url;
  const toLive = () => {
    if (video.seekable.length) video.currentTime = video.seekable.end(video.seekable.length - 1);
  };
  return {
    protocol: () => 'HLS',
    latency: () => NaN,
    target: () => 0,
    toLive,
    rest: () => {},
    resume: toLive,
    destroy: () => {
      video.removeEventListener('ended', ended);
      video.removeEventListener('error', failed);
      video.removeAttribute('src');
      video.load();
    },
  };
}
