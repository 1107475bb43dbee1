// Show in a template's words what is filled in, as it is typed.

export function fillIn() {
  document.addEventListener('input', (event) => {
    const { fill } = event.target.dataset;
    if (!fill) return;
    for (const place of document.querySelectorAll('[data-fills]')) {
      if (place.dataset.fills === fill) place.textContent = event.target.value || place.dataset.blank;
    }
  });
}
