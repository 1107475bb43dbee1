// Join the parts of the window: what the page says, what the hub says, what the visitor does.

import { Api, Refused } from './api.js';
import { Link } from './link.js';
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
const TRIES = 3;

const config = JSON.parse(document.body.dataset.config);
const link = new Link(config.allowed_origins, hear);
const store = new Store({
  config, messages: [], pending: [], state: null, contact: null, conversation: null, availability: config.availability,
  open: false, connection: 'idle', typing: false, more: false, greeting: null, problem: '', form: null, done: false,
});
let page = { url: '', title: '' };
let identity = null;
let attributes = {};
let token = null;
let beginning = null;
let view = null;
let closing = 0;
let acknowledged = 0;
let readUpTo = 0;
let gathering = 0;
let typed = 0;
// What the page asks is done in its order, and nothing before the window is there.
let turn = Promise.resolve();

const api = new Api(config.key, () => token, begin);
const stream = new Stream(api, {
  after: () => store.last(),
  message: (message) => { arrive([message]); },
  state: (state) => { store.put({ state }); count(); },
  typing: () => { store.put({ typing: true }); clearTimeout(hear.typing); hear.typing = setTimeout(() => store.put({ typing: false }), TYPED); },
  gone: () => forget(),
  connection: (connection) => store.put({ connection }),
});
const outbox = new Outbox(api, {
  changed: (pending) => store.put({ pending }),
  sent: (message) => {
    link.tell('talks');
    if (message.seq === null) return;
    store.put({ conversation: { id: message.conversation_id } });
    // Where others came in between, the stream brings all of them in order.
    if (message.seq === store.last() + 1) arrive([message]);
    stream.open();
  },
  about: () => ({ page, attributes, ...(store.now.greeting && { greeting: store.now.greeting.id }) }),
});

link.tell('ready');

function hear(type, payload) {
  const known = { init, open, close, identify, set, logout, url };
  if (!Object.prototype.hasOwnProperty.call(known, type)) return;
  turn = turn.then(() => known[type](payload)).catch((error) => console.warn('Chat failed.', error));
}

async function init(given) {
  if (view) return;
  page = given.page;
  identity = given.identity;
  attributes = given.attributes || {};
  token = given.token;
  const locale = given.lang || config.locale;
  const words = await strings(locale, config);
  document.documentElement.lang = words.locale;
  document.documentElement.dir = words.rtl ? 'rtl' : 'ltr';
  document.documentElement.classList.toggle('calm', given.calm);
  init.about = { locale, tz: given.tz };
  view = new View(store, words, { send, choose, retry, leave, older, upload, writing, seen, close: () => link.tell('close'), link });
  store.put({ greeting: config.greetings.find((one) => one.id === given.greeting) || null, full: given.full });
  document.addEventListener('visibilitychange', look);
  addEventListener('online', look);
  begin();
}

// Ask who the visitor is. Everybody who needs to know waits for the same answer.
function begin() {
  beginning = beginning || session().finally(() => { beginning = null; });
  return beginning;
}

async function session() {
  let found;
  try {
    found = await api.session({ token, identity, page, ...init.about });
  } catch (error) {
    if (error instanceof Refused && identity) {
      link.tell('event', { name: error.code === 'identity-expired' ? 'identity.expired' : 'identity.refused', detail: error.message });
      identity = null;
      token = null;
      return session();
    }
    setTimeout(begin, 5000);
    return null;
  }
  const user = found.contact && found.contact.user_id;
  const before = store.now.contact && store.now.contact.user_id;
  if (store.now.contact !== null && user !== before) forget();
  token = found.token;
  // What is proven is proven anew with each session, and never kept in the page.
  if (!user) link.tell('token', token);
  store.put({ contact: found.contact || { user_id: null }, conversation: found.conversation, availability: found.availability });
  if (found.conversation) {
    link.tell('talks');
    store.put({ state: found.conversation });
    if (!store.now.messages.length) await history(null);
    stream.open();
  }
  count();
  opening(found.availability);
  return found;
}

async function history(before) {
  const found = await api.get('messages', before ? { before } : {});
  store.put({ more: found.messages.length === 30 });
  arrive(found.messages);
}

function older() {
  const first = store.now.messages[0];
  if (first && store.now.more) return history(first.seq);
  return null;
}

function forget() {
  stream.close();
  outbox.clear();
  acknowledged = 0;
  readUpTo = 0;
  store.put({ messages: [], state: null, conversation: null, contact: null, more: false, typing: false, done: false });
}

// Flip between open and closed at the very moment, and after a sleep.
function opening(availability) {
  clearTimeout(opening.timer);
  if (!availability.changes_at) return;
  const left = Date.parse(availability.changes_at) - Date.now();
  opening.timer = setTimeout(begin, Math.min(Math.max(left, 0) + 500, 3600000));
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

async function identify(proof) {
  identity = proof;
  // One that was begun before knows nothing of it.
  await beginning;
  await begin();
}

function set(more) {
  attributes = more;
}

async function logout() {
  identity = null;
  token = null;
  forget();
  await beginning;
  await begin();
}

function url(where) {
  page = where;
}

// --- what the hub tells ---

function arrive(messages) {
  outbox.echoed(messages);
  store.add(messages);
  if (messages.some((one) => !one.own)) store.put({ typing: false });
  count();
  gather();
}

function count() {
  const unread = store.now.messages.filter((one) => !one.own && one.seq > readUpTo).length;
  const told = store.now.state ? store.now.state.unread : 0;
  link.tell('unread', store.now.open ? 0 : Math.min(unread, told));
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
  if (seq <= readUpTo || !store.now.open || document.visibilityState !== 'visible') return;
  readUpTo = seq;
  clearTimeout(seen.timer);
  seen.timer = setTimeout(() => {
    api.post('read', { seq: readUpTo }).catch(() => { readUpTo = 0; });
  }, READING);
}

// --- what the visitor does ---

// In turn: who it is from is settled by then.
function send(content) {
  turn = turn.then(() => outbox.add(content));
}

function choose(option) {
  send({ type: 'choice', id: option.id, title: option.title });
}

function retry(id) {
  outbox.retry(id);
}

async function leave(fields) {
  for (let tries = 0; tries < TRIES; tries += 1) {
    try {
      const answer = await api.post('offline', { ...fields, page });
      store.put({ done: true });
      link.tell('talks');
      if (answer.conversation_id) await begin();
      return true;
    } catch (error) {
      if (error instanceof Refused) {
        store.put({ problem: error.message });
        return false;
      }
      await new Promise((done) => { setTimeout(done, 1000); });
    }
  }
  store.put({ problem: 'lost' });
  return false;
}

async function upload(file, progress) {
  return api.upload(file, progress);
}

function writing() {
  if (!store.now.conversation || Date.now() - typed < TYPING) return;
  typed = Date.now();
  api.post('typing', { on: true }).catch(() => {});
}

// A hidden tab keeps its stream for a while only: browsers keep few connections to one place.
function look() {
  clearTimeout(closing);
  if (document.visibilityState === 'visible') {
    if (store.now.conversation) stream.open(true);
    if (Date.parse(store.now.availability.changes_at || '') <= Date.now()) begin();
    view.look();
  } else {
    closing = setTimeout(() => stream.close(), HIDDEN);
  }
}
