// Join the parts of the window: what the page says, what the hub says, what the visitor does.

import { Api, Question, final, pause, reason } from './api.js';
import { Link, Tabs } from './link.js';
import { strings } from './i18n.js';
import { Outbox } from './outbox.js';
import { Store } from './store.js';
import { Stream } from './stream.js';
import { View } from './view.js';

// Milliseconds: a bubble in view for so long is read; receipts are gathered for so long.
const READING = 1000;
const GATHER = 1000;
// Milliseconds for which a hidden tab keeps its stream, and between two signs of typing.
const HIDDEN = 300000;
const TYPING = 3000;
// How long it lasts that somebody there is writing: they say so again before it is over.
const TYPED = 12000;
// Milliseconds between two looks at a file that is being checked, and how many there are.
const CHECKING = 2000;
const LOOKS = 15;
// Milliseconds between two looks for the conversation that a first message begins.
const SETTLING = 2000;
// Milliseconds until the hub is asked again whether it is open: at least, where clocks differ; at most.
const RATHER = 60000;
const SELDOM = 3600000;
const TRIES = 3;
// Milliseconds: whoever fills in a form faster is taken for a program.
const HUMAN = 3000;
// With these the hub says that a proof does not hold; all else says nothing of it.
const UNPROVEN = ['identity-expired', 'identity-unproven'];
// Milliseconds that a proof waits for what was said before it.
const PATIENCE = 5000;
const PAGE = 30;
// Characters of a proof, and of what else a page says of its visitor, and of how much.
const PROOF = 8192;
const CLAIM = 200;
const CLAIMS = 20;
// What is known of one visitor, before anything is; `user` is null once it is known that nobody proves who it is.
const NOBODY = {
  messages: [], state: null, user: undefined, conversation: null, typing: false, more: false, problem: null, done: false, parted: false,
  asking: null, asked: false, ending: false, again: false,
};

const config = JSON.parse(document.body.dataset.config);
const link = new Link(config.sites, hear);
const store = new Store({
  ...NOBODY, config, pending: [], availability: config.availability, loaded: false, open: false, connection: 'idle', busy: false, offline: !navigator.onLine, greeting: null,
});
let tabs = null;
let page = { url: '', title: '' };
let identity = null;
// The proof that the token was got with, and whether the token is of whom the page says is here.
let proven = null;
let sure = false;
let attributes = {};
let token = null;
let kept = null;
let keeping = '';
let view = null;
let words = null;
let acknowledged = 0;
let readUpTo = 0;
let typed = 0;
// What is to be done in a while, each thing by one timer.
const timers = {};
// How often somebody logged out: what was under way before is nobody's any more.
let era = 0;
const asked = {
  init, open, close, identify, set,
  url: (where) => { page = where; },
  size: ({ full }) => store.put({ full }),
};
// What the page asks is done in its order, and nothing before the window is there.
let turn = Promise.resolve();

const who = new Question({ ask, take: welcome, settled: unproven, waiting: bide });
const api = new Api(config.key, { token: () => (sure ? token : null), renew: () => who.get(), of: () => store.now.conversation?.id });
const stream = new Stream(api, {
  after: () => store.last(),
  message: (message) => {
    arrive([message]);
    share('message', message);
  },
  state: (state) => {
    stand(state);
    share('state', state);
  },
  typing: () => {
    store.put({ typing: true });
    later('silent', () => store.put({ typing: false }), TYPED);
  },
  gone: () => (store.now.user && !identity ? part() : who.get()),
  connection: (connection) => {
    store.put({ connection });
    if (connection === 'open' && visible()) share('live');
  },
});
const outbox = new Outbox(api, {
  changed: (pending) => {
    store.put({ pending });
    keep();
  },
  sent: (message) => {
    link.tell('talks');
    if (message.seq === null) {
      settle();
      return;
    }
    const { conversation, user } = store.now;
    // Of what was erased meanwhile, nothing stands above what begins now.
    if (conversation && conversation.id !== message.conversation_id) part();
    if (!store.now.conversation) {
      // Tabs that were strangers at the same time have a token each: that of who wrote counts. What is proven is never kept.
      const shared = user === null ? token : null;
      if (shared) link.tell('token', shared);
      tabs.tell('begun', shared);
    }
    store.put({ conversation: { id: message.conversation_id } });
    // Where others came in between, the stream brings all of them in order.
    if (message.seq === store.last() + 1) arrive([message]);
    share('message', message);
    stream.open();
  },
  asked: () => store.put({ asking: { needed: true } }),
  round: () => who.round,
  about: () => ({ page, attributes, ...(store.now.greeting && { greeting: store.now.greeting.id }) }),
});

