// Ask for a few things, each with its label and what is wrong with it.

import { make } from './nodes.js';

const EMAIL = /^[^@\s]{1,64}@[^@\s]{1,190}\.[^@\s.]{2,63}$/;
const KINDS = { email: 'email', phone: 'tel', text: 'text' };
// Of each channel by itself: browsers may keep all of one tab together.
const KEPT = location.pathname;

// `fields` as the channel's settings have them, `area` for long texts, and `stars`. `done` gets the answers,
// and says whether they went.
export function form(words, fields, { title, button, done, values = {} }) {
  const kept = { ...remembered(), ...values };
  const inputs = fields.map((field) => (field.kind === 'stars' ? stars : one)(words, field, kept[field.name] || ''));
  const send = make('button', { type: 'submit', class: 'main', text: button });
  const node = make('form', { class: 'form', novalidate: '', 'aria-label': title }, [
    make('h2', { text: title }), ...inputs.map((input) => input.node), send,
  ]);
  node.addEventListener('input', () => remember(Object.fromEntries(inputs.map((input) => [input.name, input.value()]))));
  node.addEventListener('submit', async (event) => {
    event.preventDefault();
    const wrong = inputs.filter((input) => !input.check());
    if (wrong.length) {
      wrong[0].focus();
      return;
    }
    if (send.disabled) return;
    send.disabled = true;
    const answers = Object.fromEntries(inputs.map((input) => [input.name, input.value()]).filter(([, value]) => value));
    if (await done(answers)) remember(null);
    else send.disabled = false;
  });
  return node;
}

function one(words, field, value) {
  const id = `field-${field.name}`;
  const input = control(field, id, value);
  const problem = make('p', { class: 'problem', id: `${id}-problem`, hidden: '' });
  const hint = field.required || field.kind === 'checkbox' ? '' : ` (${words.say('optional')})`;
  const label = make('label', { for: id, text: (field.label || words.label(field.name)) + hint });
  const read = () => (field.kind === 'checkbox' ? (input.checked ? 'yes' : '') : input.value.trim());
  const check = () => {
    const text = read();
    let why = '';
    if (field.required && !text) why = words.say('required');
    else if (field.kind === 'email' && text && !EMAIL.test(text)) why = words.say('bad_email');
    problem.textContent = why;
    problem.hidden = !why;
    input.setAttribute('aria-invalid', String(Boolean(why)));
    if (why) input.setAttribute('aria-describedby', problem.id);
    else input.removeAttribute('aria-describedby');
    return !why;
  };
  // What was complained about is looked at again as it is mended.
  input.addEventListener('input', () => { if (!problem.hidden) check(); });
  return {
    name: field.name,
    node: make('div', { class: `field ${field.kind}` }, field.kind === 'checkbox' ? [input, label, problem] : [label, input, problem]),
    value: read,
    focus: () => input.focus(),
    check,
  };
}

// One to five of them, as a group of radio buttons; what is chosen is a number.
function stars(words, field, value) {
  const all = [1, 2, 3, 4, 5].map((number) => make('input', { type: 'radio', name: field.name, value: number, 'aria-label': words.count('stars', number) }));
  const chosen = () => all.find((one) => one.checked);
  all.forEach((one) => { one.checked = one.value === value; });
  return {
    name: field.name,
    node: make('div', { class: 'stars', role: 'radiogroup', 'aria-label': field.label }, all.map((one) => make('label', {}, [one]))),
    value: () => (chosen() ? chosen().value : ''),
    focus: () => all[0].focus(),
    check: () => Boolean(chosen()),
  };
}

function control(field, id, value) {
  const about = { id, name: field.name, autocomplete: field.autocomplete || null, required: field.required ? '' : null };
  let node;
  if (field.kind === 'select') {
    node = make('select', about, ['', ...field.options].map((text) => make('option', { value: text, text })));
  } else if (field.kind === 'area') {
    node = make('textarea', { ...about, rows: 3, maxlength: 4000, dir: 'auto' });
  } else if (field.kind === 'checkbox') {
    node = make('input', { ...about, type: 'checkbox' });
    node.checked = value === 'yes';
    return node;
  } else {
    node = make('input', { ...about, type: KINDS[field.kind], maxlength: 200, dir: 'auto' });
  }
  node.value = value;
  return node;
}

// What was typed survives a reload, where this window may keep anything at all. Null: forget it.
export function remember(values) {
  try {
    if (values) sessionStorage.setItem(KEPT, JSON.stringify(values));
    else sessionStorage.removeItem(KEPT);
  } catch {
    // Then not.
  }
}

function remembered() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT)) || {};
  } catch {
    return {};
  }
}
