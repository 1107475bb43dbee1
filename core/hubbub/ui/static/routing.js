// Work on rules without loading the page anew, drag them, and keep a form in the draft while it is
// filled in. Without this script every button loads the page that it leads to.

import { localise } from './times.js';

const FOCUSABLE = 'input:not([type=hidden]), select, textarea, button:not(.unseen), a[href]';
// Milliseconds after the last key until what was typed is kept.
const REST = 800;
// What in an address tells only of what was just done.
const TOLD = ['did', 'rule', 'at'];

let keeping = Promise.resolve();
let timer = 0;

export function workOnRules() {
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (!form.matches('form[data-swap]') || event.defaultPrevented) return;
    event.preventDefault();
    if (event.submitter?.getAttribute('aria-disabled') !== 'true') send(form, event.submitter);
  });
  document.addEventListener('change', press);
  document.addEventListener('input', ({ target }) => {
    const form = target.closest('.rule-form');
    if (!form) return;
    clearTimeout(timer);
    timer = setTimeout(keep, REST, form);
  });
  addEventListener('popstate', () => location.reload());
  // Who leaves in the middle of a word finds it when they come back.
  addEventListener('pagehide', () => {
    const form = document.querySelector('.rule-form');
    if (timer && form) keep(form);
  });
  dragRules();
  dress();
}

// What can be done only with the script, or better.
function dress() {
  const page = document.getElementById('swap');
  for (const grip of page.querySelectorAll('[data-grip]')) {
    grip.hidden = false;
    grip.draggable = true;
  }
  for (const { dataset } of page.querySelectorAll('[data-press]')) document.getElementById(dataset.press).hidden = true;
  const at = page.dataset.at && document.getElementById(page.dataset.at);
  if (at) focus(at);
}

function focus(place) {
  const target = place.matches(`${FOCUSABLE}, [tabindex]`) ? place : place.querySelector(FOCUSABLE) ?? place;
  target.focus({ preventScroll: true });
  place.scrollIntoView({ block: 'nearest' });
}

// A choice that has a button of its own, which is out of sight, presses it.
function press({ target }) {
  const button = target.dataset.press && document.getElementById(target.dataset.press);
  if (button) button.form.requestSubmit(button);
}

async function send(form, button) {
  const page = document.getElementById('swap');
  if (page.inert) return;
  const { id } = document.activeElement;
  // What is typed until the answer comes would be lost with it.
  page.inert = true;
  clearTimeout(timer);
  timer = 0;
  await keeping;
  const where = button?.getAttribute('formaction') ?? form.action;
  const body = filled(form, button);
  let answer;
  try {
    answer = await fetch(where, { method: 'POST', body, headers: { 'X-Script': '1' } });
  } catch {
    trouble('No connection to the hub. Nothing was changed; try again.');
  }
  const text = await answer?.text();
  page.inert = false;
  if (!answer) return;
  if (answer.status === 401) location.reload();
  else if (answer.headers.get('content-type').startsWith('text/html')) show(answer, text, id);
  else trouble(text);
}

function filled(form, button) {
  const data = new URLSearchParams(new FormData(form));
  if (button?.name) data.append(button.name, button.value);
  return data;
}

function show(answer, html, focused) {
  const fresh = new DOMParser().parseFromString(html, 'text/html');
  const theirs = fresh.getElementById('swap');
  if (!theirs) {
    location.assign(answer.url);
    return;
  }
  trouble('');
  localise(theirs);
  const mine = document.getElementById('swap');
  const open = [...mine.querySelectorAll('details[open][id]')].map((one) => one.id);
  mine.replaceWith(theirs);
  document.title = fresh.title;
  remember(answer);
  for (const id of open) document.getElementById(id)?.setAttribute('open', '');
  if (!theirs.dataset.at && focused) document.getElementById(focused)?.focus({ preventScroll: true });
  dress();
  document.getElementById('told').textContent = document.getElementById('told-here')?.textContent ?? '';
}

// A page that answers a form itself has no address of its own.
function remember(answer) {
  if (!answer.redirected) return;
  const address = new URL(answer.url);
  for (const name of TOLD) address.searchParams.delete(name);
  const how = address.pathname === location.pathname ? 'replaceState' : 'pushState';
  history[how](null, '', address);
}

// The answer says what the form shows from now on; so one goes after the other.
function keep(form) {
  timer = 0;
  keeping = keeping.then(async () => {
    const body = filled(form, { name: 'do', value: 'keep' });
    try {
      const answer = await fetch(form.action, { method: 'POST', body, headers: { 'X-Script': '1' }, keepalive: true });
      const told = await answer.text();
      if (answer.ok) form.elements.seen.value = told;
      trouble(answer.status === 409 ? 'You changed this rule in another window: what you type is not kept before you save it here.' : '');
    } catch {
      trouble('No connection to the hub: what you type is not kept just now.');
    }
  });
}

function trouble(text) {
  const banner = document.getElementById('trouble');
  banner.textContent = text;
  banner.hidden = !text;
}

function dragRules() {
  let dragged = null;
  const unmark = () => {
    for (const one of document.querySelectorAll('.drop-before, .drop-after')) one.classList.remove('drop-before', 'drop-after');
  };
  document.addEventListener('dragstart', (event) => {
    if (!event.target.matches?.('[data-grip]')) return;
    dragged = event.target.closest('[data-rule]');
    dragged.classList.add('is-dragged');
    event.dataTransfer.effectAllowed = 'move';
    event.dataTransfer.setData('text/plain', dragged.id);
    event.dataTransfer.setDragImage(dragged, 10, 10);
  });
  document.addEventListener('dragover', (event) => {
    const over = dragged && event.target.closest?.('[data-rule]');
    unmark();
    if (!over || over === dragged) return;
    event.preventDefault();
    over.classList.add(isBelow(event, over) ? 'drop-after' : 'drop-before');
  });
  document.addEventListener('drop', (event) => {
    const over = dragged && event.target.closest?.('[data-rule]');
    if (!over || over === dragged) return;
    event.preventDefault();
    const others = [...document.querySelectorAll('[data-rule]')].filter((one) => one !== dragged);
    const place = others.indexOf(over) + (isBelow(event, over) ? 1 : 0);
    send(dragged.querySelector('form'), { name: 'do', value: `move:${place}`, getAttribute: () => null });
  });
  document.addEventListener('dragend', () => {
    unmark();
    dragged?.classList.remove('is-dragged');
    dragged = null;
  });
}

function isBelow(event, rule) {
  const { top, height } = rule.getBoundingClientRect();
  return event.clientY > top + height / 2;
}
