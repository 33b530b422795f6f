// Every word of the page, in the languages it speaks. What the server says in detail (names of folders, faults) stays as it is.
const english = {
  title: 'XLive', loading: 'Loading…', signIn: 'Sign in', signingIn: 'Signing in…', signOut: 'Sign out', userName: 'User name',
  password: 'Password', newPassword: 'New password', show: 'Show', hide: 'Hide', setPassword: 'Set a password',
  savePassword: 'Save password', saving: 'Saving…', later: 'Not now', passwordSet: 'The password is set.',
  passwordRule: 'At least 10 characters. A few words are easier to remember than symbols.',
  firstPassword: 'This account has no password yet. Without one, only a new link from the server’s command line lets you in again.',
  otherPassword: 'You came by a one-time link. If you have forgotten the password, set a new one now; every other sign-in of this account ends then.',
  noPassword: 'No password, or forgotten?', noPasswordHelp: 'On the server, this prints a link that signs you in once:',
  usingLink: 'Signing in with the link…', signedOut: 'You are signed out.',
  wrongPassword: 'The user name and the password do not fit together.',
  wrongLink: 'This link does not work any more. It is good once, for 30 minutes, and void once a password is set. Sign in with your password, or get a new link on the server: ./run user link',
  tooMany: 'Too many sign-ins have failed. Try again in {seconds} s.', busy: 'The server is busy with other sign-ins. Try again in {seconds} s.',
  ended: 'The sign-in has ended. Please sign in again.', failed: 'The server refused: {detail}',
  away: 'The server does not answer. It is asked again every 2 seconds.', awayForm: 'The server does not answer. Check that it runs, then try again.',
  back: 'The server answers again.', open: 'Sign-in is switched off (auth.enable: false): whoever calls from an address of auth.open_to may do everything.',
  health: 'State', healthy: 'Everything works', degraded: 'Works, with limits', unhealthy: 'Does not work', draining: 'Shutting down', unknown: 'Out of reach',
  'is.healthy': 'works', 'is.degraded': 'limited', 'is.unhealthy': 'fails',
  'check.media': 'Films', 'check.data': 'Data folder', 'check.database': 'Database', 'check.connections': 'Connections', 'check.logs': 'Logs',
  'check.descriptors': 'Descriptors', 'check.memory': 'Memory', 'check.loops': 'Inner loops', 'check.sessions': 'Sessions', 'check.traffic': 'Traffic', 'check.certificate': 'Certificate',
  'check.cpu': 'Processors', 'check.clock': 'Clock', 'check.disk': 'Disk', 'check.live': 'Live streams', 'check.segments': 'Live segments', 'check.hooks': 'Hooks',
  'check.reports': 'Reports', 'check.redis': 'Redis', 'check.origin': 'Origins', 'check.cache': 'Cache', 'check.proxy_logs': 'Logs of proxies',
  notMonitor: 'The account {name} may sign in, but not see the numbers: it lacks the permission “monitor”.',
  requests: 'Requests', perSecond: '{n} /s', ofFilms: 'for films', answered: 'since the start', serverErrors: 'server errors (5xx)',
  throughput: 'Sent', sentTotal: 'since the start', users: 'users', latency: 'Response time, median', most: '95 % within', nearlyAll: '99 % within',
  latencyNote: 'Since the start.',
  connections: 'Connections', of: '{n} of {limit}', accepted: 'accepted', waiting: 'waiting for the viewer', cut: 'cut for silence',
  sessions: 'Sessions', opened: 'opened', nobody: 'Nobody has watched yet. This makes a link to try:',
  files: 'Files ready', memory: 'memory', handles: 'open files', disk: 'waiting for the disk',
  refused: 'Refused', noneRefused: 'None since the start.', server: 'Server', version: 'version', uptime: 'running for', cpu: 'CPU {n}', rss: 'memory', dropped: 'log lines dropped',
  foot: 'As of {time}; asked every 2 seconds while this page is visible.',
  'refused.no_grant': 'no grant', 'refused.malformed': 'malformed', 'refused.wrong_token': 'wrong token', 'refused.key_not_valid_yet': 'key not valid yet',
  'refused.key_expired': 'key expired', 'refused.expired': 'link expired', 'refused.lifetime_too_long': 'lifetime too long',
  'refused.scope_too_wide': 'scope too wide', 'refused.outside_scope': 'outside its scope', 'refused.address_refused': 'address refused',
  'refused.client_refused': 'client refused', 'refused.page_refused': 'page refused', 'refused.other_address': 'other address', 'refused.not_found': 'not found',
  'refused.request_form': 'not well-formed HTTP', 'refused.request_too_slow': 'came too slowly', 'refused.body_too_large': 'body too large',
  'refused.request_line_too_long': 'request line too long', 'refused.headers_too_large': 'headers too large', 'refused.http_version': 'unknown HTTP version',
  'refused.method_not_for_target': 'method not for this target', 'refused.outside_admin_allow': 'outside admin.allow', 'refused.overloaded': 'no memory for new viewers',
};

