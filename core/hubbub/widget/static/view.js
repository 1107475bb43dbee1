// Draw the window from what the store holds, and hand on what the visitor does.

import { author, bubble, pending } from './bubble.js';
import { Composer } from './composer.js';
import { form, remember } from './form.js';
import { icon, make } from './nodes.js';

const CLOSE = 'M6 6l12 12M18 6L6 18';
const DOWN = 'M12 5v14M5 12l7 7 7-7';
const MORE = 'M5 12h.01M12 12h.01M19 12h.01';
const TALK = 'M4 4h16v12H10l-5 4v-4H4z';
// Milliseconds until people are told that the connection is lost, and between two messages in a row.
const PATIENCE = 5000;
const TOGETHER = 300000;
// Pixels from the end of the messages at which somebody still reads the last of them.
const NEAR = 80;

export class View {
  constructor(store, words, acts) {
    this.store = store;
    this.words = words;
    this.acts = { ...acts, answered: (message) => this.answered(message) };
    this.shown = new Map();
    this.sending = new Map();
    this.heard = 0;
    this.pane = 'write';
    this.build();
    this.reader = new IntersectionObserver((entries) => this.inView(entries), { root: this.log, threshold: 0.5 });
    addEventListener('keydown', (event) => this.key(event));
    store.watch((now) => this.draw(now));
  }

  build() {
    const { words, acts } = this;
    const { config } = this.store.now;
    const root = document.documentElement;
    root.style.setProperty('--color', config.theme.color);
    root.style.setProperty('--ink', config.theme.ink);
    root.dataset.scheme = config.theme.scheme;
    this.composer = new Composer(words, {
      say: (text) => this.say(text),
      files: (files) => acts.files(files),
      writing: () => acts.writing(),
      problem: (code) => this.store.put({ problem: { code } }),
    }, config);
    this.about = make('p', { class: 'about' });
    this.banner = make('p', { class: 'banner', role: 'status' });
    this.notice = make('p', { class: 'notice', role: 'status' });
    this.typing = make('p', { class: 'typing', role: 'status' });
    this.alert = make('p', { class: 'alert', role: 'alert' });
    this.foot = make('div', { class: 'foot' }, [this.composer.node]);
    this.spoken = make('div', { class: 'aside', 'aria-live': 'polite' });
    this.dialog = make('div', { class: 'window', role: 'dialog', 'aria-labelledby': 'title' }, [
      this.head(), this.banner, this.notice, this.messages(), this.typing, this.alert, this.foot, this.spoken,
      make('p', { class: 'drop', 'aria-hidden': 'true', text: words.say('drop') }),
    ]);
    this.dialog.addEventListener('dragover', (event) => this.drag(event, true));
    this.dialog.addEventListener('dragleave', (event) => this.drag(event, false));
    this.dialog.addEventListener('drop', (event) => {
      this.drag(event, false);
      this.composer.take(event, event.dataTransfer.files);
    });
    document.body.replaceChildren(this.dialog);
  }

  head() {
    const { words } = this;
    return make('header', {}, [
      make('span', { class: 'face' }, [icon(TALK)]),
      make('div', { class: 'names' }, [make('h1', { id: 'title', dir: 'auto', text: words.say('title') }), this.about]),
      this.more(),
      make('button', { type: 'button', class: 'icon', 'aria-label': words.say('close'), onclick: () => this.acts.close() }, [icon(CLOSE)]),
    ]);
  }

  more() {
    const { words } = this;
    this.menu = make('details', { class: 'menu', onfocusout: ({ relatedTarget }) => { if (!this.menu.contains(relatedTarget)) this.menu.open = false; } }, [
      make('summary', { class: 'icon', 'aria-label': words.say('more') }, [icon(MORE)]),
      make('button', { type: 'button', text: words.say('end'), onclick: () => this.store.put({ ending: true }) }),
    ]);
    return this.menu;
  }

