// Ask the hub, with the visitor's token in a header and nowhere else.

// The hub said no: asking again will not help, unless `retryAfter` seconds say when.
export class Refused extends Error {
  constructor(status, problem, retryAfter) {
    super(problem.detail || String(status));
    this.status = status;
    this.code = String(problem.type || '').split('/').pop();
    this.retryAfter = retryAfter;
  }
}

// What to tell people of it: in the hub's words where it is theirs to mend.
export function reason(error) {
  return error instanceof Refused && error.status < 500 ? { code: error.code, detail: error.message } : { code: 'lost' };
}

export class Api {
  constructor(key, token, renew) {
    this.base = `/widget/${key}/`;
    this.token = token;
    this.renew = renew;
  }

  session(body) {
    return this.ask('session', { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
  }

  get(name, query = {}) {
    return this.known(`${name}?${new URLSearchParams(query)}`, {});
  }

  post(name, body) {
    return this.known(name, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
  }

  // The raw answer, whose body goes on.
  async stream(after, signal) {
    const answer = await fetch(`${this.base}stream?after=${after}`, { headers: this.proof(), signal, cache: 'no-store' });
    if (!answer.ok) throw await refusal(answer);
    return answer;
  }

  // By the older way to ask: it alone tells how far a file has gone up.
  async upload(file, signal, progress) {
    if (!this.token()) await this.renew();
    return new Promise((done, failed) => {
      const request = new XMLHttpRequest();
      const form = new FormData();
      form.append('file', file);
      request.open('POST', `${this.base}uploads`);
      Object.entries(this.proof()).forEach(([name, value]) => request.setRequestHeader(name, value));
      request.upload.onprogress = (event) => progress(event.loaded / event.total);
      request.onload = () => {
        const said = parsed(request.responseText);
        if (request.status === 201) done(said);
        else failed(new Refused(request.status, said, 0));
      };
      request.onerror = () => failed(new Error('lost'));
      signal.addEventListener('abort', () => request.abort());
      request.send(form);
    });
  }

  async known(path, options) {
    if (!this.token()) await this.renew();
    try {
      return await this.ask(path, { ...options, headers: { ...options.headers, ...this.proof() } });
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 401) throw error;
      await this.renew();
      // Whoever asks again does so by themselves: it may be somebody else by now.
      throw error;
    }
  }

  proof() {
    return { authorization: `Bearer ${this.token()}` };
  }

  async ask(path, options) {
    const answer = await fetch(this.base + path, { ...options, cache: 'no-store' });
    if (!answer.ok) throw await refusal(answer);
    return answer.status === 204 ? null : answer.json();
  }
}

async function refusal(answer) {
  const wait = Number(answer.headers.get('retry-after')) || 0;
  return new Refused(answer.status, parsed(await answer.text()), wait);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