link.tell('ready');

function hear(type, payload) {
  if (type === 'logout') logout();
  else if (Object.hasOwn(asked, type)) inTurn(() => asked[type](payload), type !== 'identify');
}

// Do something after what was asked before; if somebody logs out first, only what `lasts`.
function inTurn(act, lasts) {
  const begun = era;
  turn = turn.then(() => (lasts || begun === era ? act() : null)).catch((error) => console.warn('Chat failed.', error));
}

async function init(given) {
  if (view) return;
  ({ page, kept } = given);
  // Other sites keep tokens of their own.
  tabs = new Tabs(`${config.key}:${link.origin}`, overhear);
  token = given.token?.slice(0, PROOF);
  identity = texts(given.identity, PROOF);
  set(given.attributes);
  words = await strings(given.lang || config.locale, config);
  document.documentElement.lang = words.locale;
  document.documentElement.dir = words.rtl ? 'rtl' : 'ltr';
  document.title = words.say('title');
  view = new View(store, words, {
    send, start, choose, leave, end, rate, older, writing, seen,
    retry: (id) => outbox.retry(id),
    cancel: (id) => outbox.cancel(id),
    files: (files) => files.forEach((file) => outbox.addFile(file)),
    close: () => link.tell('close'),
  });
  store.put({ greeting: config.greetings.find((one) => one.id === given.greeting) || null, full: given.full });
  document.addEventListener('visibilitychange', look);
  addEventListener('offline', () => store.put({ offline: true }));
  addEventListener('online', () => {
    store.put({ offline: false });
    who.rouse();
    look();
  });
  who.get();
}

function later(name, act, wait) {
  clearTimeout(timers[name]);
  timers[name] = setTimeout(act, wait);
}

// A first message is kept, and becomes a conversation in a moment.
function settle(wait = SETTLING) {
  const begun = era;
  later('settle', async () => {
    if (!store.now.conversation) await who.get();
    if (!store.now.conversation && begun === era) settle(Math.min(wait * 2, RATHER));
  }, wait);
}

// --- who the visitor is, as the page proves it and the hub knows them ---

async function ask() {
  const shown = store.now.conversation;
  return { ...await api.session({ token, identity, page }, needed), shown };
}

// Whether what was said has to be fetched.
function needed({ user, conversation }) {
  const { now } = store;
  return conversation && !(now.messages.length && now.conversation?.id === conversation.id && now.user === user);
}

// No answer, or one that says nothing of the proof: the window waits, and all that was said stays.
function bide(error) {
  store.put({ connection: 'backoff', busy: error.status === 429 });
}

function welcome({ shown, token: given, user, conversation, availability, messages }) {
  proven = identity;
  sure = true;
  const before = store.now.user;
  if (before !== undefined && user !== before) pass(before, user);
  // Signed out, or erased: what was said is not shown here any more.
  else if (shown && conversation?.id !== shown.id) part();
  token = given;
  // What is proven is proven anew with each session, and never kept in the page.
  if (!user) link.tell('token', token);
  // What began meanwhile, the answer does not know of.
  const begun = shown ? null : store.now.conversation;
  if (messages) place(messages);
  store.put({ user, conversation: conversation || begun, availability, connection: 'idle', busy: false, loaded: true });
  if (conversation || begun) {
    link.tell('talks');
    if (conversation) stand(conversation);
    stream.open();
  }
  resume(user);
  opening(availability);
}

// Tell the page, whose proof it was. A window that it has opened stays until its token is over.
function unproven(error) {
  if (!identity || !UNPROVEN.includes(error.code)) return null;
  console.warn('Chat: the page did not prove who its visitor is.', error.message);
  link.tell('event', { name: error.code === 'identity-expired' ? 'identity.expired' : 'identity.refused', detail: error.message });
  sure = JSON.stringify(identity) === JSON.stringify(proven);
  identity = null;
  return sure;
}

// Ask anew, but not for what only a proof opens once there is none.
function refresh() {
  if (identity || !store.now.user) who.get();
}

function place(messages) {
  store.put({ more: messages.length === PAGE });
  arrive(messages);
}

