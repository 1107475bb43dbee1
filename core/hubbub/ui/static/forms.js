// Send a form once, however often it is clicked, and say that it is on its way.

const sent = new WeakSet();
const ONCE = 'form[data-busy], form[data-stay]';

export function sendOnce() {
  document.addEventListener('click', dropSecond);
  document.addEventListener('keydown', dropHeld);
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (!form.dataset.busy || event.defaultPrevented) return;
    if (sent.has(form)) {
      event.preventDefault();
      return;
    }
    sent.add(form);
    // Not disabled: a browser leaves out the value of a disabled button.
    const button = event.submitter ?? form.querySelector('button');
    button.textContent = button.dataset.busy ?? form.dataset.busy;
    button.setAttribute('aria-busy', 'true');
  });
  // A page that comes back from the browser's memory can be used again.
  addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });
}

// The second of two quick clicks is for the button that the first one found. What stands there by
// then, in this page or the next, may undo it.
function dropSecond(event) {
  if (event.detail > 1 && event.target.closest?.('button')?.form?.matches(ONCE)) event.preventDefault();
}

// Nor does a key that is held press again.
function dropHeld(event) {
  if (event.repeat && event.key === 'Enter' && event.target.form?.matches(ONCE) && event.target.localName !== 'textarea') event.preventDefault();
}
