// Help with forms of channels: find in what is pasted what a field asks for, show secrets on
// request, keep a draft, find a type. All of it works without, if less conveniently.

const PAUSE = 800;
// What chats and web pages put into what is copied from them, and nobody sees.
const UNSEEN = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]/g;

export function setUp() {
  document.addEventListener('paste', paste);
  for (const field of document.querySelectorAll('[data-secret]')) offerToShow(field);
  for (const form of document.querySelectorAll('[data-draft]')) keepDraft(form);
  document.addEventListener('formdata', tellOpen);
  for (const field of document.querySelectorAll('[data-filters]')) filter(field);
  const menus = () => document.querySelectorAll('details.kebab[open]');
  document.addEventListener('click', (event) => {
    for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    for (const menu of menus()) {
      menu.open = false;
      menu.querySelector('summary').focus();
    }
  });
}

// Sections of a form that are open are open still when it comes back.
function tellOpen({ target, formData }) {
  for (const section of target.querySelectorAll('.section[open]')) formData.append('open', section.id);
}

// A field of one line would run the lines of a whole message together before it is sent.
function paste(event) {
  const pattern = event.target.dataset?.looksLike;
  const text = event.clipboardData?.getData('text').replace(UNSEEN, '').trim();
  if (!pattern || !text || new RegExp(`^(?:${pattern})$`).test(text)) return;
  const alone = new RegExp(`(?<![\\w+-])(?:${pattern})(?![\\w-])`, 'g');
  const found = new Set(text.match(alone));
  if (found.size !== 1) return;
  event.preventDefault();
  [event.target.value] = found;
  event.target.dispatchEvent(new Event('input', { bubbles: true }));
  document.getElementById('told').textContent = 'Found in what you pasted';
}

function offerToShow(field) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'plain';
  const say = () => {
    const shown = field.type === 'text';
    button.textContent = shown ? 'Hide' : 'Show';
    button.setAttribute('aria-label', `${shown ? 'Hide' : 'Show'} ${field.labels[0]?.firstChild.textContent.trim()}`);
  };
  button.addEventListener('click', () => {
    field.type = field.type === 'text' ? 'password' : 'text';
    say();
  });
  say();
  const row = document.createElement('div');
  row.className = 'copy';
  field.before(row);
  row.append(field, button);
  field.form.addEventListener('submit', () => { field.type = 'password'; });
}

function keepDraft(form) {
  const saved = document.getElementById('saved');
  let timer = 0;
  const save = async () => {
    const body = new URLSearchParams(new FormData(form));
    body.set('do', 'save');
    try {
      const answer = await fetch(form.action || location.href, { method: 'POST', body, headers: { 'X-Script': '1' } });
      if (answer.status === 401) saved.textContent = 'You are logged out, and the draft is not saved. Log in in another tab; what you typed stays here.';
      else saved.textContent = answer.ok ? 'Draft saved. You can leave and go on later from the list of channels.' : 'The draft could not be saved just now.';
    } catch {
      saved.textContent = 'No connection: the draft is not saved yet. What you typed stays here.';
    }
  };
  form.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(save, PAUSE);
  });
  form.addEventListener('submit', () => clearTimeout(timer));
}

function filter(field) {
  const place = document.getElementById(field.dataset.filters);
  const none = document.getElementById(`${field.dataset.filters}-none`);
  const shown = () => [...place.querySelectorAll('[data-card]:not([hidden]) a')];
  field.addEventListener('input', () => {
    const words = field.value.toLowerCase().split(/\s+/);
    for (const card of place.querySelectorAll('[data-card]')) {
      const text = card.textContent.toLowerCase();
      card.hidden = !words.every((word) => text.includes(word));
    }
    for (const group of place.querySelectorAll('[data-group]')) {
      group.hidden = !group.querySelector('[data-card]:not([hidden])');
    }
    none.hidden = shown().length > 0;
    const asked = none.querySelector('[data-asked]');
    if (asked) asked.textContent = field.value;
  });
  const move = (event, step) => {
    const cards = shown();
    const next = cards[cards.indexOf(document.activeElement) + step];
    if (next ?? step < 0) {
      event.preventDefault();
      (next ?? field).focus();
    }
  };
  const steps = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
  const onKey = (event) => {
    const typing = event.target === field && event.key !== 'ArrowDown';
    if (event.key in steps && !typing) move(event, steps[event.key]);
    if (event.key === 'Escape' && event.target !== field) field.focus();
  };
  field.addEventListener('keydown', onKey);
  place.addEventListener('keydown', onKey);
}
