// What people do in the inbox without leaving the page.

import { leaves, logInAgain } from './live.js';

const NEAR_THE_END = 80;
const AGAIN_AFTER = 3000;
// What stands before the hub says so while it is away.
const AWAY = [502, 503, 504];
const UNANSWERED = 'The hub did not answer. Your words are kept here';
const busy = new WeakSet();
// What was in a form when it was sent, and how to end the wait of one that is sent again.
const sent = new WeakMap();
const ends = new Map();
const title = document.title;
const COUNT_AFTER = 400;
const TYPING_LASTS = 10000;
const TYPING_SHOWN = 6000;
let toldTyping = 0;
let shownTyping = 0;
let counting = 0;
// Whether who looks is at the end, and stays there.
let follows = false;
// The field in which somebody types, which a form that takes the place of its own begins anew.
let typesIn = null;

export function inbox(refresh) {
  let stay = false;
  let last = lastBubble();

  document.addEventListener('submit', (event) => {
    if (event.target.dataset.stay !== undefined) send(event, refresh, () => { stay = true; });
  });
  document.addEventListener('input', (event) => {
    differs(event.target.form);
    if (event.target.id !== 'text') return;
    written(event.target);
    tellTyping(event.target.form);
  });
  document.addEventListener('change', (event) => {
    differs(event.target.form);
    if (event.target.id === 'file') chosen(event.target.form);
    if (event.target.name === 'mode') meant(event.target.form);
  });
  addEventListener('pagehide', leave);
  // What is still to go out goes with its page.
  addEventListener('beforeunload', (event) => { if (ends.size && !leaves) event.preventDefault(); });
  document.addEventListener('keydown', sendByKey);
  document.addEventListener('hub:typing', (event) => showTyping(event.detail));
  document.addEventListener('hub:before', () => {
    stay ||= follows || isAtEnd();
    last = lastBubble();
    typesIn = document.activeElement?.id === 'text' ? document.activeElement : null;
  });
  document.addEventListener('hub:shown', () => {
    if (stay) toEnd();
    else if (lastBubble() !== last) newer(true);
    stay = false;
    sayUnread();
    restore();
  });
  document.addEventListener('click', dropFile);
  document.addEventListener('keydown', closeByKey);
  document.addEventListener('click', closeOthers);
  followTheEnd();
  if (!location.hash) toEnd();
  sayUnread();
  restore();
}

async function send(event, refresh, toTheEnd) {
  event.preventDefault();
  const form = event.target;
  if (event.submitter?.id === 'show') {
    preview(form);
    return;
  }
  if (busy.has(form)) return;
  busy.add(form);
  sent.set(form, filled(form));
  if (isComposer(form)) sessionStorage.setItem(`${draftKey()}:key`, form.elements.key.value);
  const where = event.submitter?.getAttribute('formaction') || form.action;
  const body = new FormData(form, event.submitter);
  try {
    const answer = await answered(form, where, body, refresh);
    if (!answer) return;
    if (answer.ok) {
      complain(form, '');
      if (where === form.action) showQueued(body);
      if (event.submitter?.dataset.undo !== undefined) takeBack(form);
      if (!isComposer(form)) settle(form);
      // What was typed meanwhile stays, under the same key: who sends it is told of the first version.
      else if (isUnchanged(form)) empty(form);
      toldTyping = 0;
      toTheEnd();
    } else if (answer.status === 401) {
      logInAgain();
    } else {
      complain(form, (await answer.text()).trim());
      // It was not sent, that is certain: what is sent next is another one.
      if (isComposer(form) && answer.status === 409) renew(form);
    }
    refresh();
  } finally {
    busy.delete(form);
  }
}

