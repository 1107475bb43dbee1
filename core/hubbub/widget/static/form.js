// Ask for a few things, each with its label and what is wrong with it.

import { make } from './make.js';

const EMAIL = /^[^@\s]{1,64}@[^@\s]{1,190}\.[^@\s.]{2,63}$/;
const KINDS = { email: 'email', phone: 'tel', text: 'text' };
const KEPT = 'hub-form';

// `fields` as the channel's settings have them, and `area` for long texts. `done` gets the answers.
export function form(words, fields, { button, done, values = {} }) {
  const kept = { ...values, ...remembered() };
  const inputs = fields.map((field) => one(words, field, kept[field.name] || ''));
  const node = make('form', { class: 'form', novalidate: '' }, [
    ...inputs.map((input) => input.node),
    make('button', { type: 'submit', class: 'main', text: button }),
  ]);
  let sent = false;
  node.addEventListener('input', () => remember(Object.fromEntries(inputs.map((input) => [input.name, input.value()]))));
  node.addEventListener('submit', async (event) => {
    event.preventDefault();
    const wrong = inputs.filter((input) => !input.check());
    if (wrong.length) {
      wrong[0].focus();
      return;
    }
    if (sent) return;
    sent = true;
    const answers = Object.fromEntries(inputs.map((input) => [input.name, input.value()]).filter(([, value]) => value));
    if (await done(answers)) remember({});
    else sent = false;
  });
  return node;
}

function one(words, field, value) {
  const id = `field-${field.name}`;
  const input = control(field, id, value);
  const problem = make('p', { class: 'problem', id: `${id}-problem`, hidden: '' });
  const hint = field.required || field.kind === 'checkbox' ? '' : ` (${words.say('optional')})`;
  const label = make('label', { for: id, text: field.label + hint });
  const read = () => (field.kind === 'checkbox' ? (input.checked ? 'yes' : '') : input.value.trim());
  return {
    name: field.name,
    node: make('div', { class: `field ${field.kind}` }, field.kind === 'checkbox' ? [input, label, problem] : [label, input, problem]),
    value: read,
    focus: () => input.focus(),
    check() {
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
    },
  };
}

function control(field, id, value) {
  const about = { id, name: field.name, ...(field.autocomplete && { autocomplete: field.autocomplete }), ...(field.required && { required: '' }) };
  if (field.kind === 'select') {
    const options = ['', ...field.options].map((text) => make('option', { value: text, text }));
    const node = make('select', about, options);
    node.value = value;
    return node;
  }
  if (field.kind === 'area') {
    const node = make('textarea', { ...about, rows: 4, maxlength: 4000, dir: 'auto' });
    node.value = value;
    return node;
  }
  if (field.kind === 'checkbox') {
    const node = make('input', { ...about, type: 'checkbox' });
    node.checked = value === 'yes';
    return node;
  }
  const node = make('input', { ...about, type: KINDS[field.kind], maxlength: 200, dir: 'auto' });
  node.value = value;
  return node;
}

// What was typed survives a reload, where this window may keep anything at all.
function remember(values) {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(values));
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
