// Hear from the hub as things happen. What is missed while cut off comes with the next connection.

// Milliseconds: of silence after which a stream is dead, within which it is known whether it comes through,
// the first and the longest pause.
const SILENCE = 45000;
const PROVING = 15000;
const FIRST = 1000;
const LONGEST = 30000;
// Failures after which the window asks now and then instead, for how long, and how often.
const FAILURES = 3;
const ASKING = 300000;
const PAUSE = 10000;

export class Stream {
  constructor(api, hear) {
    this.api = api;
    this.hear = hear;
    this.failures = 0;
    // Failures to hear of a hub that is there, which asking now and then may help.
    this.deaf = 0;
    this.asking = 0;
    this.wanted = false;
    this.abort = null;
    this.timer = 0;
  }

  // Be connected; `fresh`: somebody came back, so do not wait any longer.
  open(fresh = false) {
    this.wanted = true;
    if (fresh && this.timer) {
      clearTimeout(this.timer);
      this.timer = 0;
    }
    if (!this.abort && !this.timer) this.run();
  }

  close() {
    this.wanted = false;
    clearTimeout(this.timer);
    this.timer = 0;
    this.abort?.abort();
    this.hear.connection('idle');
  }

  // Whether a stream is open, or about to be.
  get live() {
    return Boolean(this.abort);
  }

  async run() {
    this.abort = new AbortController();
    this.began = 0;
    const error = await this.listen(this.abort).catch((one) => one);
    // Only what was heard for a while counts: on the way there are some who keep or cut all that is said.
    if (this.began && Date.now() - this.began > PROVING) {
      this.failures = 0;
      this.deaf = 0;
    }
    const wait = await this.failed(error);
    this.abort = null;
    if (!this.wanted) return;
    if (Date.now() < this.asking) {
      this.ask(wait);
      return;
    }
    this.hear.connection('backoff');
    this.again(wait || this.pause());
  }

  again(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = 0;
      if (!this.wanted) return;
      if (Date.now() < this.asking) this.ask();
      else this.run();
    }, wait);
  }

  pause() {
    return Math.random() * Math.min(LONGEST, FIRST * 2 ** this.failures);
  }

  // Return after how many milliseconds to try again; 0: by the usual pause.
  async failed(error) {
    const { status, code, wait = 0 } = error;
    this.failures += 1;
    // Of a network that is away (a TypeError) asking has no more to tell.
    if (!(error instanceof TypeError)) this.deaf += 1;
    if (status === 401) await this.api.renew();
    // Without a conversation there is nothing to hear. A proxy knows nothing of that.
    if (code === 'not-found') this.hear.gone();
    if (this.deaf >= FAILURES || status === 503) this.asking = Date.now() + ASKING;
    // Other tabs of this visitor opened many of late: there will be room in a moment.
    else if (status === 429) this.asking = Date.now() + wait;
    return wait;
  }

  // Ask for what is new, instead of being told; again after `wait`.
  async ask(wait) {
    try {
      const found = await this.api.get('events', { after: this.hear.after(), wait: 0 });
      found.messages.forEach((message) => this.hear.message(message));
      if (found.state) this.hear.state(found.state);
      this.hear.connection('open');
    } catch {
      this.hear.connection('backoff');
    }
    if (this.wanted) this.again(wait || PAUSE);
  }

  async listen(abort) {
    this.hear.connection('connecting');
    const soon = (promise, most) => {
      const silent = setTimeout(() => abort.abort(), most);
      return promise.finally(() => clearTimeout(silent));
    };
    const answer = await soon(this.api.stream(this.hear.after(), abort.signal), PROVING);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (;;) {
      const { done, value } = await soon(reader.read(), this.began ? SILENCE : PROVING);
      if (done) throw new Error('cut');
      if (!this.began) {
        this.began = Date.now();
        this.asking = 0;
        this.hear.connection('open');
      }
      const parts = (text + value).split('\n\n');
      text = parts.pop();
      parts.forEach((part) => this.take(part));
    }
  }

  take(part) {
    let name = '';
    let data = '';
    part.split('\n').forEach((line) => {
      if (line.startsWith('event: ')) name = line.slice(7);
      if (line.startsWith('data: ')) data += line.slice(6);
    });
    // This visitor has newer streams: what is new is asked for, until somebody is back here.
    if (name === 'crowded') this.asking = Date.now() + ASKING;
    if (name in this.hear) this.hear[name](JSON.parse(data));
  }
}