// Send until there is an answer. Whether it arrived before is not known: its key makes it the same
// message, and what had been read by then goes with it, so that nobody answers unseen words.
async function answered(form, where, body, refresh) {
  try {
    for (;;) {
      try {
        const answer = await fetch(where, { method: 'POST', body, headers: { 'X-Script': '1' } });
        if (!AWAY.includes(answer.status)) return answer;
      } catch {
        // Said below.
      }
      // Whether it answers at all, the page then says, until it does.
      refresh();
      if (goesOn(form)) {
        complain(form, `${UNANSWERED}, and go out once it does, unless you change them.`);
        await new Promise((done) => {
          ends.set(form, done);
          setTimeout(done, AGAIN_AFTER);
        });
      }
      if (!goesOn(form)) {
        complain(form, isComposer(form) ? `${UNANSWERED}; try again.` : 'The hub did not answer; try again.');
        return null;
      }
    }
  } finally {
    ends.delete(form);
  }
}

// What is not the same any more goes out only when somebody says so.
function goesOn(form) {
  return isComposer(form) && form.isConnected && isUnchanged(form);
}

function differs(form) {
  if (ends.has(form) && !isUnchanged(form)) ends.get(form)();
}

function isUnchanged(form) {
  return filled(form) === sent.get(form);
}

// What a person put into a form.
function filled(form) {
  const fields = [...form.elements].filter(({ name, type, localName }) => name && type !== 'hidden' && localName !== 'button');
  return JSON.stringify(fields.map((one) => [one.name, one.type === 'radio' || one.type === 'checkbox' ? one.checked : one.value]));
}

// The hub has it. Shown at once, until the page shows what the hub tells of it.
function showQueued(body) {
  const pattern = document.getElementById('queued');
  const text = body.get('text') || body.get('file')?.name;
  if (!pattern || !text) return;
  const bubble = pattern.content.cloneNode(true);
  bubble.querySelector('.said').textContent = text;
  document.getElementById('log').append(bubble);
  toEnd();
}

// What was taken back can be written otherwise.
function takeBack(form) {
  const field = document.getElementById('text');
  const said = form.closest('.bubble').querySelector('.said')?.textContent ?? '';
  if (!field) return;
  if (field.value === said) {
    // Its answer was lost, and it is not sent once more: what goes out next is another one.
    sent.delete(field.form);
    renew(field.form);
    ends.get(field.form)?.();
  }
  if (field.value) return;
  field.value = said;
  written(field);
  field.focus();
}

// What the channel would make of it.
async function preview(form) {
  const place = document.getElementById('preview');
  const shown = await ask(form);
  if (typeof shown === 'string') complain(form, shown);
  if (!shown?.parts) return;
  complain(form, '');
  const told = Object.assign(document.createElement('p'), { className: 'quiet', textContent: shown.told });
  const parts = shown.parts.map((text) => Object.assign(document.createElement('p'), { className: 'said', dir: 'auto', textContent: text }));
  place.replaceChildren(told, ...parts);
  place.hidden = false;
}

async function ask(form) {
  try {
    const body = new FormData(form);
    body.delete('file');
    const answer = await fetch(form.dataset.preview, { method: 'POST', body, headers: { 'X-Script': '1' } });
    return answer.ok ? await answer.json() : (await answer.text()).trim();
  } catch {
    return `${UNANSWERED}; try again.`;
  }
}

// For whom somebody says that their words are. Empty: nobody said so since they could not be sent.
function mode(form) {
  return form.querySelector('[name=mode]:checked')?.value ?? '';
}

function meant(form) {
  complain(form, '');
  address(form);
  written(form.elements.text);
}

// To whom the words go must be plain: also by what the field is called.
function address(form) {
  const field = form.elements.text;
  const note = mode(form) === 'note';
  field.dataset.reply ??= field.placeholder;
  field.placeholder = note ? 'Note: colleagues see it, the contact does not. @ names somebody.' : field.dataset.reply;
  const keys = form.querySelector('[data-keys]');
  keys.textContent = `Ctrl+Enter ${note ? 'saves' : 'sends'}`;
  keys.hidden = false;
  document.getElementById('told').textContent = note ? 'You are writing a note.' : 'You are writing a reply.';
}