  messages() {
    const { words, acts } = this;
    this.list = make('ol', { class: 'list' });
    this.receipt = make('p', { class: 'receipt' });
    this.waiting = make('ol', { class: 'list' });
    this.earlier = make('button', { type: 'button', class: 'link earlier', hidden: '', text: words.say('older'), onclick: () => acts.older() });
    this.welcome = make('p', { class: 'welcome', dir: 'auto' });
    // Read out is what is new alone, by a region of its own: neither what was said before, nor by oneself.
    this.log = make('div', { class: 'log', role: 'log', 'aria-live': 'off', tabindex: '0', 'aria-label': words.say('log'), 'aria-busy': 'true', onscroll: () => this.scrolled() }, [
      make('p', { class: 'loading', text: words.say('loading') }), this.earlier, this.welcome, this.list, this.receipt, this.waiting,
    ]);
    this.newer = make('button', { type: 'button', class: 'newer', hidden: '', onclick: () => this.toEnd() }, [icon(DOWN), words.say('newer')]);
    return make('div', { class: 'middle' }, [this.log, this.newer]);
  }

  // --- what the visitor does ---

  say(text) {
    this.store.put({ problem: null });
    if (this.asksFirst()) {
      this.store.put({ asking: { text } });
      return;
    }
    this.store.put({ parted: false });
    this.acts.send({ type: 'text', text });
    this.composer.text = '';
  }

  drag(event, over) {
    if (![...event.dataTransfer.types].includes('Files')) return;
    event.preventDefault();
    this.dialog.classList.toggle('dropping', over && this.store.now.config.attachments && this.pane === 'write');
  }

  // --- forms ---

  asksFirst() {
    const { config, conversation, user, availability, asked } = this.store.now;
    const { when, fields } = config.prechat;
    if (asked || conversation || !fields.length || user) return false;
    return when === 'first' || (when === 'closed' && !availability.open);
  }

  ask() {
    const { config: { prechat, needed: insisted }, asking: { text, needed } } = this.store.now;
    return form(this.words, needed ? insisted : prechat.fields, {
      title: this.words.say('ask'),
      button: this.words.say('start'),
      done: async (answers) => {
        if (text) this.composer.text = '';
        this.acts.start(answers, text);
        return true;
      },
    });
  }

  offline() {
    const { words } = this;
    const consent = words.say('consent');
    const { fields } = this.store.now.config.offline;
    const id = crypto.randomUUID();
    const began = performance.now();
    // People neither see nor reach this one.
    const trap = make('input', { name: 'website', class: 'trap', tabindex: '-1', autocomplete: 'off', 'aria-hidden': 'true' });
    const node = form(words, consent ? [...fields, { name: 'consent', label: consent, kind: 'checkbox', required: true }] : fields, {
      title: words.say('offline'),
      button: words.say('leave'),
      values: this.composer.text ? { message: this.composer.text } : {},
      done: async (answers) => {
        const left = await this.acts.leave({ fields: answers, client_id: id, website: trap.value, elapsed_ms: Math.round(performance.now() - began) });
        if (left) this.composer.text = '';
        return left;
      },
    });
    node.append(trap);
    return node;
  }

  // --- the end ---

  end() {
    const id = crypto.randomUUID();
    return this.closing('end_question', [
      form(this.words, [], { title: this.words.say('end_hint'), button: this.words.say('end_yes'), done: () => this.acts.end(id) }),
      this.option('end_no', { ending: false }),
    ]);
  }

  rate() {
    const { words } = this;
    const id = crypto.randomUUID();
    return this.closing('over', [
      form(words, [{ name: 'stars', kind: 'stars', label: words.say('rate') }, { name: 'comment', kind: 'area', label: words.say('comment') }], {
        title: words.say('rate'),
        button: words.say('rate_send'),
        done: (answers) => this.acts.rate(id, answers),
      }),
      this.option('write_again', { again: true }),
    ]);
  }

  over() {
    return this.closing('over', [...(this.store.now.state.rated ? [make('p', { text: this.words.say('rated') })] : []), this.option('write_again', { again: true })]);
  }

  closing(title, children) {
    return make('section', { class: 'closing', 'aria-labelledby': 'closing' }, [make('h2', { id: 'closing', tabindex: '-1', text: this.words.say(title) }), ...children]);
  }

  option(name, change) {
    return make('button', { type: 'button', class: 'option', text: this.words.say(name), onclick: () => this.store.put({ ...change, problem: null }) });
  }

  // --- what stands where people write: that, or what comes before and after it ---

