// Make nodes and never markup: by hand, and of text, which stays text whatever it looks like.

const SVG = 'http://www.w3.org/2000/svg';
const DEPTH = 4;
const SAFE = new Set(['http:', 'https:', 'mailto:', 'tel:']);
const URL_START = /^(?:https?:\/\/|mailto:|tel:)[^\s<>"]+/i;
const MARKS = [['**', 'strong'], ['~~', 's'], ['*', 'em']];

// `text` is its content, `on...` listens, what is null is left out; all else are attributes.
export function make(tag, attributes = {}, children = []) {
  const made = document.createElement(tag);
  Object.entries(attributes).forEach(([name, value]) => {
    if (value === null) return;
    if (name === 'text') made.textContent = value;
    else if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value);
  });
  made.append(...children);
  return made;
}

export function icon(path) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS(SVG, 'path');
  line.setAttribute('d', path);
  svg.append(line);
  return svg;
}

// What somebody here wrote: a small part of Markdown, as paragraphs, lists, code, emphasis and links.
export function rich(text) {
  const out = document.createDocumentFragment();
  const lines = text.split('\n');
  let run = [];
  const flush = () => {
    if (run.length) out.append(block('p', run.join('\n')));
    run = [];
  };
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at];
    if (line.startsWith('```')) {
      flush();
      const end = lines.findIndex((one, index) => index > at && one.startsWith('```'));
      const stop = end === -1 ? lines.length : end;
      out.append(make('pre', {}, [make('code', { dir: 'ltr', text: lines.slice(at + 1, stop).join('\n') })]));
      at = stop;
    } else if (item(line)) {
      flush();
      const kind = item(line).list;
      const list = make(kind);
      while (at < lines.length && item(lines[at]) && item(lines[at]).list === kind) {
        list.append(block('li', item(lines[at]).text));
        at += 1;
      }
      at -= 1;
      out.append(list);
    } else if (line.trim() === '') {
      flush();
    } else {
      run.push(line);
    }
  }
  flush();
  return out;
}

// What a visitor wrote: lines and addresses, and nothing else.
export function plain(text) {
  const out = make('p');
  inline(out, text, DEPTH);
  return out;
}

// The address if it may be followed, else null.
function safe(address) {
  try {
    const url = new URL(address);
    return SAFE.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

function item(line) {
  const found = /^\s{0,3}(?:([-*])|(\d{1,3})[.)])\s+(.*)$/.exec(line);
  return found && { list: found[1] ? 'ul' : 'ol', text: found[3] };
}

function block(tag, text) {
  const made = make(tag);
  inline(made, text, 0);
  return made;
}

// At the greatest depth nothing is marked any more, only linked.
function inline(target, text, depth) {
  let rest = '';
  const flush = () => {
    if (rest) target.append(rest);
    rest = '';
  };
  for (let at = 0; at < text.length;) {
    const found = piece(text, at, depth);
    if (found) {
      flush();
      target.append(found.node);
      at = found.end;
    } else {
      rest += text[at];
      at += 1;
    }
  }
  flush();
}

function piece(text, at, depth) {
  const char = text[at];
  if (char === '\n') return { node: make('br'), end: at + 1 };
  if (/[hmt]/i.test(char) && !/\w/.test(text[at - 1] || ' ')) return bare(text, at);
  if (depth >= DEPTH) return null;
  if (char === '`') return quoted(text, at);
  if (char === '[') return named(text, at);
  const mark = MARKS.find(([sign]) => text.startsWith(sign, at));
  return mark ? marked(text, at, depth, ...mark) : null;
}

function bare(text, at) {
  const found = URL_START.exec(text.slice(at, at + 2000));
  if (!found) return null;
  const address = found[0].replace(/[.,;:!?\x27*~)\]]+$/, (tail) => (tail.startsWith(')') && found[0].includes('(') ? ')' : ''));
  const href = safe(address);
  return href && { node: link(href, address), end: at + address.length };
}

function quoted(text, at) {
  const end = text.indexOf('`', at + 1);
  if (end <= at + 1) return null;
  return { node: make('code', { dir: 'ltr', text: text.slice(at + 1, end) }), end: end + 1 };
}

function named(text, at) {
  const found = /^\[([^\]\n]{1,500})\]\(([^)\s]{1,2000})\)/.exec(text.slice(at, at + 2600));
  const href = found && safe(found[2]);
  return href ? { node: link(href, found[1]), end: at + found[0].length } : null;
}

function marked(text, at, depth, sign, tag) {
  const start = at + sign.length;
  const end = text.indexOf(sign, start);
  if (end <= start || /\s/.test(text[start]) || /\s/.test(text[end - 1])) return null;
  const made = make(tag);
  inline(made, text.slice(start, end), depth + 1);
  return { node: made, end: end + sign.length };
}

// A link says where it leads, where its words do not.
function link(href, words) {
  const { host } = new URL(href);
  const told = !host || (safe(words) && new URL(words).host === host);
  return make('a', { href, rel: 'noopener noreferrer nofollow ugc', target: '_blank' }, [
    words, ...(told ? [] : [make('small', { text: ` (${host})` })]),
  ]);
}
