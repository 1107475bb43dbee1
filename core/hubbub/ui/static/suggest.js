// Offer canned replies after a /, and colleagues after an @, to who writes.

const AFTER = /(^|\s)([/@])([^\s/@]*)$/;
const WAIT = 120;
let offered = [];
let chosen = -1;
let asked = 0;
let timer = 0;

export function suggest() {
  document.addEventListener('input', (event) => {
    if (event.target.id !== 'text') return;
    nothingMissing();
    clearTimeout(timer);
    timer = setTimeout(() => look(event.target), WAIT);
  });
  document.addEventListener('keydown', choose, true);
  document.addEventListener('focusout', (event) => { if (event.target.id === 'text') setTimeout(hide, WAIT); });
  document.addEventListener('pointerdown', (event) => {
    const option = event.target.closest?.('#offers [role=option]');
    if (!option) return;
    event.preventDefault();
    take(Number(option.dataset.number));
  });
}

async function look(field) {
  const found = AFTER.exec(field.value.slice(0, field.selectionStart));
  if (!found) {
    hide();
    return;
  }
  const [, , sign, word] = found;
  asked += 1;
  const mine = asked;
  const all = sign === '@' ? colleagues(field.form, word) : await canned(field.form, word);
  if (mine !== asked) return;
  if (sign === '/' && !word && all?.length === 0) missing('no-canned');
  show(all ?? []);
}

// Begin a canned reply at once, since one types on; where there is none, take that back and say so.
export async function offerCanned(field) {
  const before = field.value;
  put(field, /(^|\s)$/.test(before) ? `${before}/` : `${before} /`);
  field.focus();
  const begun = field.value;
  if ((await canned(field.form, ''))?.length !== 0) return;
  if (field.value === begun) put(field, before);
  missing('no-canned');
}

function put(field, text) {
  field.value = text;
  field.dispatchEvent(new Event('input', { bubbles: true }));
}

// Say that there is nothing of what was asked for, until somebody types.
export function missing(id) {
  const place = document.getElementById(id);
  if (place) place.hidden = false;
}

function nothingMissing() {
  for (const place of document.querySelectorAll('[data-missing]')) place.hidden = true;
}

function colleagues(form, word) {
  const start = word.toLowerCase();
  return JSON.parse(form.dataset.colleagues)
    .filter((name) => name.toLowerCase().split(/\s/).some((part) => part.startsWith(start)))
    .slice(0, 8)
    .map((name) => ({ label: `@${name}`, text: `@${name} ` }));
}

async function canned(form, word) {
  try {
    const answer = await fetch(`${form.dataset.canned}?${new URLSearchParams({ q: word })}`, { headers: { 'X-Script': '1' } });
    if (!answer.ok) return null;
    return (await answer.json()).map((one) => ({ label: `/${one.shortcut}`, more: one.text, text: one.text }));
  } catch {
    return null;
  }
}

function show(all) {
  const list = document.getElementById('offers');
  if (!list) return;
  offered = all;
  chosen = all.length ? 0 : -1;
  list.replaceChildren(...all.map(option));
  list.hidden = !all.length;
  mark();
  if (all.length) document.getElementById('told').textContent = `${all.length} suggestions: arrow keys and Enter choose one.`;
}

function option(one, number) {
  const item = document.createElement('li');
  item.id = `offer-${number}`;
  item.role = 'option';
  item.dataset.number = number;
  const label = document.createElement('strong');
  label.textContent = one.label;
  item.append(label);
  if (one.more) item.append(` ${one.more.length > 90 ? `${one.more.slice(0, 90)}…` : one.more}`);
  return item;
}

function mark() {
  const field = document.getElementById('text');
  for (const item of document.querySelectorAll('#offers [role=option]')) {
    item.ariaSelected = String(Number(item.dataset.number) === chosen);
  }
  if (chosen < 0) field?.removeAttribute('aria-activedescendant');
  else field?.setAttribute('aria-activedescendant', `offer-${chosen}`);
}

function hide() {
  const list = document.getElementById('offers');
  if (!list || list.hidden) return;
  list.hidden = true;
  chosen = -1;
  mark();
}

function choose(event) {
  if (event.target.id !== 'text' || chosen < 0 || event.isComposing || event.ctrlKey || event.metaKey) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) chosen = (chosen + step + offered.length) % offered.length;
  else if (event.key === 'Enter' || event.key === 'Tab') take(chosen);
  else if (event.key === 'Escape') hide();
  else return;
  event.preventDefault();
  event.stopPropagation();
  mark();
}

function take(number) {
  const field = document.getElementById('text');
  const before = field.value.slice(0, field.selectionStart);
  const start = before.replace(AFTER, '$1').length;
  field.setRangeText(offered[number].text, start, field.selectionStart, 'end');
  field.dispatchEvent(new Event('input', { bubbles: true }));
  hide();
  field.focus();
}
