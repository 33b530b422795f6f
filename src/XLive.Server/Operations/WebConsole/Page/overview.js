// What stands, from GET /health and GET /stats: the state in words, and the numbers.
import { t, whole, rate, percent, milliseconds, bytes, bits, duration, clock } from './words.js';

const find = id => document.getElementById(id);

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Text is only touched where it changed, so that a selection and a screen reader's place survive the next two seconds. */
function write(element, text) {
  if (element.textContent !== text)
    element.textContent = text;
}

const tiles = new Map();

function tile(name, show) {
  let parts = tiles.get(name);
  if (!parts) {
    const id = `tile-${name}`;
    parts = {
      figure: make('p', { className: 'figure' }), meter: make('div', { className: 'meter', hidden: true }, make('div')),
      facts: make('dl'), note: make('p', { className: 'hint' }), code: make('pre', { hidden: true }, make('code')),
    };
    const section = make('section', { className: 'card tile' }, make('h2', { id, textContent: t(name) }), ...Object.values(parts));
    section.setAttribute('aria-labelledby', id);
    section.dataset.tile = name;
    parts.meter.setAttribute('aria-hidden', 'true'); // its two numbers stand beside it
    find('tiles').append(section);
    tiles.set(name, parts);
  }
  const { figure, share, facts = [], note = '', code } = show;
  write(parts.figure, figure);
  parts.meter.hidden = share === undefined;
  if (share !== undefined) {
    parts.meter.firstChild.style.width = `${Math.min(100, share * 100)}%`;
    parts.meter.classList.toggle('full', share > 0.9);
  }
  while (parts.facts.children.length > facts.length)
    parts.facts.lastChild.remove();
  facts.forEach(([term, value], i) => {
    const row = parts.facts.children[i] ?? parts.facts.appendChild(make('div', {}, make('dt'), make('dd')));
    write(row.firstChild, term);
    write(row.lastChild, value);
  });
  write(parts.note, note);
  parts.code.hidden = !code;
  write(parts.code.firstChild, code ?? '');
}

export function showHealth(health) {
  const state = health.draining ? 'draining' : health.status;
  find('health').dataset.state = health.status;
  write(find('state'), t(state));
  document.title = `${t(state)} · XLive`;
  const list = find('checks');
  const checks = health.checks ?? [];
  while (list.children.length > checks.length)
    list.lastChild.remove();
  checks.forEach((check, i) => {
    const row = list.children[i] ?? list.appendChild(make('li', {},
      make('span', { className: 'lamp' }), make('b'), make('span', { className: 'is' }), make('span', { className: 'detail' }), make('span', { className: 'took' })));
    row.firstChild.setAttribute('aria-hidden', 'true');
    row.dataset.state = check.status;
    const [, name, is, detail, took] = row.children;
    write(name, t(`check.${check.name}`));
    write(is, t(`is.${check.status}`));
    write(detail, check.detail);
    write(took, milliseconds(check.latency_ms));
  });
  find('health').setAttribute('aria-busy', 'false');
  return state;
}

/** What was last seen is no more what is: the words and the lamps must not go on saying so. */
export function showUnknown() {
  delete find('health').dataset.state;
  write(find('state'), t('unknown'));
}

let before = null;

export function showStats(stats) {
  const now = performance.now();
  // A server that began anew counts from nothing again.
  const span = before && stats.uptime_seconds >= before.stats.uptime_seconds ? (now - before.now) / 1000 : 0;
  const speed = read => span > 0 ? Math.max(0, read(stats) - read(before.stats)) / span : null;
  const orDots = (n, show) => n === null ? '…' : show(n);
  const { requests, traffic, connections, sessions, files } = stats;

  tile('requests', {
    figure: orDots(speed(s => s.requests.total), n => t('perSecond', { n: rate(n) })),
    facts: [[t('ofFilms'), orDots(speed(s => s.traffic.media_requests), n => t('perSecond', { n: rate(n) }))],
      [t('answered'), whole(requests.total)], [t('serverErrors'), whole(requests['5xx'])]],
  });
  tile('throughput', {
    figure: orDots(speed(s => s.traffic.body_bytes), n => bits(n * 8)),
    facts: [[t('sentTotal'), bytes(traffic.body_bytes)], [t('users'), whole(traffic.users)]],
  });
  tile('latency', {
    figure: milliseconds(requests.p50_ms),
    facts: [[t('most'), milliseconds(requests.p95_ms)], [t('nearlyAll'), milliseconds(requests.p99_ms)]],
    note: t('latencyNote'),
  });
  tile('connections', {
    figure: t('of', { n: whole(connections.open), limit: whole(connections.limit) }), share: connections.open / connections.limit,
    facts: [[t('accepted'), whole(connections.accepted)], [t('waiting'), whole(connections.waiting_for_viewer)], [t('cut'), whole(connections.cut_idle)]],
  });
  tile('sessions', {
    figure: whole(sessions.known), facts: [[t('opened'), whole(sessions.opened)]],
    note: sessions.opened === 0 ? t('nobody') : '',
    code: sessions.opened === 0 ? './run sign /sample/playlist.m3u8 --uid USER --for 2h' : undefined,
  });
  tile('files', {
    figure: whole(files.cached),
    facts: [[t('memory'), t('of', { n: bytes(files.memory_bytes), limit: bytes(files.memory_limit) })],
      [t('handles'), t('of', { n: whole(files.handles), limit: whole(files.handle_limit) })], [t('disk'), whole(files.lookups_waiting)]],
  });
  const refused = Object.entries(requests.refused).sort((a, b) => b[1] - a[1]);
  tile('refused', {
    figure: whole(refused.reduce((sum, [, n]) => sum + n, 0)), facts: refused.map(([reason, n]) => [t(`refused.${reason}`), whole(n)]),
    note: refused.length === 0 ? t('noneRefused') : '',
  });
  const dropped = Object.values(stats.logs_dropped).reduce((sum, n) => sum + n, 0);
  tile('server', {
    figure: orDots(speed(s => s.cpu_seconds), n => t('cpu', { n: percent(n) })),
    facts: [[t('rss'), bytes(stats.rss_bytes)], [t('uptime'), duration(stats.uptime_seconds)], [t('version'), stats.version],
      ...(dropped ? [[t('dropped'), whole(dropped)]] : [])],
  });

  before = { stats, now };
  find('tiles').setAttribute('aria-busy', 'false');
  write(find('foot'), t('foot', { time: clock(new Date()) }));
}

/** For who may sign in and see no numbers. */
export function showNoStats(name) {
  find('tiles').setAttribute('aria-busy', 'false');
  write(find('foot'), t('notMonitor', { name }));
}

export function clear() {
  before = null;
  tiles.clear();
  for (const id of ['tiles', 'checks', 'foot'])
    find(id).replaceChildren();
  write(find('state'), '…');
  delete find('health').dataset.state;
  for (const id of ['tiles', 'health'])
    find(id).setAttribute('aria-busy', 'true');
}
