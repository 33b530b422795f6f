// Every word of the page, in the languages it speaks.
const english = {
  loading: 'Loading', waiting: 'Nobody is streaming yet', waitingDetail: 'It begins here by itself as soon as the stream does.',
  interrupted: 'The stream is interrupted', interruptedDetail: 'It goes on here by itself as soon as the picture comes again.',
  ended: 'The stream has ended', endedDetail: 'If it begins again, it plays here by itself.',
  offline: 'No connection', offlineDetail: 'The server does not answer. Trying again…',
  busy: 'The server is busy', busyDetail: 'Trying again in a moment…',
  unplayable: 'This browser cannot play the stream', unplayableDetail: 'It does not know the format {name}. Try another browser, or the newest version of this one.',
  unplayableOther: 'Try another browser, or the newest version of this one.',
  noLink: 'This page needs a link of your own', noLinkDetail: 'The address alone is not enough. Open the stream from the site that shows it.',
  wrong: 'This link is not right', wrongDetail: 'Part of it may have been lost on the way. Open the stream again from the site that shows it.',
  expired: 'This link has expired', expiredDetail: 'Open the stream again from the site that shows it: that makes a new link.',
  devices: 'You are watching on too many devices', devicesDetail: 'Stop it on one of the others, wait a minute, then try again.',
  quota: 'Your traffic is used up', quotaDetail: 'The site that shows the stream can tell you more.',
  page: 'The stream may not be shown on this page', pageDetail: 'Open it on the site that it belongs to.',
  address: 'The stream may not be watched from here', addressDetail: 'Your network or your program is not allowed to. The site that shows the stream can tell you more.',
  barred: 'You may not watch this stream', barredDetail: 'The site that shows it can tell you why.',
  again: 'Try again', start: 'Play {name}', play: 'Play', pause: 'Pause', mute: 'Mute', unmute: 'Turn sound on', volume: 'Volume', live: 'Live', toLive: 'Go to live',
  info: 'Details', full: 'Full screen', leaveFull: 'Leave full screen', player: 'Player',
  behind: 'Behind live', size: 'Picture', way: 'Protocol', seconds: '{n} s',
};

export type Word = keyof typeof english;

const chinese: Record<Word, string> = {
  loading: '正在载入', waiting: '直播尚未开始', waitingDetail: '开播后，这里会自动播放。',
  interrupted: '直播中断', interruptedDetail: '画面恢复后，这里会自动继续。',
  ended: '直播已结束', endedDetail: '如果再次开播，这里会自动播放。',
  offline: '无法连接', offlineDetail: '服务器没有回应，正在重试…',
  busy: '服务器繁忙', busyDetail: '稍后自动重试…',
  unplayable: '此浏览器无法播放', unplayableDetail: '它不支持 {name} 格式。请换一个浏览器，或更新到最新版本。',
  unplayableOther: '请换一个浏览器，或更新到最新版本。',
  noLink: '需要您自己的链接', noLinkDetail: '仅有地址是不够的。请从提供直播的网站打开。',
  wrong: '链接不正确', wrongDetail: '链接可能不完整。请从提供直播的网站重新打开。',
  expired: '链接已过期', expiredDetail: '请从提供直播的网站重新打开，即可得到新链接。',
  devices: '同时观看的设备太多', devicesDetail: '请关闭其中一台，等一分钟后重试。',
  quota: '流量已用完', quotaDetail: '详情请咨询提供直播的网站。',
  page: '此页面不能播放该直播', pageDetail: '请到它所属的网站观看。',
  address: '无法从此处观看', addressDetail: '您的网络或程序不被允许。详情请咨询提供直播的网站。',
  barred: '您不能观看此直播', barredDetail: '原因请咨询提供直播的网站。',
  again: '重试', start: '播放 {name}', play: '播放', pause: '暂停', mute: '静音', unmute: '打开声音', volume: '音量', live: '直播', toLive: '回到直播',
  info: '详情', full: '全屏', leaveFull: '退出全屏', player: '播放器',
  behind: '延迟', size: '画面', way: '协议', seconds: '{n} 秒',
};

export const language = navigator.language.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en';
const words = language === 'en' ? english : chinese;

export function say(word: Word, fill: Record<string, string> = {}): string {
  return words[word].replace(/\{(\w+)\}/g, (_, name: string) => fill[name] ?? '');
}

/** What to tell a viewer who was refused: the words of the gate, and what the contract's status means where the word says nothing to a viewer. */
export function refusalWords(status: number, word: string): [Word, Word, canTryAgain: boolean] {
  switch (word) {
    case 'no_grant': return ['noLink', 'noLinkDetail', false];
    case 'expired': case 'key_expired': return ['expired', 'expiredDetail', false];
    case 'device_limit': return ['devices', 'devicesDetail', true];
    case 'quota_exceeded': return ['quota', 'quotaDetail', true];
    case 'page_refused': return ['page', 'pageDetail', false];
    case 'address_refused': case 'other_address': case 'client_refused': return ['address', 'addressDetail', true];
  }
  if (status === 410) return ['expired', 'expiredDetail', false];
  return status === 403 ? ['barred', 'barredDetail', ['kicked', 'revoked', 'blocked'].includes(word)] : ['wrong', 'wrongDetail', false];
}
