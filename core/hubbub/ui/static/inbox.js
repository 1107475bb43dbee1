// What people do in the inbox without leaving the page.

const NEAR_THE_END = 80;
const busy = new WeakSet();
const title = document.title;
const TYPING_LASTS = 10000;
const TYPING_SHOWN = 6000;
let toldTyping = 0;
let shownTyping = 0;

export function inbox(refresh) {
  let stay = false;

  document.addEventListener('submit', (event) => {
    if (event.target.dataset.stay !== undefined) send(event, refresh, () => { stay = true; });
  });
  document.addEventListener('input', (event) => {
    if (event.target.id !== 'text') return;
    written(event.target);
    tellTyping(event.target.form);
  });
  document.addEventListener('change', (event) => { if (event.target.id === 'file') chosen(event.target.form); });
  document.addEventListener('keydown', sendByKey);
  document.addEventListener('hub:typing', (event) => showTyping(event.detail));
  document.addEventListener('hub:before', () => { stay ||= isAtEnd(); });
  document.addEventListener('hub:shown', () => {
    if (stay) toEnd();
    stay = false;
    sayUnread();
    restore();
  });
  document.addEventListener('keydown', closeByKey);
  document.addEventListener('click', closeOthers);
  if (!location.hash) toEnd();
  sayUnread();
  restore();
}

async function send(event, refresh, toTheEnd) {
  event.preventDefault();
  const form = event.target;
  if (busy.has(form)) return;
  busy.add(form);
  const where = event.submitter?.getAttribute('formaction') || form.action;
  const body = new FormData(form, event.submitter);
  try {
    const answer = await fetch(where, { method: 'POST', body, headers: { 'X-Script': '1' } });
    if (answer.ok) {
      complain(form, '');
      if (where === form.action) showQueued(body);
      if (form.id === 'composer') empty(form);
      else settle(form);
      toldTyping = 0;
      toTheEnd();
    } else if (answer.status === 401) {
      // The words are kept; they are here again after the login.
      location.reload();
    } else {
      complain(form, (await answer.text()).trim());
      if (form.id === 'composer' && answer.status < 500) form.elements.key.value = newKey();
    }
    refresh();
  } catch {
    // Whether it arrived is not known. The key stays: sent again, it is the same message.
    complain(form, 'The hub does not answer. Your words are kept here; try again.');
    // Whether it answers at all, the page then says, until it does.
    refresh();
  } finally {
    busy.delete(form);
  }
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

function complain(form, text) {
  const place = form.querySelector('[data-problem]') ?? document.getElementById('trouble');
  place.textContent = text;
  place.hidden = !text;
}

function empty(form) {
  form.reset();
  form.elements.text.value = '';
  form.elements.key.value = newKey();
  written(form.elements.text);
  chosen(form);
  form.elements.text.focus();
}

// What a form beside the conversation was for is done.
function settle(form) {
  if (form.dataset.clear !== undefined) form.reset();
  const menu = form.closest('.menu');
  if (menu) close(menu);
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
}

function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function sendByKey(event) {
  if (event.target.id !== 'text' || event.key !== 'Enter' || event.isComposing) return;
  if (!event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  event.target.form.requestSubmit(document.getElementById('send'));
}

// Words that were not sent survive a change of conversation, a reload and a login.
function written(field) {
  if (field.value) sessionStorage.setItem(draftKey(), field.value);
  else sessionStorage.removeItem(draftKey());
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
  const body = new URLSearchParams({ form_token: form.elements.form_token.value });
  fetch(form.dataset.typing, { method: 'POST', body, headers: { 'X-Script': '1' } }).catch(() => {});
}

function restore() {
  const field = document.getElementById('text');
  if (!field) return;
  field.value ||= sessionStorage.getItem(draftKey()) ?? '';
  count(field);
  field.form.querySelector('[data-keys]').hidden = false;
}

function draftKey() {
  return `draft:${location.pathname}`;
}

function count(field) {
  const limit = Number(field.form.dataset.limit);
  const shown = field.form.querySelector('[data-count]');
  const over = limit > 0 && field.value.length > limit;
  const near = limit > 0 && field.value.length > limit * 0.7;
  const text = near ? `${field.value.length} of ${limit}${over ? ': it will be sent in parts' : ''}` : '';
  if (shown.textContent !== text) shown.textContent = text;
  shown.classList.toggle('over', over);
}

function sayUnread() {
  const unread = document.querySelectorAll('.entry.unread').length;
  document.title = unread ? `(${unread}) ${title}` : title;
}

function isAtEnd() {
  const log = document.getElementById('log');
  return log !== null && log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_THE_END;
}

function toEnd() {
  const log = document.getElementById('log');
  if (log) log.scrollTop = log.scrollHeight;
}
