// Open the chat window of a channel on the page that tells of it, as visitors of a site see it.

export function offerTries(root) {
  for (const button of root.querySelectorAll('[data-try]')) {
    button.hidden = false;
    button.addEventListener('click', () => open(button.dataset.try));
  }
}

function open(loader) {
  if (window.HubChat) {
    window.HubChat('open');
    return;
  }
  const script = document.createElement('script');
  script.src = loader;
  script.addEventListener('load', () => window.HubChat('open'));
  document.body.append(script);
}
