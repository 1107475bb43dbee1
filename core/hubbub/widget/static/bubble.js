// Show one message: that of the hub, or one that is on its way there.

import { icon, make, plain, rich } from './nodes.js';

const FILE = 'M14 3H6v18h12V7zM14 3v4h4';
// What will not be taken the next time, either.
const FINAL = new Set(['too-large', 'unsupported-media-type', 'empty-file']);
// A few emoji alone are shown large.
const EMOJI = /^(?:\p{Extended_Pictographic}[\u200d\ufe0f\p{Emoji_Modifier}]*|\s){1,8}$/u;

export function bubble(message, words, acts) {
  const edited = message.edited && !message.deleted ? `${words.say('edited')} · ` : '';
  return make('li', { class: `message ${message.own ? 'own' : 'theirs'}`, 'data-seq': message.seq }, [
    make('p', { class: 'day', text: words.day(message.at) }),
    make('p', { class: 'who', text: author(message, words) }),
    make('div', { class: look(message), dir: 'auto' }, message.deleted
      ? [make('p', { class: 'quiet', text: words.say('deleted') })]
      : content(message, words, acts)),
    make('time', { datetime: message.at, title: words.full(message.at), text: edited + words.time(message.at) }),
  ]);
}

export function pending(one, words, acts) {
  const button = (name, act) => make('button', { type: 'button', class: 'link', text: words.say(name), onclick: () => act(one.client_id) });
  const state = one.failed
    ? [`${words.say('not_sent')} ${words.why(one.failed)} `, ...(FINAL.has(one.failed.code) ? [] : [button('again', acts.retry), ' ']), button('cancel', acts.cancel)]
    : [words.say(one.kept ? 'sent' : one.later ? 'later' : 'sending'), ...(one.file ? [' ', button('cancel', acts.cancel)] : [])];
  return make('li', { class: `message own ${one.failed ? 'failed' : 'pending'}`, 'data-id': one.client_id }, [
    make('p', { class: 'who', text: words.say('you') }),
    make('div', { class: look({ content: one.content }), dir: 'auto' }, [
      ...content({ own: true, content: one.content }, words, acts),
      ...(one.file && !one.failed ? [make('progress', { max: 1, 'aria-label': one.content.name })] : []),
    ]),
    make('p', { class: 'state', role: one.failed ? 'alert' : one.later ? 'status' : null }, state),
  ]);
}

// Who wrote a message.
export function author(message, words) {
  if (message.own) return words.say('you');
  return message.author.name || words.say(message.author.kind === 'bot' ? 'bot' : 'team');
}

function look({ content: said, deleted }) {
  if (deleted) return 'bubble';
  const picture = said.type === 'image' && said.media.state === 'ready' && !said.caption;
  return `bubble${said.type === 'text' && EMOJI.test(said.text) ? ' emoji' : ''}${picture ? ' picture' : ''}`;
}

function content(message, words, acts) {
  const said = message.content;
  switch (said.type) {
    case 'text':
      return [message.own ? plain(said.text) : rich(said.text)];
    case 'choice':
      return [plain(said.title)];
    case 'choices':
      return [rich(said.text), options(message, words, acts)];
    case 'form':
      return [make('dl', {}, Object.entries(said.fields).flatMap(([name, text]) => [make('dt', { text: words.label(name) }), make('dd', {}, [plain(words.answer(name, text))])]))];
    case 'location':
      return [place(said, words)];
    case 'file':
      return [said.preview ? make('img', { src: said.preview, alt: said.name }) : named(said.name || words.say('file'), said.size)];
    default:
      return [file(said, words), ...(said.caption ? [message.own ? plain(said.caption) : rich(said.caption)] : [])];
  }
}

function options(message, words, acts) {
  const buttons = message.content.options.map((option) => make('button', { type: 'button', class: 'option' }, [
    make('span', { text: option.title }), ...(option.description ? [make('small', { text: option.description })] : []),
  ]));
  buttons.forEach((button, number) => button.addEventListener('click', () => {
    buttons.forEach((one) => { one.disabled = true; });
    acts.choose(message.content.options[number]);
  }));
  if (acts.answered(message)) buttons.forEach((one) => { one.disabled = true; });
  return make('div', { class: 'options', role: 'group', 'aria-label': words.say('options') }, buttons);
}

function place(said, words) {
  const where = `${said.latitude},${said.longitude}`;
  const href = `https://www.openstreetmap.org/?mlat=${said.latitude}&mlon=${said.longitude}`;
  return make('p', {}, [
    make('a', { href, target: '_blank', rel: 'noopener noreferrer', text: said.name || said.address || where }),
    make('small', { text: ` (${words.say('place')})` }),
  ]);
}

function file(said, words) {
  const { media } = said;
  if (media.state !== 'ready') return make('p', { class: 'quiet', text: words.say(media.state === 'pending' ? 'file_pending' : 'file_failed') });
  const name = media.filename || words.say('file');
  if (said.type === 'image') {
    return make('a', { href: media.url, target: '_blank', rel: 'noopener' }, [
      make('img', { src: media.url, alt: said.caption || name, loading: 'lazy', width: media.width, height: media.height }),
    ]);
  }
  if (said.type === 'audio' || said.type === 'video') return make(said.type, { src: media.url, controls: '', preload: 'metadata', 'aria-label': name });
  return make('a', { class: 'file', href: media.url, download: name }, [named(name, media.size)]);
}

function named(name, size) {
  return make('span', { class: 'named' }, [icon(FILE), make('span', { text: name }), make('small', { dir: 'ltr', text: size ? ` ${sized(size)}` : '' })]);
}

function sized(bytes) {
  return bytes < 1048576 ? `${Math.ceil(bytes / 1024)} kB` : `${(bytes / 1048576).toFixed(1)} MB`;
}
