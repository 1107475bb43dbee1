// Show one message.

import { icon, make } from './make.js';
import { plain, rich, safe } from './markdown.js';

const FILE = 'M14 3H6v18h12V7zM14 3v4h4';

export function bubble(message, words, acts) {
  const who = author(message, words);
  return make('li', { class: `message ${message.own ? 'own' : 'theirs'}`, 'data-seq': message.seq }, [
    make('p', { class: 'who', text: who }),
    make('div', { class: 'bubble', dir: 'auto' }, message.deleted
      ? [make('p', { class: 'quiet', text: words.say('deleted') })]
      : content(message, words, acts)),
    make('time', { datetime: message.at, title: words.day(message.at), text: words.time(message.at) }),
  ]);
}

export function pending(one, words, acts) {
  const state = one.failed
    ? [make('span', { text: `${words.say('not_sent')} ${one.failed === 'lost' ? '' : one.failed} ` }), make('button', { type: 'button', class: 'link', text: words.say('again'), onclick: () => acts.retry(one.client_id) })]
    : [words.say(one.kept ? 'sent' : 'sending')];
  return make('li', { class: `message own ${one.failed ? 'failed' : 'pending'}`, 'data-id': one.client_id }, [
    make('p', { class: 'who', text: words.say('you') }),
    make('div', { class: 'bubble', dir: 'auto' }, content({ own: true, content: one.content }, words, acts)),
    make('p', { class: 'state', ...(one.failed && { role: 'alert' }) }, state),
  ]);
}

function author(message, words) {
  if (message.own) return words.say('you');
  const name = message.author.name && visible(message.author.name);
  return name || words.say(message.author.kind === 'bot' ? 'bot' : 'team');
}

// A name turns no text around.
function visible(name) {
  return name.replace(/[\u0000-\u001f\u007f\u202a-\u202e\u2066-\u2069]/g, '');
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
      return [make('dl', {}, Object.entries(said.fields).flatMap(([name, text]) => [make('dt', { text: name.replace(/_/g, ' ') }), make('dd', {}, [plain(text)])]))];
    case 'location':
      return [place(said, words)];
    case 'file':
      return [plain(said.caption || said.name || words.say('file'))];
    default:
      return [file(said, words), ...(said.caption ? [message.own ? plain(said.caption) : rich(said.caption)] : [])];
  }
}

function options(message, words, acts) {
  const buttons = message.content.options.map((option) => make('button', { type: 'button', class: 'option', text: option.title, ...(option.description && { title: option.description }) }));
  buttons.forEach((button, number) => button.addEventListener('click', () => {
    buttons.forEach((one) => { one.disabled = true; });
    acts.choose(message.content.options[number]);
  }));
  if (acts.answered(message)) buttons.forEach((one) => { one.disabled = true; });
  return make('div', { class: 'options', role: 'group', 'aria-label': words.say('options') }, buttons);
}

function place(said, words) {
  const where = `${said.latitude},${said.longitude}`;
  const href = safe(`https://www.openstreetmap.org/?mlat=${said.latitude}&mlon=${said.longitude}`);
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
    const size = media.width ? { width: media.width, height: media.height } : {};
    return make('a', { href: media.url, target: '_blank', rel: 'noopener' }, [make('img', { src: media.url, alt: said.caption || name, loading: 'lazy', ...size })]);
  }
  if (said.type === 'audio' || said.type === 'video') return make(said.type, { src: media.url, controls: '', preload: 'metadata', 'aria-label': name });
  return make('a', { class: 'file', href: media.url, download: name }, [icon(FILE), name]);
}
