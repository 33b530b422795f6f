import Hls, { ErrorDetails, Events, type ErrorData } from 'hls.js';
import { refusal, type Heard, type Player } from './fault';

// Seconds: more than hls.js moves a picture that waits (nudgeOffset) and the difference of what picture and sound last.
const closeToEnd = 0.5;

export const isSupported = (): boolean => Hls.isSupported();

export function play(video: HTMLVideoElement, url: string, heard: Heard): Player {
  // Where hls.js stays behind the live edge follows from PART-HOLD-BACK. A tenth faster is hardly heard, and makes up for a second in ten. Without a worker:
  // fragmented MP4 is only cut, and a policy that allows no blob may stay strict.
  const hls = new Hls({
    lowLatencyMode: true, maxLiveSyncPlaybackRate: 1.1, backBufferLength: 20, maxBufferLength: 20, liveDurationInfinity: true, enableWorker: false,
  });
  let mediaFaults = 0;
  hls.on(Events.ERROR, (_, error) => {
    if (!error.fatal) return;
    if (error.type === Hls.ErrorTypes.MEDIA_ERROR && !isCodec(error) && mediaFaults++ < 2) hls.recoverMediaError();
    else heard.fault(faultOf(error));
  });
  const ended = () => heard.ended();
  video.addEventListener('ended', ended);
  // hls.js closes Media Source only where all that is buffered is one piece, and where a publisher came back there is a hole of a frame; nor does it where a last
  // part did not come whole. Then the picture stands still, and no event says that this was all. It may even seek for ever: over holes hls.js moves it on by a
  // tenth of a second, and that near the end Chromium waits for more.
  let at = NaN;
  const still = setInterval(() => {
    const details = hls.latestLevelDetails;
    if (details?.live === false && !video.paused && video.currentTime === at && (!video.seeking || at > details.edge - closeToEnd)) ended();
    at = video.currentTime;
  }, 2000);
  hls.loadSource(url);
  hls.attachMedia(video);

  const toLive = () => {
    if (hls.liveSyncPosition !== null) video.currentTime = hls.liveSyncPosition;
  };
  // Further behind than one target duration hls.js takes for wanted, and leaves it: after a laptop has slept, it is not.
  const watch = () => {
    const details = hls.latestLevelDetails;
    if (details?.live && !video.paused && hls.targetLatency && hls.latency > hls.targetLatency + Math.max(details.targetduration, 4)) toLive();
  };
  hls.on(Events.LEVEL_UPDATED, watch);
  return {
    protocol: () => hls.latestLevelDetails?.partTarget ? 'LL-HLS' : 'HLS',
    latency: () => hls.latestLevelDetails?.live && video.readyState > 1 ? hls.latency : NaN,
    target: () => hls.targetLatency ?? 0,
    toLive,
    rest: () => hls.stopLoad(),
    resume: () => {
      hls.once(Events.LEVEL_UPDATED, toLive);
      hls.startLoad(-1);
    },
    destroy: () => {
      clearInterval(still);
      video.removeEventListener('ended', ended);
      hls.destroy();
    },
  };
}

const isCodec = (error: ErrorData) =>
  error.details === ErrorDetails.MANIFEST_INCOMPATIBLE_CODECS_ERROR || error.details === ErrorDetails.BUFFER_ADD_CODEC_ERROR
  || error.details === ErrorDetails.BUFFER_INCOMPATIBLE_CODECS_ERROR;

function faultOf(error: ErrorData) {
  // Of a playlist whose every variant is unknown hls.js has the names in its words alone.
  if (isCodec(error)) return { kind: 'codec', name: /(?:codecs="?|supported: \[")([^"]+)/.exec(`${error.mimeType ?? ''} ${error.error.message}`)?.[1] ?? '' } as const;
  const details = error.networkDetails as XMLHttpRequest | undefined;
  return error.response?.code ? refusal(error.response.code, details?.responseText ?? '') : { kind: 'broken' } as const;
}