function leave() {
  const form = document.querySelector('.composer');
  if (!form) return;
  navigator.sendBeacon(form.dataset.typing.replace(/typing$/, 'left'), new URLSearchParams({ form_token: form.elements.form_token.value }));
}

function complain(form, text) {
  const place = form.querySelector('[data-problem]') ?? document.getElementById('trouble');
  say(place, text);
  place.hidden = !text;
}

function isComposer(form) {
  return form.classList.contains('composer');
}

function empty(form) {
  form.reset();
  form.elements.text.value = '';
  document.getElementById('preview').hidden = true;
  const schedule = document.getElementById('schedule');
  if (schedule) schedule.open = false;
  document.querySelector('#tools:popover-open')?.hidePopover();
  address(form);
  renew(form);
  written(form.elements.text);
  chosen(form);
  form.elements.text.focus();
}

// What a form beside the conversation was for is done.
function settle(form) {
  if (form.dataset.clear !== undefined) form.reset();
  const menu = form.closest('.menu');
  if (menu) close(menu);
  form.closest('#acts:popover-open')?.hidePopover();
}

function close(menu) {
  const inside = menu.contains(document.activeElement);
  menu.open = false;
  if (inside) menu.querySelector('summary').focus();
}

function closeByKey(event) {
  if (event.key !== 'Escape') return;
  for (const menu of document.querySelectorAll('.menu[open]')) close(menu);
}

function closeOthers(event) {
  for (const menu of document.querySelectorAll('.menu[open]')) {
    if (!menu.contains(event.target)) menu.open = false;
  }
}

// A file that was chosen needs room for its name.
function chosen(form) {
  const file = form.elements.file;
  file?.parentElement.classList.toggle('chosen', file.files.length > 0);
  const drop = form.querySelector('[data-drop]');
  if (drop) drop.hidden = !file.files.length;
  const limits = JSON.parse(form.dataset.files);
  const large = [...file?.files ?? []].find(({ size, type }) => size > (limits[type.split('/')[0]] ?? limits.document ?? Infinity));
  complain(form, large ? `${large.name} is larger than this channel carries: ${file.title}.` : '');
}

function dropFile({ target }) {
  if (target.dataset?.drop === undefined) return;
  const { file } = target.form.elements;
  file.value = '';
  chosen(target.form);
  file.focus();
}

function renew(form) {
  form.elements.key.value = newKey();
  sessionStorage.removeItem(`${draftKey()}:key`);
}

