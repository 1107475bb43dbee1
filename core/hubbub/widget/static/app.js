// Join the parts of the window: what the page says, what the hub says, what the visitor does.

import { Api, Refused, reason } from './api.js';
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
// Milliseconds until the hub is asked again who the visitor is, at first and at most.
const AGAIN = 5000;
const RARELY = 300000;
// With these the hub says that a proof does not hold; all else says nothing of it.
const UNPROVEN = ['identity-expired', 'identity-unproven'];
// Milliseconds that a proof waits for what was said before it.
const PATIENCE = 5000;
const PAGE = 30;
// What is known of one visitor, before anything is.
const NOBODY = {
  messages: [], state: null, contact: null, conversation: null, typing: false, more: false, problem: null, done: false, parted: false,
  asking: null, asked: false, ending: false, again: false,
};

const config = JSON.parse(document.body.dataset.config);
const link = new Link(config.allowed_origins, hear);
const tabs = new Tabs(config.key, overhear);
const store = new Store({
  ...NOBODY, config, pending: [], availability: config.availability, loaded: false, open: false, connection: 'idle', offline: !navigator.onLine, greeting: null,
});
let page = { url: '', title: '' };
let identity = null;
// The proof that the token was got with.
let proven = null;
let failures = 0;
let attributes = {};
let token = null;
let about = {};
let kept = null;
let keeping = '';
let beginning = null;
let view = null;
let words = null;
let closing = 0;
let acknowledged = 0;
let readUpTo = 0;
let gathering = 0;
let reading = 0;
let checking = 0;
let typed = 0;
let silent = 0;
let settling = 0;
let opens = 0;
// What the page asks is done in its order, and nothing before the window is there.
let turn = Promise.resolve();

const api = new Api(config.key, () => token, begin);
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
    clearTimeout(silent);
    silent = setTimeout(() => store.put({ typing: false }), TYPED);
  },
  gone: part,
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
    const { conversation } = store.now;
    // Of what was erased meanwhile, nothing stands above what begins now.
    if (conversation && conversation.id !== message.conversation_id) part();
    if (!store.now.conversation) tabs.tell('begun');
    store.put({ conversation: { id: message.conversation_id } });
    // Where others came in between, the stream brings all of them in order.
    if (message.seq === store.last() + 1) arrive([message]);
    share('message', message);
    stream.open();
  },
  asked: () => store.put({ asking: { needed: true } }),
  about: () => ({ page, attributes, ...(store.now.greeting && { greeting: store.now.greeting.id }) }),
});

link.tell('ready');

function hear(type, payload) {
  const known = { init, open, close, identify, set, logout, url, size };
  if (!Object.hasOwn(known, type)) return;
  turn = turn.then(() => known[type](payload)).catch((error) => console.warn('Chat failed.', error));
}

async function init(given) {
  if (view) return;
  ({ page, identity, token, kept } = given);
  attributes = given.attributes || {};
  about = { locale: given.lang || config.locale, tz: given.tz };
  words = await strings(about.locale, config);
  document.documentElement.lang = words.locale;
  document.documentElement.dir = words.rtl ? 'rtl' : 'ltr';
  document.documentElement.classList.toggle('calm', given.calm);
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
    look();
  });
  begin();
}

// A first message is kept, and becomes a conversation in a moment.
function settle() {
  clearTimeout(settling);
  settling = setTimeout(async () => {
    if (!store.now.conversation) await begin();
    if (!store.now.conversation) settle();
  }, SETTLING);
}

// Ask who the visitor is. Everybody who needs to know waits for the same answer.
function begin() {
  beginning = beginning || session().finally(() => { beginning = null; });
  return beginning;
}

async function session() {
  const shown = store.now.conversation;
  let found;
  try {
    found = await api.session({ token, identity, page, ...about });
  } catch (error) {
    if (identity && UNPROVEN.includes(error.code)) return unproven(error);
    store.put({ connection: 'backoff' });
    setTimeout(begin, error.retryAfter * 1000 || Math.min(AGAIN * 2 ** failures, RARELY));
    failures += 1;
    return null;
  }
  failures = 0;
  proven = identity;
  const user = found.contact && found.contact.user_id;
  const before = store.now.contact && store.now.contact.user_id;
  // Who was nobody yet and is proven now goes on with what they were about to say.
  if (store.now.contact !== null && user !== before) forget(!before);
  // Signed out, or erased: what was said is not shown here any more.
  else if (shown && !(found.conversation && found.conversation.id === shown.id)) part();
  token = found.token;
  // What is proven is proven anew with each session, and never kept in the page.
  if (!user) link.tell('token', token);
  // What began meanwhile, the answer does not know of.
  const begun = shown ? null : store.now.conversation;
  store.put({ contact: found.contact || { user_id: null }, conversation: found.conversation || begun, availability: found.availability });
  if (found.conversation || begun) {
    link.tell('talks');
    if (!store.now.messages.length) await history(null);
    if (found.conversation) stand(found.conversation);
    stream.open();
  } else {
    store.put({ connection: 'idle' });
  }
  store.put({ loaded: true });
  resume(user);
  opening(found.availability);
  return found;
}

// Tell the page, whose proof it was. A window that it has opened stays until its token is over.
function unproven(error) {
  console.warn('Chat: the page did not prove who its visitor is.', error.message);
  link.tell('event', { name: error.code === 'identity-expired' ? 'identity.expired' : 'identity.refused', detail: error.message });
  const used = identity === proven;
  identity = null;
  return used ? null : session();
}

// Ask anew, but not for what only a proof opens once there is none.
function refresh() {
  if (identity || !store.now.contact?.user_id) begin();
}

