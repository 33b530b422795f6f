// Builds the pages into the server's wwwroot, from where they go into its assembly: ./run and ./test do it before they build the server.
//
//   node build.mjs            or npm run build; npm run check looks at the types
//
// Each page is built by itself into a folder of its own, with all that it loads: the console may answer at another port than the players' page.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

// A page's folder, and the document in it. It lies as deep as the address at which the server shows it, for the page names its files relative to itself.
const pages = { watch: 'stream/index.html' };

const here = dirname(fileURLToPath(import.meta.url));
const wwwroot = join(here, '../src/XLive.Server/wwwroot');

for (const [page, document] of Object.entries(pages)) {
  const root = join(here, page), outDir = join(wwwroot, page);
  await build({
    configFile: false, root, base: './', logLevel: 'warn',
    build: {
      outDir, emptyOutDir: true, assetsDir: '', assetsInlineLimit: 0, modulePreload: false, reportCompressedSize: false, chunkSizeWarningLimit: 1000,
      target: ['es2020', 'safari14'],
      rollupOptions: { input: { [page]: join(root, document) } },
    },
  });
  for (const file of await readdir(outDir, { withFileTypes: true, recursive: true })) {
    if (!file.isFile()) continue;
    const path = join(file.parentPath ?? file.path, file.name), plain = await readFile(path), zipped = gzipSync(plain, { level: 9 });
    if (zipped.length < plain.length * 0.9) await writeFile(path + '.gz', zipped);
  }
}