const chinese = {
  title: 'XLive', loading: '正在载入…', signIn: '登录', signingIn: '正在登录…', signOut: '退出', userName: '用户名',
  password: '密码', newPassword: '新密码', show: '显示', hide: '隐藏', setPassword: '设置密码',
  savePassword: '保存密码', saving: '正在保存…', later: '以后再说', passwordSet: '密码已设置。',
  passwordRule: '至少 10 个字符。几个词连起来比符号更好记。',
  firstPassword: '此账户还没有密码。不设置密码，下次只能用服务器命令行生成的新链接登录。',
  otherPassword: '您是通过一次性链接登录的。如果忘记了密码，请现在设置新密码；此账户的其他登录会随之结束。',
  noPassword: '没有密码或忘记密码？', noPasswordHelp: '在服务器上运行以下命令，会得到一个只能使用一次的登录链接：',
  usingLink: '正在用链接登录…', signedOut: '您已退出。',
  wrongPassword: '用户名或密码不正确。',
  wrongLink: '此链接已失效。链接只能使用一次，30 分钟内有效，设置密码后作废。请用密码登录，或在服务器上生成新链接：./run user link',
  tooMany: '登录失败次数过多。请在 {seconds} 秒后重试。', busy: '服务器正忙于处理其他登录。请在 {seconds} 秒后重试。',
  ended: '登录已结束，请重新登录。', failed: '服务器拒绝了请求：{detail}',
  away: '服务器没有响应。每 2 秒重试一次。', awayForm: '服务器没有响应。请确认服务器正在运行，然后重试。',
  back: '服务器已恢复响应。', open: '登录已关闭（auth.enable: false）：来自 auth.open_to 所列地址的任何人都可以进行任何操作。',
  health: '状态', healthy: '一切正常', degraded: '可用，但受限', unhealthy: '不可用', draining: '正在关闭', unknown: '无法连接',
  'is.healthy': '正常', 'is.degraded': '受限', 'is.unhealthy': '故障',
  'check.media': '影片', 'check.data': '数据目录', 'check.database': '数据库', 'check.connections': '连接', 'check.logs': '日志',
  'check.descriptors': '文件描述符', 'check.memory': '内存', 'check.loops': '内部循环', 'check.sessions': '会话', 'check.traffic': '流量账本', 'check.certificate': '证书',
  'check.cpu': '处理器', 'check.clock': '时钟', 'check.disk': '磁盘', 'check.live': '直播流', 'check.segments': '直播分段', 'check.hooks': '回调',
  'check.reports': '流量报告', 'check.redis': 'Redis', 'check.origin': '源站', 'check.cache': '缓存', 'check.proxy_logs': '代理日志',
  notMonitor: '账户 {name} 可以登录，但无权查看数据：缺少 “monitor” 权限。',
  requests: '请求', perSecond: '{n} 次/秒', ofFilms: '影片请求', answered: '启动以来', serverErrors: '服务器错误 (5xx)',
  throughput: '发送', sentTotal: '启动以来', users: '用户', latency: '响应时间（中位数）', most: '95 % 不超过', nearlyAll: '99 % 不超过',
  latencyNote: '启动以来。',
  connections: '连接', of: '{n} / {limit}', accepted: '已接受', waiting: '等待观众', cut: '因无响应断开',
  sessions: '会话', opened: '已打开', nobody: '还没有人观看。运行以下命令可得到一个试用链接：',
  files: '就绪文件', memory: '内存', handles: '打开的文件', disk: '等待磁盘',
  refused: '已拒绝', noneRefused: '启动以来没有。', server: '服务器', version: '版本', uptime: '已运行', cpu: 'CPU {n}', rss: '内存', dropped: '丢弃的日志行',
  foot: '数据时间 {time}；页面可见时每 2 秒更新一次。',
  'refused.no_grant': '没有授权', 'refused.malformed': '格式错误', 'refused.wrong_token': '令牌错误', 'refused.key_not_valid_yet': '密钥尚未生效',
  'refused.key_expired': '密钥已过期', 'refused.expired': '链接已过期', 'refused.lifetime_too_long': '有效期过长',
  'refused.scope_too_wide': '范围过大', 'refused.outside_scope': '超出范围', 'refused.address_refused': '地址被拒绝',
  'refused.client_refused': '客户端被拒绝', 'refused.page_refused': '页面被拒绝', 'refused.other_address': '地址不符', 'refused.not_found': '未找到',
  'refused.request_form': 'HTTP 格式错误', 'refused.request_too_slow': '请求过慢', 'refused.body_too_large': '请求体过大',
  'refused.request_line_too_long': '请求行过长', 'refused.headers_too_large': '请求头过大', 'refused.http_version': '未知的 HTTP 版本',
  'refused.method_not_for_target': '方法不适用', 'refused.outside_admin_allow': '不在 admin.allow 内', 'refused.overloaded': '内存不足，拒绝新观众',
};

