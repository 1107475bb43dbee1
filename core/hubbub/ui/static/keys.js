import { missing, offerCanned } from './suggest.js';

// Single keys for what is done all day in the inbox. They do nothing while somebody types, and nothing
// at all for who does not want them (WCAG 2.2, 2.1.4).

const DO = {
  j: () => step(1),
  k: () => step(-1),
  r: () => write('reply'),
  n: () => write('note'),
  a: () => openMenu('give'),
  s: () => openMenu('later'),
  e: () => press('close'),
  t: () => template(),
  '/': () => canned(),
  '?': () => help(),
};
const WALK = ['j', 'k'];

export function shortcuts() {
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') leave(event);
    if (!('shortcuts' in document.getElementById('inbox').dataset) || !isMeant(event)) return;
    const act = DO[event.key.toLowerCase()];
    // A key that is held goes on through the list, and does nothing else twice.
    if (!act || (event.repeat && !WALK.includes(event.key.toLowerCase()))) return;
    event.preventDefault();
    act();
  });
  document.addEventListener('click', (event) => {
    if (event.target.closest?.('[data-help]')) help();
  });
  for (const button of document.querySelectorAll('[data-help]')) button.hidden = false;
}

function isMeant(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return false;
  return !event.target.closest?.('input, textarea, select, [contenteditable], dialog, audio, video');
}

// What is written stays, and single keys are heard again.
function leave(event) {
  if (event.target.id === 'text' && !event.isComposing && !event.defaultPrevented) document.getElementById('log')?.focus();
}

function step(by) {
  const entries = [...document.querySelectorAll('.entry')];
  const at = entries.findIndex((one) => one.hasAttribute('aria-current'));
  const next = entries[at < 0 ? 0 : at + by];
  next?.click();
}

function write(mode) {
  const choice = document.getElementById(`mode-${mode}`);
  if (!choice) return;
  choice.checked = true;
  choice.dispatchEvent(new Event('change', { bubbles: true }));
  document.getElementById('text').focus();
}

function canned() {
  const field = document.getElementById('text');
  if (field) offerCanned(field);
}

function template() {
  if (document.getElementById('template')) press('template');
  else missing('no-template');
}

function openMenu(id) {
  const menu = document.getElementById(id);
  if (!menu) return;
  if (!menu.checkVisibility()) menu.closest('[popover]')?.showPopover();
  menu.open = true;
  menu.querySelector('select, .sheet button')?.focus();
}

function press(id) {
  document.getElementById(id)?.click();
}

function help() {
  document.getElementById('keys').showModal();
}
