// Ask the hub, with the visitor's token in a header and nowhere else.

const JSON_BODY = { 'content-type': 'application/json' };
// Milliseconds after which no answer comes any more.
const PATIENCE = 30000;
// Seconds: no hub means more than an hour by "later", and browsers' timers end at 24 days.
const LATEST = 3600;
// Milliseconds until it is asked again who the visitor is, at first and at most.
const AGAIN = 5000;
const RARELY = 300000;

// The hub said no, by a status and a code; `wait`: for so many milliseconds it asked not to be asked.
function refusal(status, problem, after) {
  const code = String(problem.type || '').split('/').pop();
  return Object.assign(new Error(problem.detail || status), { status, code, wait: Math.max(0, Math.min(after, LATEST)) * 1000 });
}

// What to tell people of it: in the hub's words where it is theirs to mend.
export function reason(error) {
  return error?.code && error.status < 500 && error.status !== 401 ? { code: error.code, detail: error.message } : { code: 'lost' };
}

// Whether the hub would say the same of the same once more.
export function final(error) {
  return error.status < 500 && ![401, 408, 429].includes(error.status);
}

// Wait; `early` gets what ends that before.
export function pause(wait, early = () => {}) {
  return new Promise((done) => {
    setTimeout(done, wait);
    early(done);
  });
}

// One question that is asked until it is answered, by one try at a time: all wait for the same answer.
export class Question {
  // `ask` resolves to an answer, which `take` gets unless something else is asked by then; an error that
  // `settled` returns true for needs no other try, false: one at once. Of all others, `waiting` is told.
  constructor({ ask, take, settled, waiting }) {
    Object.assign(this, { ask, take, settled, waiting });
    this.round = 0;
    this.answer = null;
    this.rouse = () => {};
  }

  // Resolves once it is answered.
  get() {
    this.answer = this.answer || this.repeat();
    return this.answer;
  }

  // Ask something else: what was asked before is not answered any more.
  anew() {
    this.round += 1;
    this.rouse();
    return this.get();
  }

  async repeat() {
    for (let failures = 0; ; failures += 1) {
      const { round } = this;
      const found = await this.ask().catch((error) => error);
      const wrong = found instanceof Error;
      const over = round === this.round && (!wrong || this.settled(found));
      if (over) {
        this.answer = null;
        if (!wrong) this.take(found);
        return;
      }
      // What was answered to an earlier question may still name a time.
      if (over === false && !found.wait) failures = -1;
      else await this.rest(found, failures);
    }
  }

  rest(error, failures) {
    this.waiting(error);
    const { wait } = error;
    // Before a time that the hub named nobody asks, whatever happens.
    return pause(wait || Math.min(AGAIN * 2 ** failures, RARELY) * (0.5 + Math.random() / 2), (done) => { this.rouse = wait ? () => {} : done; });
  }
}

// What is answered, as it was said in JSON.
export async function fetched(address, options) {
  const answer = await fetch(address, { cache: 'no-store', ...options, signal: AbortSignal.timeout(PATIENCE) });
  if (!answer.ok) throw await refused(answer);
  return answer.status === 204 ? null : answer.json();
}

export class Api {
  // `token()`: null while it is not known who asks. `renew()` resolves once it is, and `of()` says of whom answers are.
  constructor(key, { token, renew, of }) {
    this.base = `/widget/${key}/`;
    this.token = token;
    this.renew = renew;
    this.of = of;
  }

  // Who somebody is, and the newest that was said where it is not there yet.
  async session(body, needed) {
    const found = await this.ask('session', { method: 'POST', body: JSON.stringify(body), headers: JSON_BODY });
    if (!found.token) throw new Error('lost');
    // Null: nobody proves who it is.
    found.user = found.contact?.user_id ?? null;
    return needed(found) ? { ...found, ...await this.ask('messages', { headers: proof(found.token) }) } : found;
  }

  async get(name, query = {}) {
    const of = this.of();
    const found = await this.known(`${name}?${new URLSearchParams(query)}`, {});
    // Nobody is shown what was somebody else's, or from elsewhere.
    if (of !== this.of()) throw new Error('Too late.');
    return found;
  }

  post(name, body) {
    return this.known(name, { method: 'POST', body: JSON.stringify(body), headers: JSON_BODY });
  }

  // The raw answer, whose body goes on.
  async stream(after, signal) {
    const answer = await fetch(`${this.base}stream?after=${after}`, { headers: proof(this.token()), signal, cache: 'no-store' });
    if (!answer.ok) throw await refused(answer);
    return answer;
  }

  // By the older way to ask: it alone tells how far a file has gone up.
  async upload(file, signal, progress) {
    await this.ready();
    signal.throwIfAborted();
    return new Promise((done, failed) => {
      const request = new XMLHttpRequest();
      const form = new FormData();
      form.append('file', file);
      request.open('POST', `${this.base}uploads`);
      Object.entries(proof(this.token())).forEach(([name, value]) => request.setRequestHeader(name, value));
      request.upload.onprogress = (event) => progress(event.loaded / event.total);
      request.onload = () => {
        const said = parsed(request.responseText);
        if (request.status === 201) done(said);
        else failed(refusal(request.status, said, 0));
      };
      request.onerror = () => failed(new Error('lost'));
      signal.addEventListener('abort', () => request.abort());
      request.send(form);
    });
  }

  // Resolves once it is known who asks.
  async ready() {
    while (!this.token()) await this.renew();
  }

  async known(path, options) {
    const of = this.of();
    await this.ready();
    if (of !== this.of()) throw new Error('Too late.');
    try {
      return await this.ask(path, { ...options, headers: { ...options.headers, ...proof(this.token()) } });
    } catch (error) {
      // Whoever asks again does so by themselves: it may be somebody else by then.
      if (error.status === 401) await this.renew();
      throw error;
    }
  }

  ask(path, options) {
    return fetched(this.base + path, options);
  }
}

function proof(token) {
  return { authorization: `Bearer ${token}` };
}

async function refused(answer) {
  return refusal(answer.status, parsed(await answer.text()), Number(answer.headers.get('retry-after')) || 0);
}

function parsed(text) {
  try {
    return JSON.parse(text) || {};
  } catch {
    return {};
  }
}
