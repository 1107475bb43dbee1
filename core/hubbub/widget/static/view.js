// Draw the window from what the store holds, and hand on what the visitor does.

import { bubble, pending } from './bubble.js';
import { form } from './form.js';
import { icon, make } from './make.js';

const CLOSE = 'M6 6l12 12M18 6L6 18';
const CLIP = 'M21 11l-9 9a5 5 0 0 1-7-7l9-9a3.5 3.5 0 0 1 5 5l-9 9a2 2 0 0 1-3-3l8-8';
const SEND = 'M4 12l16-8-6 16-3-7z';
// Milliseconds until people are told that the connection is lost.
const PATIENCE = 5000;

export class View {
  constructor(store, words, acts) {
    this.store = store;
    this.words = words;
    this.acts = { ...acts, answered: (message) => this.answered(message) };
    this.shown = new Map();
    this.began = Date.now();
    this.build();
    this.reader = new IntersectionObserver((entries) => this.inView(entries), { root: this.log, threshold: 0.5 });
    addEventListener('keydown', (event) => this.key(event));
    store.watch((now) => this.draw(now));
  }

  build() {
    const { words } = this;
    const { config } = this.store.now;
    const root = document.documentElement;
    root.style.setProperty('--color', config.theme.color);
    root.style.setProperty('--ink', config.theme.ink);
    root.dataset.scheme = config.theme.scheme;
    this.heading = make('h1', { id: 'title', tabindex: '-1', text: words.say('title') });
    this.shut = make('button', { type: 'button', class: 'icon', 'aria-label': words.say('close'), onclick: () => this.acts.close() }, [icon(CLOSE)]);
    this.notice = make('p', { class: 'notice', hidden: '' });
    this.list = make('ol', { class: 'list' });
    this.waiting = make('ol', { class: 'list' });
    this.earlier = make('button', { type: 'button', class: 'link', hidden: '', text: words.say('older'), onclick: () => this.acts.older() });
    this.welcome = make('p', { class: 'welcome', dir: 'auto', text: words.say('welcome') });
    // Told of only once what was said before is there: nobody has it read out again.
    this.log = make('div', { class: 'log', tabindex: '0', 'aria-label': words.say('log'), 'aria-busy': 'true' }, [this.earlier, this.welcome, this.list, this.waiting]);
    this.typing = make('p', { class: 'typing', role: 'status' });
    this.alert = make('p', { class: 'alert', role: 'alert' });
    this.foot = make('div', { class: 'foot' }, [this.composer()]);
    this.dialog = make('main', { class: 'window', role: 'dialog', 'aria-labelledby': 'title' }, [
      make('header', {}, [make('div', {}, [this.heading, make('p', { class: 'about', text: words.say('reply_time') })]), this.shut]),
      this.notice, this.log, this.typing, this.alert, this.foot,
    ]);
    document.body.append(this.dialog);
    setTimeout(() => {
      this.log.setAttribute('role', 'log');
      this.log.setAttribute('aria-live', 'polite');
      this.log.setAttribute('aria-relevant', 'additions');
      this.log.removeAttribute('aria-busy');
    }, 1000);
  }