const asked = navigator.languages.find(l => /^(zh|en)\b/i.test(l)) ?? 'en';
const words = /^zh/i.test(asked) ? chinese : english;
export const language = words === chinese ? 'zh-CN' : asked;

/** The text of a key; a key that nobody knows, such as a new reason, is shown as it is. */
export function t(key, values = {}) {
  const text = words[key] ?? key.slice(key.indexOf('.') + 1).replaceAll('_', ' ');
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

export function translatePage() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll('[data-t]'))
    element.textContent = t(element.dataset.t);
}

const number = options => {
  const format = new Intl.NumberFormat(language, options);
  return n => format.format(n);
};
export const whole = number({ maximumFractionDigits: 0 });
const oneDigit = number({ minimumFractionDigits: 1, maximumFractionDigits: 1 });
const some = n => n < 10 ? oneDigit(n) : whole(n);

export const rate = n => n < 100 ? oneDigit(n) : whole(n);

export const percent = n => whole(n * 100) + ' %';

export const milliseconds = n => n < 1000 ? `${n < 10 ? number({ maximumSignificantDigits: 2 })(n) : whole(n)} ms` : `${oneDigit(n / 1000)} s`;

function scaled(n, step, units) {
  let unit = 0;
  for (; n >= step * 0.9995 && unit < units.length - 1; unit++)
    n /= step;
  return `${unit === 0 ? whole(n) : some(n)} ${units[unit]}`;
}

export const bytes = n => scaled(n, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']);

export const bits = n => scaled(n, 1000, ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s']);

export function duration(seconds) {
  const units = [[86400, 'day'], [3600, 'hour'], [60, 'minute'], [1, 'second']];
  const first = Math.max(0, units.findIndex(([size]) => seconds >= size));
  return units.slice(first === -1 ? 3 : first, first + 2).map(([size, unit], i) => {
    const n = Math.floor((i === 0 ? seconds : seconds % units[first][0]) / size);
    return number({ style: 'unit', unit, unitDisplay: 'short' })(n);
  }).join(' ');
}

export const clock = date => new Intl.DateTimeFormat(language, { timeStyle: 'medium' }).format(date);
