// Reads a stream as a player does, by the same FFmpeg as publish.mjs: one line for each of its tracks, with how many packets of it came.
//
//   node play.mjs URL PACKETS [FOURCCS]      until so many packets have come in all, or the stream ends; of RTMP, with the codecs that it says it takes
import { createRequire } from 'node:module';

const ffmpeg = createRequire(import.meta.url)(`@seydx/node-av-linux-${process.arch}/node-av.node`);
const [url, packets, fourCcs] = process.argv.slice(2);

function must(what, code) {
  if (code < 0) throw new Error(`${what}: ${ffmpeg.FFmpegError.strerror?.(code) ?? code}`);
}

const options = new ffmpeg.Dictionary();
options.alloc();
if (fourCcs) options.set('rtmp_enhanced_codecs', fourCcs, 0);
const input = new ffmpeg.FormatContext();
must('open', input.openInputSync(url, null, options));
must('look', input.findStreamInfoSync(null));
const counts = input.streams.map(() => 0);
const packet = new ffmpeg.Packet();
packet.alloc();
for (let left = Number(packets); left > 0 && input.readFrameSync(packet) >= 0; left--) counts[packet.streamIndex]++;
for (const [i, { codecpar }] of input.streams.entries()) {
  const kind = codecpar.width > 0 ? `${codecpar.width}x${codecpar.height}` : `${codecpar.sampleRate}/${codecpar.channels}`;
  console.log(`${ffmpeg.avGetCodecName(codecpar.codecId)} ${kind} ${counts[i]}`);
}
