// The bill of materials of what is delivered, as CycloneDX 1.6 JSON: each package that was restored, with its version, licence and checksum.
//
//   node sbom.mjs VERSION project.assets.json console/package-lock.json > xlive.cdx.json
//
// What pages are built with and nobody is sent has the scope "excluded". What Debian brings, libsqlite3 and libssl, is no part of it: the Debian package depends on it.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

// Of what the pages depend on; all else of it is in the pages.
const tools = ['vite'];

const [version, assetsPath, lockPath] = process.argv.slice(2);
const read = path => JSON.parse(readFileSync(path, 'utf8'));
const hex = base64 => Buffer.from(base64, 'base64').toString('hex');
// The specification of package URLs keeps these as they are.
const encode = text => encodeURIComponent(text).replace(/%2F/g, '/').replace(/%3A/g, ':');

const licence = expression => expression
  ? [/ (AND|OR|WITH) /.test(expression) ? { expression } : { license: { id: expression } }]
  : undefined;
const component = (kind, name, version, { license, sha512, scope }) => ({
  type: 'library', 'bom-ref': `pkg:${kind}/${encode(name)}@${version}`, name, version, scope: scope ?? 'required',
  ...(sha512 && { hashes: [{ alg: 'SHA-512', content: hex(sha512) }] }),
  ...(license && { licenses: licence(license) }),
  purl: `pkg:${kind}/${encode(name)}@${version}`,
});

// NuGet: libraries of the restored graph, and the runtime that a self-contained folder has in it, which the graph names as downloads.
function nuget({ libraries, packageFolders, project }) {
  const folders = Object.keys(packageFolders);
  const found = (path, file) => folders.map(folder => join(folder, path, file)).find(existsSync);
  const described = (name, version) => {
    const path = `${name}/${version}`.toLowerCase(), nuspec = found(path, `${name.toLowerCase()}.nuspec`);
    if (!nuspec) throw new Error(`${name} ${version} was not restored: there is no ${path} in ${folders.join(', ')}`);
    const sha512 = found(path, `${name.toLowerCase()}.${version.toLowerCase()}.nupkg.sha512`);
    return component('nuget', name, version, {
      license: /<license type="expression">([^<]+)</.exec(readFileSync(nuspec, 'utf8'))?.[1],
      sha512: sha512 && readFileSync(sha512, 'utf8').trim(),
    });
  };
  const packages = Object.entries(libraries).filter(([, library]) => library.type === 'package').map(([id]) => id.split('/'));
  const runtimes = Object.values(project.frameworks).flatMap(framework => framework.downloadDependencies ?? [])
    .filter(({ name }) => name.includes('.Runtime.')).map(({ name, version }) => [name, /\[([^,\]]+)/.exec(version)[1]]);
  return [...packages, ...runtimes].map(([name, version]) => described(name, version));
}

// npm: from the root along dependencies, those of this platform alone; a package that is optional for another one is not installed.
function npm({ packages }) {
  const reached = new Map(), root = packages[''].dependencies ?? {};
  const place = (from, name) => {
    for (let at = from; ; at = at.slice(0, Math.max(at.lastIndexOf('/node_modules/'), 0))) {
      const path = `${at && at + '/'}node_modules/${name}`;
      if (packages[path]) return path;
      if (!at) throw new Error(`${name}, which ${from || 'the console'} depends on, is not in the lock file`);
    }
  };
  const walk = (path, shipped) => {
    const known = reached.get(path);
    if (known === true || known === shipped) return;
    reached.set(path, shipped);
    const { dependencies = {}, optionalDependencies = {} } = packages[path];
    for (const name of Object.keys(dependencies)) walk(place(path, name), shipped);
    for (const name of Object.keys(optionalDependencies)) {
      const optional = place(path, name), { os, cpu, libc } = packages[optional];
      if ((os ?? ['linux']).includes('linux') && (cpu ?? ['x64']).includes('x64') && (libc ?? ['glibc']).includes('glibc')) walk(optional, shipped);
    }
  };
  for (const name of Object.keys(root)) walk(place('', name), !tools.includes(name));
  return [...reached].map(([path, shipped]) => {
    const { version, license, integrity } = packages[path];
    return component('npm', path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length), version, {
      license, sha512: integrity?.startsWith('sha512-') && integrity.slice(7), scope: shipped ? 'required' : 'excluded',
    });
  });
}

const components = [...nuget(read(assetsPath)), ...npm(read(lockPath))]
  .sort((a, b) => a.purl < b.purl ? -1 : a.purl > b.purl ? 1 : 0)
  .filter((each, i, all) => i === 0 || each.purl !== all[i - 1].purl);
const own = `pkg:generic/xlive@${encodeURIComponent(version)}`;
// A number of its own for each content, and the same for the same.
const digest = createHash('sha256').update(JSON.stringify([version, components])).digest('hex');
const serial = [digest.slice(0, 8), digest.slice(8, 12), '5' + digest.slice(13, 16), 'a' + digest.slice(17, 20), digest.slice(20, 32)].join('-');

console.log(JSON.stringify({
  $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json', bomFormat: 'CycloneDX', specVersion: '1.6',
  serialNumber: `urn:uuid:${serial}`, version: 1,
  metadata: {
    ...(process.env.SOURCE_DATE_EPOCH && { timestamp: new Date(process.env.SOURCE_DATE_EPOCH * 1000).toISOString() }),
    component: { type: 'application', 'bom-ref': own, name: 'xlive', version, licenses: licence('MIT'), purl: own },
  },
  components,
  dependencies: [{ ref: own, dependsOn: components.filter(({ scope }) => scope === 'required').map(each => each['bom-ref']) }],
}, null, 2));
