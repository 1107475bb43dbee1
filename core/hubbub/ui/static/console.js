// Keep the console live: news comes as a stream, and the page then asks for its part anew.
// Without this script every page works by loading; nothing here is needed to answer a contact.

const token = document.querySelector('meta[name="form-token"]').content;
const told = document.getElementById('told');
const say = (text) => { told.textContent = text; };

for (const button of document.querySelectorAll('[data-copy]')) {
  button.addEventListener('click', async () => {
    const field = document.getElementById(button.dataset.copy);
    field.select();
    await navigator.clipboard?.writeText(field.value).catch(() => document.execCommand('copy'));
    button.textContent = 'Copied';
    say('Copied');
    setTimeout(() => { button.textContent = 'Copy'; }, 2000);
  });
}

if (document.getElementById('inbox')) inbox();

function inbox() {
  let busy = false;
  let again = false;

  bind();
  scrollDown();
  listen();

  // Ask for the inbox as it is now, and put it in place of what stands here.
  async function refresh() {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { 'X-Part': '1' } });
      if (answer.status === 401) { location.reload(); return; }
      if (answer.ok) replace(await answer.text());
      offline(!answer.ok && answer.status >= 500);
    } catch {
      offline(true);
    } finally {
      busy = false;
      if (again) { again = false; refresh(); }
    }
  }

  function replace(html) {
    const fresh = new DOMParser().parseFromString(html, 'text/html').getElementById('inbox');
    if (!fresh) return;
    const list = document.getElementById('list');
    const at = list.scrollTop;
    swap(list, fresh.querySelector('#list'));
    document.getElementById('list').scrollTop = at;
    const log = document.getElementById('log');
    const freshLog = fresh.querySelector('#log');
    if (!log || !freshLog) return;
    const wasDown = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
    merge(log, freshLog);
    for (const part of ['.thread > .who', '.thread > .owner']) {
      const mine = document.querySelector(part);
      const theirs = fresh.querySelector(part);
      if (mine && theirs && !mine.contains(document.activeElement)) swap(mine, theirs);
      else if (mine && !theirs) mine.remove();
      else if (!mine && theirs) log.before(theirs);
    }
    const closed = fresh.querySelector('.closed');
    const composer = document.querySelector('.composer');
    if (Boolean(closed) === Boolean(composer)) { location.reload(); return; }
    if (wasDown) scrollDown();
    bind();
  }

  // Bubbles that did not change stay, so that readers and screen readers are not disturbed.
  function merge(log, fresh) {
    const mine = new Map([...log.children].map((one) => [one.outerHTML, one]));
    const wanted = [...fresh.children].map((one) => mine.get(one.outerHTML) ?? one);
    if (wanted.length === log.children.length && wanted.every((one, at) => one === log.children[at])) return;
    let at = 0;
    for (const one of wanted) {
      if (log.children[at] !== one) log.insertBefore(one, log.children[at] ?? null);
      at += 1;
    }
    while (log.children.length > at) log.lastElementChild.remove();
  }

  function swap(mine, theirs) {
    const held = mine.contains(document.activeElement) && document.activeElement.id;
    const value = held && document.activeElement.value;
    mine.replaceWith(theirs);
    if (held) {
      const field = document.getElementById(held);
      field?.focus();
      if (value !== undefined && field) field.value = value;
    }
  }

  function bind() {
    for (const form of document.querySelectorAll('form[data-part]:not([data-bound])')) {
      form.dataset.bound = '1';
      form.addEventListener('submit', submit);
    }
    const composer = document.querySelector('[data-composer]:not([data-counted])');
    if (!composer) return;
    composer.dataset.counted = '1';
    const text = composer.elements.text;
    const saved = `draft:${location.pathname}`;
    text.value = text.value || sessionStorage.getItem(saved) || '';
    const count = () => {
      const limit = Number(composer.dataset.limit);
      const length = text.value.length;
      const shown = composer.querySelector('[data-count]');
      shown.textContent = limit && length > limit * 0.7
        ? `${length} of ${limit}${length > limit ? ': it will be sent in parts' : ''}` : '';
      shown.classList.toggle('over', length > limit);
      sessionStorage.setItem(saved, text.value);
    };
    text.addEventListener('input', count);
    text.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        composer.requestSubmit(composer.querySelector('button.main'));
      }
    });
    count();
  }

  async function submit(event) {
    event.preventDefault();
    const form = event.target;
    if (form.dataset.sending) return;
    form.dataset.sending = '1';
    const problem = form.querySelector('.problem');
    if (problem) problem.hidden = true;
    const body = new FormData(form, event.submitter);
    const where = event.submitter?.getAttribute('formaction') || form.action;
    try {
      // The key goes with the text: sent twice, it is one message.
      const answer = await fetch(where, { method: 'POST', body, headers: { 'X-Part': '1', 'X-Form-Token': token } });
      if (answer.ok) {
        if (form.dataset.composer !== undefined) cleared(form);
        replace(await answer.text());
        scrollDown();
      } else if (problem) {
        problem.textContent = (await answer.text()).trim();
        problem.hidden = false;
      } else {
        say(await answer.text());
        refresh();
      }
    } catch {
      offline(true);
      if (problem) { problem.textContent = 'The hub does not answer. Your words are kept here; try again.'; problem.hidden = false; }
    } finally {
      delete form.dataset.sending;
    }
  }

  function cleared(form) {
    form.reset();
    form.elements.text.value = '';
    form.elements.key.value = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    sessionStorage.removeItem(`draft:${location.pathname}`);
    form.elements.text.dispatchEvent(new Event('input'));
    form.elements.text.focus();
  }

  // News as a stream; where there is none to be had, ask every few seconds.
  function listen() {
    let polling = 0;
    const stream = new EventSource('/live');
    stream.onmessage = () => refresh();
    stream.onopen = () => { clearInterval(polling); polling = 0; offline(false); refresh(); };
    stream.onerror = () => { if (!polling) polling = setInterval(refresh, 4000); };
    addEventListener('pagehide', () => stream.close());
    addEventListener('online', refresh);
  }

  function offline(is) { document.getElementById('offline').hidden = !is; }

  function scrollDown() {
    const log = document.getElementById('log');
    if (log) log.scrollTop = log.scrollHeight;
  }
}
