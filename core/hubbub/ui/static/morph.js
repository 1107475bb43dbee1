// Make what stands in the page like what the hub says now, touching only what differs: focus,
// scrolling, open folds, typed words and playing media stay, and screen readers hear only news.

// What people change by using the page.
const THEIRS = new Set(['open']);

export function morph(mine, theirs) {
  const focused = document.activeElement;
  become(mine, theirs);
  // What is moved within the page loses the focus.
  if (focused !== document.activeElement && mine.contains(focused)) focused.focus({ preventScroll: true });
}

function become(mine, theirs) {
  if (mine.isEqualNode(theirs) || mine.hasAttribute?.('data-keep')) return;
  if (mine.nodeType !== Node.ELEMENT_NODE) {
    mine.nodeValue = theirs.nodeValue;
    return;
  }
  for (const { name } of [...mine.attributes]) {
    if (!theirs.hasAttribute(name) && !THEIRS.has(name)) mine.removeAttribute(name);
  }
  for (const { name, value } of theirs.attributes) {
    if (mine.getAttribute(name) !== value && !THEIRS.has(name)) mine.setAttribute(name, value);
  }
  fill(mine, theirs);
}

function fill(mine, theirs) {
  const named = new Map([...mine.children].filter((one) => one.id).map((one) => [one.id, one]));
  let at = mine.firstChild;
  for (const wanted of [...theirs.childNodes]) {
    const found = wanted.id ? named.get(wanted.id) : alike(at, wanted) && at;
    if (!found) {
      mine.insertBefore(wanted, at);
      continue;
    }
    if (found === at) at = at.nextSibling;
    else mine.insertBefore(found, at);
    become(found, wanted);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function alike(one, other) {
  return one && !one.id && one.nodeType === other.nodeType && one.nodeName === other.nodeName;
}
