// Say times in the reader's own zone. The server does not know it and says them in UTC.

const LANGUAGE = document.documentElement.lang;
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const seconds = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hourCycle: 'h23',
});
const date = new Intl.DateTimeFormat(LANGUAGE, { day: 'numeric', month: 'long', year: 'numeric' });
const moment = new Intl.DateTimeFormat(LANGUAGE, {
  day: 'numeric', month: 'long', year: 'numeric', hour: '2-digit', minute: '2-digit',
});
const exact = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: 'full', timeStyle: 'long' });
const SAY = {
  clock: (at) => clock.format(at),
  seconds: (at) => seconds.format(at),
  moment: (at) => moment.format(at),
  day: sayDay,
};

// The hub reads times that are typed by this name.
function nameZone(root) {
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
  for (const field of root.querySelectorAll('[data-zone]')) field.value = timeZone;
  for (const name of root.querySelectorAll('[data-zone-name]')) name.textContent = '';
}

export function localise(root) {
  for (const time of root.querySelectorAll('time[datetime]')) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.valueOf())) continue;
    time.title = exact.format(at);
    if (time.dataset.as) time.textContent = SAY[time.dataset.as](at);
  }
  nameZone(root);
  const log = root.querySelector('#log');
  if (log) separate(log);
}

// A day begins at another message here than it does in UTC.
function separate(log) {
  const pattern = log.querySelector('.day');
  if (!pattern) return;
  for (const day of log.querySelectorAll('.day')) day.remove();
  let last = '';
  for (const bubble of log.querySelectorAll('.bubble')) {
    const dateTime = bubble.dataset.day;
    const at = new Date(dateTime);
    const key = dayKey(at);
    if (key === last) continue;
    last = key;
    const day = pattern.cloneNode(true);
    day.id = `day-${key}`;
    const time = day.querySelector('time');
    time.dateTime = dateTime;
    time.title = date.format(at);
    time.textContent = sayDay(at);
    bubble.before(day);
  }
}

function sayDay(at) {
  const today = new Date();
  const yesterday = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1);
  if (dayKey(at) === dayKey(today)) return 'Today';
  return dayKey(at) === dayKey(yesterday) ? 'Yesterday' : date.format(at);
}

function dayKey(at) {
  return `${at.getFullYear()}-${at.getMonth() + 1}-${at.getDate()}`;
}