function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function sendByKey(event) {
  if (event.target.id !== 'text' || event.key !== 'Enter' || event.isComposing) return;
  if (!event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  if (event.repeat) return;
  const button = { note: 'save-note', reply: 'send' }[mode(event.target.form)];
  if (button) event.target.form.requestSubmit(document.getElementById(button));
}

// Words that were not sent survive a change of conversation, a reload and a login, and so does for
// whom they are: what was for the contact is no note, and a note is not for the contact.
function written(field) {
  sessionStorage.setItem(draftKey(), field.value);
  sessionStorage.setItem(`${draftKey()}:mode`, mode(field.form) || 'reply');
  count(field);
}

// Providers show it for a while by themselves; nothing depends on it.
// Say that the contact is writing, for a moment.
function showTyping(conversation) {
  const line = document.getElementById('typing');
  if (line?.dataset.of !== conversation) return;
  line.textContent = line.dataset.says;
  clearTimeout(shownTyping);
  shownTyping = setTimeout(() => { line.textContent = ''; }, TYPING_SHOWN);
}

function tellTyping(form) {
  if (!form.elements.text.value || Date.now() < toldTyping + TYPING_LASTS) return;
  toldTyping = Date.now();
  const body = new URLSearchParams({ form_token: form.elements.form_token.value, mode: mode(form) || 'note' });
  fetch(form.dataset.typing, { method: 'POST', body, headers: { 'X-Script': '1' } }).catch(() => {});
}

function restore() {
  const field = document.getElementById('text');
  if (!field) return;
  const fresh = !field.value;
  field.value ||= sessionStorage.getItem(draftKey()) ?? '';
  if (fresh && field.value) {
    // Under its key it is not sent twice, though nobody may know whether it was sent before.
    field.form.elements.key.value = sessionStorage.getItem(`${draftKey()}:key`) ?? field.form.elements.key.value;
    choose(field.form, sessionStorage.getItem(`${draftKey()}:mode`));
  }
  count(field);
  field.form.querySelector('[data-keys]').hidden = !mode(field.form);
  goOnTyping(field);
}

// What was written for the contact, and may not be sent any more, becomes no note by itself.
function choose(form, what) {
  const choice = document.getElementById(`mode-${what}`);
  if (choice?.checked) return;
  if (choice) {
    choice.checked = true;
    address(form);
  } else if (what === 'reply') {
    document.getElementById('mode-note').checked = false;
    // Why stands above the field.
    complain(form, 'Not sent. What you wrote is kept: choose “Note for colleagues” to make it a note.');
  }
}

// One form gives way to another where a conversation is closed or opened to replies.
function goOnTyping(field) {
  if (!typesIn || typesIn.isConnected) return;
  field.focus({ preventScroll: true });
  field.setSelectionRange(typesIn.selectionStart, typesIn.selectionEnd);
  typesIn = null;
}

// Of who wrote them alone: somebody else may log in here next.
function draftKey() {
  return `draft:${document.body.dataset.person}:${location.pathname}`;
}

function count(field) {
  const { limit: given, unit, segments } = field.form.dataset;
  const limit = Number(given);
  const length = unit === 'utf16' ? field.value.length : [...field.value].length;
  const over = limit > 0 && length > limit;
  const near = limit > 0 && length > limit * 0.7;
  const shown = field.form.querySelector('[data-count]');
  shown.classList.toggle('over', over);
  if (segments !== undefined) countSegments(field);
  else say(shown, near ? `${length} of ${limit}${over ? ': it will be sent in parts' : ''}` : '');
}

function countSegments(field) {
  clearTimeout(counting);
  const shown = field.form.querySelector('[data-count]');
  if (!field.value.trim()) {
    say(shown, '');
    return;
  }
  counting = setTimeout(async () => {
    const told = await ask(field.form);
    if (told?.segments) say(shown, `${[...field.value].length} characters, ${told.segments} SMS`);
  }, COUNT_AFTER);
}

function say(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

// A search, or another view, does not list all that is unread.
function sayUnread() {
  const asked = new URLSearchParams(location.search);
  if (['view', 'q', 'channel', 'team', 'assignee', 'tag'].some((name) => asked.get(name))) {
    document.title = title;
    return;
  }
  const unread = document.querySelectorAll('.entry.unread').length;
  document.title = unread ? `(${unread}) ${title}` : title;
}

// Who is at the end stays there, also when a picture gets its height late, or the log gets lower.
function followTheEnd() {
  const log = document.getElementById('log');
  if (!log) return;
  let top = 0;
  follows = isAtEnd();
  const follow = () => { if (follows) toEnd(); };
  log.addEventListener('scroll', () => {
    // What grows before it is followed is no going away: only who scrolls up goes.
    follows = isAtEnd() || (follows && log.scrollTop >= top);
    top = log.scrollTop;
    if (follows) newer(false);
  });
  log.addEventListener('load', follow, true);
  new ResizeObserver(follow).observe(log);
  document.getElementById('newer').addEventListener('click', () => {
    toEnd();
    log.focus({ preventScroll: true });
  });
}

function newer(shown) {
  document.getElementById('newer').hidden = !shown;
}

function lastBubble() {
  return [...document.querySelectorAll('#log .bubble')].at(-1)?.id;
}

function isAtEnd() {
  const log = document.getElementById('log');
  return log !== null && log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_THE_END;
}

function toEnd() {
  const log = document.getElementById('log');
  if (log) log.scrollTop = log.scrollHeight;
}
