// Turn a small part of Markdown into nodes: text stays text, whatever it looks like.

const DEPTH = 4;
const SAFE = new Set(['http:', 'https:', 'mailto:', 'tel:']);
const URL_START = /^(?:https?:\/\/|mailto:|tel:)[^\s<>"]+/i;
const MARKS = [['**', 'strong'], ['~~', 's'], ['*', 'em']];

// What somebody here wrote: paragraphs, lists, code, emphasis and links.
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
      const pre = document.createElement('pre');
      const code = document.createElement('code');
      code.dir = 'ltr';
      code.textContent = lines.slice(at + 1, stop).join('\n');
      pre.append(code);
      out.append(pre);
      at = stop;
    } else if (item(line)) {
      flush();
      const kind = item(line).list;
      const list = document.createElement(kind);
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
  const out = document.createElement('p');
  inline(out, text, DEPTH);
  return out;
}

// The address if it may be followed, else null.
export function safe(address) {
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
  const made = document.createElement(tag);
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
  if (char === '\n') return { node: document.createElement('br'), end: at + 1 };
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
  const address = found[0].replace(/[.,;:!?'*~)\]]+$/, (tail) => (tail.startsWith(')') && found[0].includes('(') ? ')' : ''));
  const href = safe(address);
  return href && { node: link(href, address), end: at + address.length };
}

function quoted(text, at) {
  const end = text.indexOf('`', at + 1);
  if (end <= at + 1) return null;
  const code = document.createElement('code');
  code.dir = 'ltr';
  code.textContent = text.slice(at + 1, end);
  return { node: code, end: end + 1 };
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
  const made = document.createElement(tag);
  inline(made, text.slice(start, end), depth + 1);
  return { node: made, end: end + sign.length };
}

// A link says where it leads, where its words do not.
function link(href, words) {
  const made = document.createElement('a');
  made.href = href;
  made.rel = 'noopener noreferrer nofollow ugc';
  made.target = '_blank';
  made.textContent = words;
  const { host } = new URL(href);
  if (host && !words.includes(host)) {
    const where = document.createElement('small');
    where.textContent = ` (${host})`;
    made.append(where);
  }
  return made;
}
