import mpegts from 'mpegts.js';
import { refusal, type Heard, type Player } from './fault';

export const isSupported = (): boolean => mpegts.getFeatureList().mseLivePlayback;

export function play(video: HTMLVideoElement, url: string, heard: Heard): Player {
  mpegts.LoggingControl.enableAll = false;
  // Faster than the stream until 0.3 s are left to play; what is more than two seconds behind is skipped.
  const flv = mpegts.createPlayer({ type: 'flv', isLive: true, url }, {
    enableStashBuffer: false, liveSync: true, liveSyncMaxLatency: 0.6, liveSyncTargetLatency: 0.3, liveSyncPlaybackRate: 1.1,
    liveBufferLatencyChasing: true, liveBufferLatencyMaxLatency: 2, liveBufferLatencyMinRemain: 0.3,
    // It asks with a policy of its own, which would send the page's address, and the token in it.
    referrerPolicy: 'strict-origin',
    autoCleanupSourceBuffer: true, autoCleanupMaxBackwardDuration: 30, autoCleanupMinBackwardDuration: 15,
  });
  const behind = () => video.buffered.length ? video.buffered.end(video.buffered.length - 1) - video.currentTime : NaN;
  flv.on(mpegts.Events.ERROR, (_type: string, detail: string, info: { code?: number; msg?: string }) => {
    if (detail === mpegts.ErrorDetails.NETWORK_STATUS_CODE_INVALID) heard.fault(refusal(info.code ?? 0, ''));
    else if (detail === mpegts.ErrorDetails.MEDIA_CODEC_UNSUPPORTED) heard.fault({ kind: 'codec', name: info.msg?.match(/[\w.]+$/)?.[0] ?? '' });
    else heard.fault({ kind: 'broken' });
  });
  flv.on(mpegts.Events.LOADING_COMPLETE, () => heard.ended());
  flv.attachMediaElement(video);
  flv.load();
  return {
    protocol: () => 'HTTP-FLV',
    latency: behind,
    target: () => 0.5,
    toLive: () => {
      if (behind() > 0.5) video.currentTime += behind() - 0.3;
    },
    rest: () => flv.unload(),
    resume: () => {
      flv.load();
      void flv.play();
    },
    destroy: () => flv.destroy(),
  };
}
