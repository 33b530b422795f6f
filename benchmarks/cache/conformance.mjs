// The public HTTP cache test suite (https://github.com/http-tests/cache-tests, run from its folder) through a cache:
//   node conformance.mjs ORIGIN_PORT BASE [TEST_ID]
// Its origin runs here. What a test is made of and what the origin saw goes past the cache, to the origin itself: a media server takes no PUT.
import path from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'

const [port, base, only] = process.argv.slice(2)
const suite = name => import(pathToFileURL(path.join(process.cwd(), name)))

process.env.npm_config_protocol = 'http'
process.env.npm_config_port = port
process.env.npm_config_pidfile = path.join(process.env.TMPDIR || '/tmp', `cache-tests-${process.pid}`)
const log = console.log
console.log = () => {}
await suite('test-engine/server/server.mjs')

const through = globalThis.fetch
globalThis.fetch = (url, init) => {
  const { pathname } = new URL(url)
  const own = pathname.match(/\/(config|state)\/[^/]+$/)
  return through(own ? `http://localhost:${port}${own[0]}` : url, init)
}

const { runTests, getResults } = await suite('test-engine/client/runner.mjs')
let { default: suites } = await suite('tests/index.mjs')
if (only) {
  suites = suites.map(s => ({ ...s, tests: s.tests.filter(t => t.id === only).map(t => ({ ...t, dump: true })) })).filter(s => s.tests.length)
  console.log = log
}
await runTests(suites, false, base)
const results = getResults()
const kinds = {}
for (const s of suites) {
  for (const test of s.tests) {
    if (test.browser_only) continue
    const kind = test.kind || 'required'
    const passed = results[test.id] === true
    kinds[kind] = kinds[kind] || { passed: 0, of: 0, failed: [] }
    kinds[kind].of++
    if (passed) kinds[kind].passed++
    else kinds[kind].failed.push({ id: test.id, why: results[test.id] })
  }
}
log(JSON.stringify(kinds, null, 1))
process.exit(0)
