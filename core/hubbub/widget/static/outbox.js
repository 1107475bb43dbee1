// Send what the visitor says, one after the other and each until it is kept: once, by its id.

import { final, pause, reason } from './api.js';

const TRIES = 5;
// Milliseconds between two tries, at most.
const LONGEST = 30000;
// Bytes that the hub takes of one file.
const LARGEST = 10 << 20;
const PICTURE = /^image\/(png|jpeg|gif|webp)$/;

export class Outbox {
  constructor(api, hear) {
    this.api = api;
    this.hear = hear;
    this.waiting = [];
    this.busy = false;
    // Until a form is filled in, which goes before all else.
    this.held = false;
    this.idle = [];
  }

  add(content) {
    this.put({ client_id: crypto.randomUUID(), content });
  }

  // A file goes up first; texts do not wait for it.
  addFile(file) {
    const preview = PICTURE.test(file.type) ? URL.createObjectURL(file) : null;
    const one = { client_id: crypto.randomUUID(), content: { type: 'file', name: file.name, size: file.size, preview }, file };
    this.put(one);
    this.upload(one);
  }

  // What an earlier window of this page could not send any more.
  restore(texts) {
    const known = new Set(this.waiting.map((one) => one.client_id));
    texts.filter((one) => !known.has(one.client_id)).forEach((one) => this.put(one));
  }

  put(one, where = 'push') {
    this.waiting[where]({ ...one, failed: null, later: false, progress: 0, round: this.hear.round() });
    this.tell();
    this.run();
  }

  retry(id) {
    const one = this.find(id);
    if (!one || !one.failed) return;
    one.failed = null;
    this.tell();
    if (one.file) this.upload(one);
    else this.run();
  }

  cancel(id) {
    this.drop(this.waiting.filter((one) => one.client_id === id));
  }

  // Go on, with what was asked for (or nothing) before what waits.
  resume(content) {
    this.held = false;
    if (content) this.put({ client_id: crypto.randomUUID(), content }, 'unshift');
    else this.run();
  }

  // What the hub shows needs no bubble of ours any more.
  echoed(messages) {
    const ids = new Set(messages.filter((one) => one.own).map((one) => one.client_id));
    this.drop(this.waiting.filter((one) => ids.has(one.client_id)));
  }

  // What the hub has is for the hub to show.
  shed() {
    this.drop(this.waiting.filter((one) => one.kept));
  }

  // Forget what was said before a round of asking who it is; return the texts that nobody has.
  clear(round = Infinity) {
    const texts = this.unsent().map((one) => one.content.text);
    this.held = false;
    this.drop(this.waiting.filter((one) => one.round < round));
    return texts;
  }

  // The texts that would be lost with this window.
  unsent() {
    return this.waiting.filter((one) => !one.kept && one.content.type === 'text').map(({ client_id: id, content }) => ({ client_id: id, content }));
  }

  find(id) {
    return this.waiting.find((one) => one.client_id === id);
  }

  drop(gone) {
    gone.forEach((one) => {
      one.abort?.abort();
      one.rouse?.();
      if (one.content.preview) URL.revokeObjectURL(one.content.preview);
    });
    this.waiting = this.waiting.filter((one) => !gone.includes(one));
    this.tell();
  }

  tell() {
    this.hear.changed(this.waiting.map((one) => ({ ...one })));
  }

  fail(one, error) {
    one.failed = reason(error);
    this.tell();
    // Nobody may be there any more to try again.
    if (!final(error)) pause(LONGEST).then(() => this.retry(one.client_id));
  }

  async upload(given) {
    const one = this.find(given.client_id);
    if (!one.file.size || one.file.size > LARGEST) {
      this.fail(one, { code: one.file.size ? 'too-large' : 'empty-file', status: 413 });
      return;
    }
    one.abort = new AbortController();
    try {
      const { media_id: mediaId } = await this.api.upload(one.file, one.abort.signal, (progress) => {
        one.progress = progress;
        this.tell();
      });
      one.content = { ...one.content, media_id: mediaId };
      one.file = null;
      this.tell();
      this.run();
    } catch (error) {
      if (error.status === 401) this.api.renew();
      this.fail(one, error);
    }
  }

  async run() {
    if (this.busy) return;
    this.busy = true;
    while (!this.held) {
      const next = this.waiting.find((one) => !one.failed && !one.kept && !one.file);
      if (!next) break;
      await this.send(next);
    }
    this.busy = false;
    this.idle.splice(0).forEach((done) => done());
  }

  // Resolves once nothing is on its way any more.
  settled() {
    return this.busy ? new Promise((done) => { this.idle.push(done); }) : Promise.resolve();
  }

  async send(one) {
    // What only this window shows of a file.
    const { preview, name, size, ...content } = one.content;
    for (let tries = 1, failures = 0; ; tries += 1) {
      await this.api.ready();
      // What was taken back is nobody else's to say.
      if (!this.waiting.includes(one)) return;
      try {
        const message = await this.api.post('messages', { client_id: one.client_id, content, ...this.hear.about() });
        one.kept = true;
        if (this.waiting.includes(one)) this.hear.sent(message);
        this.tell();
        return;
      } catch (error) {
        if (!this.waiting.includes(one)) return;
        if (error.code === 'form-needed') {
          this.held = true;
          this.hear.asked();
          return;
        }
        // Too much at once is no failure: it has its time.
        one.later = error.status === 429;
        if (!one.later) failures += 1;
        if (final(error) || failures >= TRIES) {
          this.fail(one, error);
          return;
        }
        this.tell();
        // Until its time has come, or it is taken back.
        await pause(error.wait || Math.min(LONGEST, 500 * 2 ** tries) * (0.5 + Math.random()), (done) => { one.rouse = done; });
      }
    }
  }
}