  wanted({ asking, ending, again, loaded, availability, config, conversation, done, state }) {
    if (asking) return 'ask';
    if (loaded && !availability.open && config.offline.mode === 'form' && !conversation && !done) return 'offline';
    if (ending) return 'end';
    if (state?.status !== 'resolved' || again) return 'write';
    return config.conversation.rating && !state.rated ? 'rate' : 'over';
  }

  drawFoot(now) {
    const pane = this.wanted(now);
    if (pane === this.pane) return;
    // What was typed for while it is closed is not typed again once it is open.
    if (this.pane === 'offline' && !now.done) this.composer.text = this.foot.firstChild.elements.message.value;
    this.pane = pane;
    this.menu.open = false;
    const here = document.hasFocus() && (pane === 'end' || this.foot.contains(document.activeElement));
    this.foot.replaceChildren(pane === 'write' ? this.composer.node : this[pane]());
    this.dialog.classList.toggle('asking', pane !== 'write');
    this.composer.changed();
    if (here) this.focus();
    this.toEnd();
  }

  // Whether somebody is about to say something.
  drafts() {
    return this.pane === 'write' && this.composer.text.trim() !== '';
  }

  // What was said, and read out, by somebody else is not shown on.
  forget() {
    this.heard = 0;
    this.settled = false;
    this.spoken.replaceChildren();
  }

  // Nothing that one visitor was about to say is left for the next.
  empty() {
    remember(null);
    this.composer.text = '';
    if (this.foot.firstChild.reset) this.foot.firstChild.reset();
  }

  // Give texts back to whoever wrote them.
  bring(texts) {
    this.composer.text = [...texts, this.composer.text].filter(Boolean).join('\n');
  }

  // --- drawing ---

  draw(now) {
    const { words } = this;
    this.dialog.setAttribute('aria-modal', String(Boolean(now.full)));
    this.log.setAttribute('aria-busy', String(!now.loaded));
    this.welcome.hidden = !now.loaded || now.messages.length > 0 || now.pending.length > 0;
    this.welcome.textContent = now.greeting ? now.greeting.content : words.say('welcome');
    this.earlier.hidden = !now.more;
    this.drawMessages(now);
    this.drawPending(now);
    this.typing.textContent = now.typing ? words.say('typing') : '';
    this.alert.textContent = now.problem ? words.why(now.problem) : '';
    this.drawFoot(now);
    this.drawOpening(now);
    this.drawConnection(now);
  }

  drawMessages({ messages, loaded }) {
    const first = this.list.firstChild;
    const fromEnd = this.log.scrollHeight - this.log.scrollTop;
    const grown = this.place(messages);
    const last = messages[messages.length - 1];
    const fresh = messages.filter((one) => !one.own && one.seq > this.heard);
    this.heard = Math.max(this.heard, last ? last.seq : 0);
    if (first && first !== this.list.firstChild) this.log.scrollTop = this.log.scrollHeight - fromEnd;
    else if (grown && fromEnd - this.log.clientHeight < NEAR) this.toEnd();
    else if (grown && fresh.length) this.newer.hidden = false;
    // What was there when the window opened is no news.
    if (this.settled) fresh.forEach((one) => this.announce(one));
    this.settled = loaded;
  }

  // Put the nodes of the messages in their order, making only those that are not there yet.
  place(messages) {
    const wanted = new Set(messages.map((one) => one.seq));
    this.shown.forEach(({ node }, seq) => {
      if (!wanted.has(seq)) {
        node.remove();
        this.shown.delete(seq);
      }
    });
    let grown = false;
    messages.forEach((one, number) => {
      const before = messages[number - 1];
      const known = this.shown.get(one.seq);
      let node = known?.node;
      if (known?.message !== one) {
        node = bubble(one, this.words, this.acts);
        if (known) known.node.replaceWith(node);
        this.shown.set(one.seq, { node, message: one });
        if (!one.own) this.reader.observe(node);
        grown = true;
      }
      node.firstChild.hidden = Boolean(before) && this.words.day(before.at) === this.words.day(one.at);
      node.classList.toggle('follows', node.firstChild.hidden && together(before, one));
      node.classList.toggle('ends', !together(one, messages[number + 1]));
      const at = before ? this.shown.get(before.seq).node.nextSibling : this.list.firstChild;
      if (at !== node) this.list.insertBefore(node, at);
    });
    return grown;
  }

