// Keep what is marked with data-live as the hub says it is. News says only that something changed,
// and the page then asks for itself anew, so that news which is lost does no lasting harm.

import { morph } from './morph.js';
import { localise } from './times.js';

// Milliseconds between two questions, however much news there is.
const PAUSE = 200;
// Seconds between questions while no news comes: none to be had; nobody looks.
const CUT_OFF = 4;
const UNSEEN = 30;
const QUIET = 60;

// Return a function that asks at once.
export function keepLive() {
  const quiet = Math.min(QUIET, ...[...document.querySelectorAll('[data-every]')].map((one) => Number(one.dataset.every)));
  const refresh = oneAtATime(ask);
  listen(refresh, quiet);
  return refresh;
}

async function ask() {
  const seen = document.visibilityState === 'visible' ? '1' : '0';
  let answer;
  try {
    answer = await fetch(location.href, { headers: { 'X-Script': '1', 'X-Seen': seen } });
  } catch {
    offline(true);
    return;
  }
  offline(answer.status >= 500);
  if (answer.status === 401) logInAgain();
  // Gone: the whole page says so.
  else if (answer.status === 404) location.reload();
  else if (answer.ok) show(await answer.text());
}

// Whether the page goes by itself, without asking whether it may.
export let leaves = false;

// Words in the composer are kept, and are here again after the login.
export function logInAgain() {
  leaves = true;
  const ended = document.querySelector('.composer textarea')?.value ? 'kept' : 'yes';
  location.replace(`/login?${new URLSearchParams({ next: location.pathname + location.search, ended })}`);
}

function show(html) {
  const fresh = new DOMParser().parseFromString(html, 'text/html');
  localise(fresh);
  document.dispatchEvent(new Event('hub:before'));
  for (const part of document.querySelectorAll('[data-live]')) {
    const theirs = fresh.getElementById(part.id);
    if (theirs) morph(part, theirs);
  }
  document.dispatchEvent(new Event('hub:shown'));
}

function oneAtATime(work) {
  let running = null;
  let again = false;
  return function run() {
    if (running) {
      again = true;
      return running;
    }
    running = work().then(() => new Promise((done) => { setTimeout(done, PAUSE); })).finally(() => {
      running = null;
      if (again) {
        again = false;
        run();
      }
    });
    return running;
  };
}

function listen(refresh, quiet) {
  let stream = null;
  let timer = 0;
  const every = (seconds, what) => {
    clearInterval(timer);
    timer = setInterval(what, seconds * 1000);
  };

  function open() {
    stream = new EventSource('/live');
    stream.onopen = () => { every(quiet, refresh); refresh(); };
    stream.onmessage = refresh;
    stream.addEventListener('typing', (event) => {
      document.dispatchEvent(new CustomEvent('hub:typing', { detail: JSON.parse(event.data).conversation }));
    });
    stream.onerror = () => { every(CUT_OFF, turn); refresh(); };
    every(CUT_OFF, turn);
  }

  // A browser comes back by itself to a stream that broke, and not to one that was refused.
  function turn() {
    refresh();
    if (stream.readyState === EventSource.CLOSED) open();
  }

  // Browsers keep few connections to one place: tabs that nobody looks at leave them to others.
  function look() {
    if (document.visibilityState === 'visible') {
      open();
    } else {
      stream.close();
      every(UNSEEN, refresh);
    }
  }

  open();
  document.addEventListener('visibilitychange', look);
  addEventListener('online', refresh);
  addEventListener('pagehide', () => stream.close());
}

function offline(is) {
  document.getElementById('offline').hidden = !is;
}