async function older() {
  const first = store.now.messages[0];
  const found = first && store.now.more && await api.get('messages', { before: first.seq }).catch(() => null);
  if (found) place(found.messages);
}

function forget() {
  ['settle', 'seen', 'check'].forEach((name) => clearTimeout(timers[name]));
  stream.close();
  acknowledged = 0;
  readUpTo = 0;
  outbox.shed();
  store.put(NOBODY);
  view?.forget();
  count();
}

// Who it is has changed. Who was nobody yet goes on with what they were about to say; who was somebody
// takes it away.
function pass(before, user) {
  forget();
  if (!before) return;
  if (user) {
    outbox.clear(who.round);
    view.empty();
  } else {
    // What nobody proves any more is not sent for them, and not lost.
    view.bring(outbox.clear());
  }
}

// The hub has taken the conversation away: nothing of it stays, and the visitor is told.
function part() {
  forget();
  store.put({ parted: true });
}

// Flip between open and closed at the very moment, and after a sleep.
function opening(availability) {
  const left = Date.parse(availability.changes_at) - Date.now();
  if (availability.changes_at) later('opening', refresh, left > 0 ? Math.min(left + 500, SELDOM) : RATHER);
}

// --- what would be lost with this page, if it went before it was sent ---

function keep() {
  const texts = outbox.unsent();
  const told = texts.length ? { user: store.now.user, texts } : kept;
  if (JSON.stringify(told) === keeping || (kept && store.now.user === undefined)) return;
  keeping = JSON.stringify(told);
  link.tell('keep', told);
}

function resume(user) {
  // Who wrote it may be proven later: until then it waits, and until somebody else is.
  const theirs = kept && (kept.user || null) === user ? kept.texts : [];
  if (theirs.length || user) kept = null;
  outbox.restore(theirs);
  if (!store.now.asking) outbox.resume();
}

// --- what the page asks ---

function open() {
  store.put({ open: true });
  view.enter();
  look();
}

function close() {
  store.put({ open: false });
  count();
}

async function identify(proof) {
  const begun = era;
  // What is on its way belongs to who wrote it, and moves along.
  await Promise.race([outbox.settled(), pause(PATIENCE)]);
  if (begun !== era) return;
  identity = texts(proof, PROOF);
  sure = false;
  who.anew();
}

function set(more) {
  attributes = texts(more, CLAIM) || {};
}

// Pages say what they like: what can be no text is left out, and no text is so long that it is in the way.
function texts(said, longest) {
  const all = said && Object.entries(said).filter(([, value]) => value !== null && typeof value !== 'object');
  return all && Object.fromEntries(all.slice(0, CLAIMS).map(([name, value]) => [name.slice(0, CLAIM), String(value).slice(0, longest)]));
}

function logout() {
  // From here on nothing that the page hears is of who was here before.
  link.tell('left');
  share('logout');
  leaveAccount();
}

function leaveAccount() {
  era += 1;
  identity = null;
  proven = null;
  token = null;
  sure = false;
  kept = null;
  attributes = {};
  forget();
  outbox.clear();
  view?.empty();
  if (view) who.anew();
}

// --- what other tabs tell, of the same conversation ---

function share(type, payload) {
  if (store.now.conversation) tabs.tell(type, payload, store.now.conversation.id);
}

function overhear(type, payload, of) {
  if (type === 'begun' && !store.now.conversation && (identity || !store.now.user)) {
    if (!identity) token = payload || token;
    who.anew();
  }
  if (!store.now.conversation || of !== store.now.conversation.id) return;
  // Only what follows at once: the rest comes with a stream of our own, from the last on.
  if (type === 'message' && payload.seq === store.last() + 1) arrive([payload]);
  else if (type === 'state') stand(payload);
  else if (type === 'read') reach(payload);
  else if (type === 'logout') leaveAccount();
  // Of all hidden tabs at most one keeps its stream, and none beside a visible one.
  else if ((type === 'live' || type === 'hidden') && !visible()) stream.close();
}

// --- what the hub tells ---

function arrive(messages) {
  outbox.echoed(messages);
  store.add(messages);
  if (messages.some((one) => !one.own)) store.put({ typing: false });
  if (messages.some(unchecked)) check(0);
  count();
  gather();
}

function unchecked(message) {
  return message.content?.media?.state === 'pending';
}

