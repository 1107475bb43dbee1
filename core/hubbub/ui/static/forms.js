// Send a form once, however often it is clicked, and say that it is on its way.

const sent = new WeakSet();

export function sendOnce() {
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
