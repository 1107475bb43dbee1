// Offer to copy what stands in a field.

const SHOWN_FOR = 2000;

export function offerCopies(root) {
  for (const button of root.querySelectorAll('[data-copy]')) {
    button.hidden = false;
    button.addEventListener('click', () => copy(button));
  }
}

async function copy(button) {
  const field = document.getElementById(button.dataset.copy);
  field.select();
  const done = await write(field.value);
  const text = done ? 'Copied' : 'Press Ctrl+C';
  button.textContent = text;
  document.getElementById('told').textContent = text;
  setTimeout(() => { button.textContent = 'Copy'; }, SHOWN_FOR);
}

// The clipboard is for pages with https alone; elsewhere there is the old way.
async function write(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return document.execCommand('copy');
  }
}