async function history(before) {
  const found = await api.get('messages', before ? { before } : {});
  store.put({ more: found.messages.length === PAGE });
  arrive(found.messages);
}

function older() {
  const first = store.now.messages[0];
  if (first && store.now.more) return history(first.seq);
  return null;
}

function forget(stays = false) {
  clearTimeout(settling);
  stream.close();
  if (!stays) outbox.clear();
  acknowledged = 0;
  readUpTo = 0;
  store.put(NOBODY);
  if (!stays) view.forget();
  count();
}

// The hub has taken the conversation away: nothing of it stays, and the visitor is told.
function part() {
  forget();
  store.put({ parted: true });
}

// Flip between open and closed at the very moment, and after a sleep.
function opening(availability) {
  clearTimeout(opens);
  if (!availability.changes_at) return;
  const left = Date.parse(availability.changes_at) - Date.now();
  opens = setTimeout(refresh, left > 0 ? Math.min(left + 500, SELDOM) : RATHER);
}

// --- what would be lost with this page, if it went before it was sent ---

function keep() {
  const texts = outbox.unsent();
  const told = texts.length ? { user: store.now.contact && store.now.contact.user_id, texts } : null;
  if (JSON.stringify(told) === keeping || kept) return;
  keeping = JSON.stringify(told);
  link.tell('keep', told);
}

function resume(user) {
  const { texts } = kept && (kept.user || null) === (user || null) ? kept : { texts: [] };
  kept = null;
  outbox.restore(texts);
  if (!store.now.asking) outbox.resume();
}

// --- what the page asks ---

function open(given) {
  store.put({ open: true, full: given.full });
  view.enter();
  look();
}

function close() {
  store.put({ open: false });
  count();
}

function size(given) {
  store.put({ full: given.full });
}

async function identify(proof) {
  // What is on its way belongs to who wrote it, and moves along.
  await Promise.race([outbox.settled(), new Promise((done) => { setTimeout(done, PATIENCE); })]);
  identity = proof;
  // One that was begun before knows nothing of it.
  await beginning;
  await begin();
}

function set(more) {
  attributes = more;
}

async function logout() {
  share('logout');
  await leaveAccount();
}

async function leaveAccount() {
  identity = null;
  token = null;
  forget();
  await beginning;
  await begin();
}

function url(where) {
  page = where;
}

// --- what other tabs tell, of the same conversation ---

function share(type, payload) {
  if (store.now.conversation) tabs.tell(type, payload, store.now.conversation.id);
}

function overhear(type, payload, of) {
  if (type === 'begun' && !store.now.conversation) begin();
  if (!store.now.conversation || of !== store.now.conversation.id) return;
  // Only what follows at once: the rest comes with a stream of our own, from the last on.
  if (type === 'message' && payload.seq === store.last() + 1) arrive([payload]);
  else if (type === 'state') stand(payload);
  else if (type === 'read') reach(payload);
  else if (type === 'logout') turn = turn.then(leaveAccount);
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
  clearTimeout(checking);
  checking = setTimeout(async () => {
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
  clearTimeout(gathering);
  gathering = setTimeout(acknowledge, GATHER);
}

async function acknowledge() {
  const last = store.last();
  if (last <= acknowledged || !store.now.messages.some((one) => !one.own && one.seq > acknowledged)) return;
  acknowledged = last;
  await api.post('ack', { seq: last }).catch(() => { acknowledged = 0; });
}

function seen(seq) {
  clearTimeout(reading);
  reading = setTimeout(() => {
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
  turn = turn.then(() => outbox.add(content));
}

// What is asked before a first message goes before it, and before all that waits.
function start(answers, text) {
  turn = turn.then(() => {
    store.put({ asking: null, asked: true });
    outbox.resume(Object.keys(answers).length ? { type: 'form', fields: answers } : null);
    if (text) outbox.add({ type: 'text', text });
  });
}

function choose(option) {
  send({ type: 'choice', id: option.id, title: option.title });
}

async function leave(fields) {
  for (let tries = 0; tries < TRIES; tries += 1) {
    try {
      const answer = await api.post('offline', { ...fields, page });
      store.put({ done: true, problem: null });
      link.tell('talks');
      if (answer.conversation_id) await begin();
      else settle();
      return true;
    } catch (error) {
      if (error instanceof Refused) return refused(error);
      await new Promise((done) => { setTimeout(done, 1000); });
    }
  }
  return refused();
}

// Say why something was not done.
function refused(error) {
  store.put({ problem: reason(error) });
  return false;
}

function end(id) {
  return finish('end', { client_id: id }, { status: 'resolved' });
}

function rate(id, { stars, comment = '' }) {
  return finish('rating', { client_id: id, stars: Number(stars), comment }, { rated: true });
}

// Tell the hub that it is over, or how it was; `then`: how the conversation stands by that.
async function finish(name, body, then) {
  const { conversation } = store.now;
  try {
    await api.post(name, body);
  } catch (error) {
    return refused(error);
  }
  store.put({ problem: null });
  if (store.now.conversation === conversation) change(then);
  return true;
}

function writing() {
  if (!store.now.conversation || Date.now() - typed < TYPING) return;
  typed = Date.now();
  api.post('typing', { on: true }).catch(() => {});
}

// A hidden tab keeps its stream for a while only: browsers keep few connections to one place.
function look() {
  clearTimeout(closing);
  count();
  if (visible()) {
    if (store.now.conversation) stream.open(true);
    if (stream.live) share('live');
    if (Date.parse(store.now.availability.changes_at || '') <= Date.now()) refresh();
    view.look();
  } else {
    share('hidden');
    closing = setTimeout(() => stream.close(), HIDDEN);
  }
}
