// Reads playlists as somebody else's strict parser does: node parse.mjs FOLDER; a line for each that it refuses, and how many it read.
import HLS from 'hls-parser';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

HLS.setOptions({ strictMode: true });
const folder = process.argv[2];
const names = (await readdir(folder)).filter(name => name.endsWith('.m3u8'));
for (const name of names) {
  const text = await readFile(join(folder, name), 'utf8');
  try {
    const playlist = HLS.parse(text);
    const listed = text.split('\n').filter(line => line.startsWith('#EXTINF')).length;
    if (!playlist.isMasterPlaylist && playlist.segments.filter(segment => segment.uri).length !== listed) console.log(`${name}: ${playlist.segments.length} segments, not ${listed}`);
  } catch (fault) {
    console.log(`${name}: ${fault.message}`);
  }
}
console.log(names.length);