  composer() {
    const { words, acts } = this;
    this.field = make('textarea', { id: 'composer', rows: 1, maxlength: 4000, dir: 'auto', placeholder: words.say('placeholder'), 'aria-label': words.say('composer') });
    this.field.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.submit();
      }
    });
    this.field.addEventListener('input', () => {
      this.grow();
      acts.writing();
    });
    this.field.addEventListener('paste', (event) => this.take(event, event.clipboardData.files));
    const picker = make('input', { type: 'file', hidden: '', 'aria-hidden': 'true', tabindex: '-1' });
    picker.addEventListener('change', () => {
      this.files(picker.files);
      picker.value = '';
    });
    const attach = make('button', { type: 'button', class: 'icon', 'aria-label': words.say('attach'), onclick: () => picker.click() }, [icon(CLIP)]);
    const send = make('button', { type: 'submit', class: 'icon send', 'aria-label': words.say('send') }, [icon(SEND)]);
    const node = make('form', { class: 'composer' }, [...(this.store.now.config.attachments ? [picker, attach] : []), this.field, send]);
    node.addEventListener('submit', (event) => {
      event.preventDefault();
      this.submit();
    });
    node.addEventListener('dragover', (event) => event.preventDefault());
    node.addEventListener('drop', (event) => this.take(event, event.dataTransfer.files));
    this.writer = node;
    return node;
  }

  submit() {
    const text = this.field.value;
    if (!text.trim()) return;
    if (this.asksFirst()) {
      this.ask(text);
      return;
    }
    this.acts.send({ type: 'text', text });
    this.field.value = '';
    this.grow();
  }

  grow() {
    this.field.rows = Math.min(5, this.field.value.split('\n').length);
  }

  take(event, files) {
    if (!files.length || !this.store.now.config.attachments) return;
    event.preventDefault();
    this.files(files);
  }

  async files(files) {
    for (const file of files) {
      this.store.put({ problem: '' });
      this.alert.textContent = this.words.say('uploading', { name: file.name });
      try {
        const { media_id: mediaId } = await this.acts.upload(file, () => {});
        this.acts.send({ type: 'file', media_id: mediaId });
        this.alert.textContent = '';
      } catch (error) {
        this.store.put({ problem: error.message });
      }
    }
  }

  // --- forms ---

  asksFirst() {
    const { config, conversation, contact, availability, asked } = this.store.now;
    const { when, fields } = config.prechat;
    if (asked || conversation || !fields.length || (contact && contact.user_id)) return false;
    return when === 'first' || (when === 'closed' && !availability.open);
  }

  ask(text) {
    const { config } = this.store.now;
    this.swap(form(this.words, config.prechat.fields, {
      button: this.words.say('start'),
      done: async (answers) => {
        this.store.put({ asked: true });
        if (Object.keys(answers).length) this.acts.send({ type: 'form', fields: answers });
        this.acts.send({ type: 'text', text });
        this.field.value = '';
        this.swap(this.writer);
        return true;
      },
    }));
  }

  offline() {
    const { words } = this;
    const consent = words.say('consent');
    const fields = [
      { name: 'name', label: words.say('name'), kind: 'text', autocomplete: 'name' },
      { name: 'email', label: words.say('email'), kind: 'email', required: true, autocomplete: 'email' },
      { name: 'message', label: words.say('message'), kind: 'area', required: true },
      ...(consent ? [{ name: 'consent', label: consent, kind: 'checkbox', required: true }] : []),
    ];
    const id = crypto.randomUUID();
    const node = form(words, fields, {
      button: words.say('leave'),
      values: { message: this.field.value },
      done: (answers) => this.acts.leave({
        ...answers, consent: answers.consent === 'yes', client_id: id, website: node.querySelector('[name=website]').value, elapsed_ms: Date.now() - this.began,
      }),
    });
    // People neither see nor reach this one.
    node.append(make('input', { name: 'website', class: 'trap', tabindex: '-1', autocomplete: 'off', 'aria-hidden': 'true' }));
    this.began = Date.now();
    return node;
  }

  swap(node) {
    if (this.foot.firstChild === node) return;
    this.foot.replaceChildren(node);
    if (this.store.now.open) this.enter();
  }

  // --- drawing ---

  draw(now) {
    const { words } = this;
    this.dialog.setAttribute('aria-modal', String(Boolean(now.full)));
    this.welcome.hidden = now.messages.length > 0;
    this.welcome.textContent = now.greeting ? now.greeting.content : words.say('welcome');
    this.earlier.hidden = !now.more;
    const low = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 60;
    const grown = this.drawMessages(now.messages);
    this.drawPending(now);
    if (low && grown) this.log.scrollTop = this.log.scrollHeight;
    this.typing.textContent = now.typing ? words.say('typing') : '';
    if (now.problem) this.alert.textContent = now.problem === 'lost' ? words.say('lost') : now.problem;
    this.drawNotice(now);
    this.drawConnection(now.connection);
  }

  drawMessages(messages) {
    const wanted = new Set(messages.map((one) => one.seq));
    this.shown.forEach(({ node }, seq) => {
      if (!wanted.has(seq)) {
        node.remove();
        this.shown.delete(seq);
      }
    });
    let grown = false;
    let before = null;
    messages.forEach((one) => {
      const known = this.shown.get(one.seq);
      let node = known && known.node;
      if (!known || known.message !== one) {
        node = bubble(one, this.words, this.acts);
        if (known) known.node.replaceWith(node);
        this.shown.set(one.seq, { node, message: one });
        if (!one.own) this.reader.observe(node);
        grown = true;
      }
      node.classList.toggle('follows', Boolean(before && same(before, one)));
      const place = before ? this.shown.get(before.seq).node.nextSibling : this.list.firstChild;
      if (place !== node) this.list.insertBefore(node, place);
      before = one;
    });
    return grown;
  }

  drawPending(now) {
    const text = JSON.stringify(now.pending);
    if (text !== this.drawn) {
      this.drawn = text;
      this.waiting.replaceChildren(...now.pending.map((one) => pending(one, this.words, this.acts)));
      if (now.pending.length) this.log.scrollTop = this.log.scrollHeight;
    }
    const last = now.messages[now.messages.length - 1];
    const seen = Boolean(last && last.own && now.state && now.state.seen);
    this.list.dataset.seen = seen ? this.words.say('seen') : '';
    this.list.classList.toggle('is-seen', seen);
  }

  drawNotice(now) {
    const { words } = this;
    const { open, changes_at: back } = now.availability;
    let text = '';
    if (!open) text = back ? words.say('closed_until', { moment: words.moment(back) }) : words.say('closed');
    else if (now.state && now.state.status === 'resolved') text = words.say('resolved');
    const leaving = !open && now.config.offline.mode === 'form' && !now.conversation;
    if (now.done) text = `${words.say('left')} ${text}`;
    else if (leaving) text = `${text} ${words.say('offline')}`;
    this.notice.textContent = text;
    this.notice.hidden = !text;
    if (leaving && !now.done) {
      this.left = this.left || this.offline();
      this.swap(this.left);
    } else if (this.left) {
      this.left = null;
      if (now.done && !now.conversation && !open) this.foot.replaceChildren();
      else this.swap(this.writer);
    }
  }

  drawConnection(connection) {
    const lost = connection === 'backoff';
    if (lost && !this.lost) {
      this.lost = setTimeout(() => { this.alert.textContent = this.words.say('reconnecting'); }, PATIENCE);
    } else if (!lost && connection === 'open') {
      clearTimeout(this.lost);
      if (this.lost && !this.store.now.problem) this.alert.textContent = '';
      this.lost = 0;
    }
  }

  answered(message) {
    return this.store.now.messages.some((one) => one.own && one.seq > message.seq);
  }

  // --- looking ---

  enter() {
    const first = this.foot.querySelector('textarea, input:not([type=file], .trap), select') || this.heading;
    first.focus();
    this.log.scrollTop = this.log.scrollHeight;
    this.look();
  }

  // Look again at what is in view: it may have been so while nobody looked.
  look() {
    this.shown.forEach(({ node, message }) => {
      if (message.own) return;
      this.reader.unobserve(node);
      this.reader.observe(node);
    });
  }

  inView(entries) {
    const seqs = entries.filter((entry) => entry.isIntersecting).map((entry) => Number(entry.target.dataset.seq));
    if (seqs.length) this.acts.seen(Math.max(...seqs));
  }

  key(event) {
    if (event.key === 'Escape') this.acts.close();
    if (event.key !== 'Tab' || !this.store.now.full) return;
    // Where nothing else of the page is to be seen, nothing else is reached.
    const all = [...this.dialog.querySelectorAll('button, textarea, input, select, a, [tabindex="0"]')].filter((one) => one.checkVisibility() && one.tabIndex >= 0 && !one.disabled);
    const end = event.shiftKey ? all[0] : all[all.length - 1];
    if (document.activeElement === end) {
      event.preventDefault();
      (event.shiftKey ? all[all.length - 1] : all[0]).focus();
    }
  }
}

function same(before, one) {
  return before.own === one.own && (one.own || before.author.name === one.author.name);
}