// A file is shown once it is checked; the message with it is not sent again for that.
function check(looks) {
  later('check', async () => {
    const waiting = store.now.messages.filter(unchecked);
    for (const one of waiting) {
      const found = await api.get('messages', { before: one.seq + 1, limit: 1 }).catch(() => null);
      if (found && !found.messages.some(unchecked)) store.add(found.messages);
    }
    if (waiting.length && looks < LOOKS) check(looks + 1);
  }, CHECKING);
}

function stand(state) {
  const { again, ending } = store.now;
  const over = state.status === 'resolved';
  const was = store.now.state?.status === 'resolved';
  // Who was about to say something goes on with it.
  store.put({ state, ending: ending && !over, again: over && (was ? again : !ending && view.drafts()) });
  count();
}

// What this window brought about, it does not wait to be told.
function change(part) {
  const state = { ...store.now.state, ...part };
  stand(state);
  share('state', state);
}

function count() {
  const news = store.now.messages.some((one) => !one.own && one.seq > readUpTo);
  const told = store.now.state?.unread || 0;
  const n = news && !(store.now.open && visible()) ? told : 0;
  link.tell('unread', { n, label: n ? words.count('unread', n) : '' });
}

function gather() {
  later('gather', acknowledge, GATHER);
}

async function acknowledge() {
  const last = store.last();
  if (last <= acknowledged || !store.now.messages.some((one) => !one.own && one.seq > acknowledged)) return;
  acknowledged = last;
  await api.post('ack', { seq: last }).catch(() => { acknowledged = 0; });
}

function seen(seq) {
  later('seen', () => {
    if (seq <= readUpTo || !store.now.open || !visible()) return;
    reach(seq);
    share('read', seq);
    api.post('read', { seq }).catch(() => { readUpTo = 0; });
  }, READING);
}

function reach(seq) {
  readUpTo = Math.max(readUpTo, seq);
  count();
}

function visible() {
  return document.visibilityState === 'visible';
}

// --- what the visitor does ---

// In turn: who it is from is settled by then.
function send(content) {
  inTurn(() => outbox.add(content));
}

// What is asked before a first message goes before it, and before all that waits.
function start(answers, text) {
  inTurn(() => {
    store.put({ asking: null, asked: true });
    outbox.resume(Object.keys(answers).length ? { type: 'form', fields: answers } : null);
    if (text) outbox.add({ type: 'text', text });
  });
}

function choose({ id, title }) {
  send({ type: 'choice', id, title });
}

async function leave(fields) {
  const begun = era;
  // All may have been there already: typed before a reload, or filled in by the browser.
  await pause(HUMAN - fields.elapsed_ms);
  return insist('offline', { ...fields, elapsed_ms: Math.max(HUMAN, fields.elapsed_ms), page }, () => begun === era, (answer) => {
    store.put({ done: true });
    link.tell('talks');
    if (answer.conversation_id) who.anew();
    else settle();
  });
}

// Tell the hub what counts once, however often it is told; `still`: whether it matters any more; `left`: tries.
async function insist(name, body, still, done, left = TRIES) {
  for (; still(); left -= 1) {
    const answer = await api.post(name, body).catch((error) => error);
    if (!still()) return false;
    if (!(answer instanceof Error)) {
      store.put({ problem: null });
      done(answer);
      return true;
    }
    if (final(answer) || answer.wait || left === 1) {
      store.put({ problem: reason(answer) });
      return false;
    }
    await pause(1000);
  }
  return false;
}

// Once: by another try somebody may have chosen to go on talking after all.
function end(id) {
  return finish('end', { client_id: id }, { status: 'resolved' }, 1);
}

function rate(id, answers) {
  return finish('rating', { client_id: id, ...answers, stars: Number(answers.stars) }, { rated: true });
}

// That it is over, or how it was; `then`: how the conversation stands by that.
function finish(name, body, then, left) {
  const { id } = store.now.conversation;
  return insist(name, body, () => store.now.conversation?.id === id, () => change(then), left);
}

function writing() {
  if (!store.now.conversation || Date.now() - typed < TYPING) return;
  typed = Date.now();
  api.post('typing', { on: true }).catch(() => {});
}

// A hidden tab keeps its stream for a while only: browsers keep few connections to one place.
function look() {
  clearTimeout(timers.hidden);
  count();
  if (visible()) {
    if (store.now.conversation) stream.open(true);
    if (stream.live) share('live');
    if (Date.parse(store.now.availability.changes_at || '') <= Date.now()) refresh();
    view.look();
  } else {
    share('hidden');
    later('hidden', () => stream.close(), HIDDEN);
  }
}
