// Keeps the chat fresh and sends forms without a new page. Without it everything still works.

const thread = document.querySelector("#thread");
const trouble = document.querySelector("#trouble");
const PAUSE = 1000;
const DOUBLE_CLICK = 600;
const justSaid = new Set();
let seen = "";
let asking = null;

function lines() {
  return thread.querySelector(".lines");
}

function atEnd() {
  const log = lines();
  return log.scrollHeight - log.scrollTop - log.clientHeight < 80;
}

function toEnd() {
  const log = lines();
  log.scrollTop = log.scrollHeight;
}

function replace(html) {
  const stay = !atEnd();
  const top = lines().scrollTop;
  const open = [...thread.querySelectorAll("details[open]")].map((details) => details.id);
  const kept = focusKey();
  thread.innerHTML = html;
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (stay) lines().scrollTop = top;
  else toEnd();
  focusAgain(kept);
}

// What has the focus in the chat must keep it when the chat is drawn anew.
function focusKey() {
  const all = [...thread.querySelectorAll("button, summary, a, [tabindex]")];
  return all.indexOf(document.activeElement);
}

function focusAgain(key) {
  if (key < 0) return;
  const all = thread.querySelectorAll("button, summary, a, [tabindex]");
  all[Math.min(key, all.length - 1)]?.focus({ preventScroll: true });
}

// Half-written words would be gone if the chat were drawn anew.
function isWriting() {
  return thread.contains(document.activeElement) && document.activeElement.matches("input, textarea");
}

function complain(text) {
  trouble.textContent = text;
  trouble.hidden = !text;
}

async function refresh() {
  const url = new URL(thread.dataset.live, location.href);
  url.searchParams.set("visible", document.hidden ? "0" : "1");
  url.searchParams.set("seen", seen);
  const answer = await fetch(url);
  if (answer.status === 204) return;
  if (!answer.ok) throw new Error(`The sandbox answered ${answer.status}.`);
  const html = await answer.text();
  if (isWriting()) return;
  seen = answer.headers.get("X-Thread") ?? "";
  replace(html);
}

// One request at a time; whoever asks meanwhile gets the next one.
function refreshed() {
  asking ??= refresh()
    .then(() => complain(""))
    .catch(() => complain("The sandbox does not answer. Trying again."))
    .finally(() => (asking = null));
  return asking;
}

async function keepFresh() {
  await refreshed();
  setTimeout(keepFresh, PAUSE);
}

async function submit(event) {
  const form = event.target.closest("form[data-live-form]");
  if (!form) return;
  event.preventDefault();
  const body = new FormData(form, event.submitter);
  const sent = contents(form);
  if (isTwice(form, body)) return;
  const answer = await fetch(form.action, {
    method: "POST",
    body,
    headers: { "X-Requested-With": "fetch" },
  }).catch(() => null);
  if (!answer?.ok) {
    complain("That was not sent. Is the sandbox still running?");
    return;
  }
  // What was typed meanwhile is still to be said.
  if ("clears" in form.dataset && contents(form) === sent) {
    form.reset();
    if (form.elements.file) showPicked(form);
  }
  if (isWriting()) document.activeElement.blur();
  await refreshed();
  toEnd();
}

function contents(form) {
  return asText([...new FormData(form)]);
}

// Files by their names.
function asText(entries) {
  return JSON.stringify(entries, (_, value) => value.name ?? value);
}

// The second half of a double click says the same again, perhaps in a form that was drawn anew.
function isTwice(form, body) {
  const said = asText([form.action, ...body]);
  if (justSaid.has(said)) return true;
  justSaid.add(said);
  setTimeout(() => justSaid.delete(said), DOUBLE_CLICK);
  return false;
}

function showPicked(form) {
  const files = form.elements.file.files;
  form.querySelector(".picked").textContent =
    files.length === 0 ? "" : files.length === 1 ? files[0].name : `${files.length} files`;
}

if (thread) {
  const composer = document.querySelector(".composer");
  document.addEventListener("submit", submit);
  composer.elements.file.addEventListener("change", () => showPicked(composer));
  composer.elements.text.addEventListener("keydown", (event) => {
    if ("long" in event.target.dataset) return;
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    composer.requestSubmit();
  });
  document.addEventListener("visibilitychange", refreshed);
  toEnd();
  keepFresh();
}
