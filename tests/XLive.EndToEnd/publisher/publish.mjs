// Pushes a file to an RTMP server by the libavformat of a newer FFmpeg than Debian's, as `ffmpeg -re -i FILE -c copy -f flv URL` does.
//
//   node publish.mjs FILE URL      prints FFmpeg's version first; where the URL is a file it is written at once, with the bytes that a server would be sent
import { createRequire } from 'node:module';
import { setTimeout } from 'node:timers/promises';

const ffmpeg = createRequire(import.meta.url)(`@seydx/node-av-linux-${process.arch}/node-av.node`);
const [file, url] = process.argv.slice(2);

function must(what, code) {
  if (code < 0) throw new Error(`${what}: ${ffmpeg.FFmpegError.strerror?.(code) ?? code}`);
}

console.log(ffmpeg.getFFmpegInfo().version);
const input = new ffmpeg.FormatContext();
must('open', input.openInputSync(file, null, null));
must('look', input.findStreamInfoSync(null));
const output = new ffmpeg.FormatContext();
must('prepare', output.allocOutputContext2(null, 'flv', url));
const sources = input.streams;
for (const source of sources) {
  const stream = output.newStream(null);
  must('describe', source.codecpar.copy(stream.codecpar));
  // The file's own tag means nothing in FLV.
  stream.codecpar.codecTag = 0;
}
must('connect', output.openOutputSync());
must('begin', output.writeHeaderSync(null));

const began = performance.now();
const packet = new ffmpeg.Packet();
packet.alloc();
while (input.readFrameSync(packet) >= 0) {
  const { num, den } = sources[packet.streamIndex].timeBase;
  if (url.startsWith('rtmp')) await setTimeout(began + (Number(packet.dts) * num * 1000) / den - performance.now());
  packet.rescaleTs({ num, den }, output.streams[packet.streamIndex].timeBase);
  must('send', output.interleavedWriteFrameSync(packet));
}
must('end', output.writeTrailerSync());
must('close', output.closeOutputSync());