  announce(message) {
    const said = this.shown.get(message.seq).node.querySelector('.bubble').textContent;
    this.spoken.append(make('p', { text: `${author(message, this.words)}: ${said}` }));
    if (this.spoken.childElementCount > 3) this.spoken.firstChild.remove();
  }

  drawPending(now) {
    const ids = new Set(now.pending.map((one) => one.client_id));
    this.sending.forEach(({ node }, id) => {
      if (!ids.has(id)) {
        node.remove();
        this.sending.delete(id);
      }
    });
    now.pending.forEach((one) => {
      const known = this.sending.get(one.client_id);
      const look = JSON.stringify([one.failed, one.later, one.kept, !one.file]);
      let node = known?.node;
      if (known?.look !== look) {
        node = pending(one, this.words, this.acts);
        if (known) known.node.replaceWith(node);
        else this.waiting.append(node);
        this.sending.set(one.client_id, { node, look });
        if (!known) this.toEnd();
      }
      const bar = node.querySelector('progress');
      if (bar) bar.value = one.progress;
    });
    const last = now.messages[now.messages.length - 1];
    const told = last && last.own && !now.pending.length && now.state;
    this.receipt.textContent = told ? this.words.say(now.state.seen ? 'seen' : 'sent') : '';
  }

  drawOpening(now) {
    const { words } = this;
    const { open, changes_at: back } = now.availability;
    const closed = back ? words.say('closed_until', { moment: words.moment(back) }) : words.say('closed');
    const answer = words.say(now.config.by_email && (now.done || this.pane === 'offline') ? 'answer_email' : 'answer_here');
    this.about.textContent = open ? words.say('reply_time') || (back ? words.say('open_now') : '') : `${closed} ${answer}`;
    this.dialog.classList.toggle('closed', !open);
    let text = '';
    if (now.done) text = words.say('left');
    else if (now.parted || now.again) text = words.say(now.parted ? 'parted' : 'resolved');
    this.notice.textContent = text;
    this.menu.hidden = !now.config.conversation.end_by_visitor || !now.state || now.state.status === 'resolved';
  }

  // That the hub is away is said only once it has been for a while.
  drawConnection({ connection, offline, busy }) {
    if (connection === 'backoff' && !this.lost) {
      this.lost = setTimeout(() => {
        this.late = true;
        this.draw(this.store.now);
      }, PATIENCE);
    } else if (connection === 'open' || connection === 'idle') {
      clearTimeout(this.lost);
      this.lost = 0;
      this.late = false;
    }
    const text = offline ? 'offline_now' : busy ? 'problem_slow-down' : this.late && 'reconnecting';
    this.banner.textContent = text ? this.words.say(text) : '';
  }

  answered(message) {
    return this.store.now.messages.some((one) => one.own && one.seq > message.seq);
  }

  // --- looking ---

  focus() {
    this.foot.querySelector('h2[tabindex], textarea, input:not([type=file], .trap), select').focus();
  }

  enter() {
    this.focus();
    this.toEnd();
    this.look();
  }

  toEnd() {
    this.log.scrollTop = this.log.scrollHeight;
    this.newer.hidden = true;
  }

  scrolled() {
    if (this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < NEAR) this.newer.hidden = true;
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

  // The way back leads to what was there before, and out of the window last.
  escape() {
    if (this.menu.open) {
      this.menu.open = false;
      this.menu.firstChild.focus();
    } else if (this.store.now.ending) {
      this.store.put({ ending: false });
    } else {
      this.acts.close();
    }
  }

  key(event) {
    if (event.key === 'Escape') this.escape();
    if (event.key !== 'Tab' || !this.store.now.full) return;
    // Where nothing else of the page is to be seen, nothing else is reached.
    const all = [...this.dialog.querySelectorAll('button, summary, textarea, input, select, a, [tabindex="0"]')].filter((one) => one.checkVisibility() && one.tabIndex >= 0 && !one.disabled);
    const end = event.shiftKey ? all[0] : all[all.length - 1];
    if (document.activeElement === end) {
      event.preventDefault();
      (event.shiftKey ? all[all.length - 1] : all[0]).focus();
    }
  }
}

// Whether two messages stand as one group: of one person, shortly after another.
function together(one, next) {
  return Boolean(one && next) && one.own === next.own && Date.parse(next.at) - Date.parse(one.at) < TOGETHER
    && (one.own || one.author.name === next.author.name);
}
