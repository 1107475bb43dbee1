// Send what the visitor says, one after the other and each until it is kept: once, by its id.

import { Refused } from './api.js';

const TRIES = 5;

export class Outbox {
  constructor(api, hear) {
    this.api = api;
    this.hear = hear;
    this.waiting = [];
    this.busy = false;
  }

  add(content) {
    this.waiting.push({ client_id: crypto.randomUUID(), content, failed: '', at: new Date().toISOString() });
    this.tell();
    this.run();
  }

  retry(id) {
    this.waiting.forEach((one) => { if (one.client_id === id) one.failed = ''; });
    this.tell();
    this.run();
  }

  // What the hub shows needs no bubble of ours any more.
  echoed(messages) {
    const ids = new Set(messages.filter((one) => one.own).map((one) => one.client_id));
    this.waiting = this.waiting.filter((one) => !ids.has(one.client_id));
    this.tell();
  }

  clear() {
    this.waiting = [];
    this.tell();
  }

  tell() {
    this.hear.changed(this.waiting.map((one) => ({ ...one })));
  }

  async run() {
    if (this.busy) return;
    this.busy = true;
    for (;;) {
      const next = this.waiting.find((one) => !one.failed && !one.kept);
      if (!next) break;
      await this.send(next);
    }
    this.busy = false;
  }

  async send(one) {
    for (let tries = 1; ; tries += 1) {
      // What was taken back is nobody else's to say.
      if (!this.waiting.includes(one)) return;
      try {
        const body = { client_id: one.client_id, content: one.content, ...this.hear.about() };
        const message = await this.api.post('messages', body);
        one.kept = true;
        if (this.waiting.includes(one)) this.hear.sent(message);
        return;
      } catch (error) {
        const patient = !(error instanceof Refused) || error.status >= 500 || [401, 429].includes(error.status);
        if (!patient || tries >= TRIES) {
          one.failed = error instanceof Refused && error.status < 500 ? error.message : 'lost';
          this.tell();
          return;
        }
        const wait = error.retryAfter ? error.retryAfter * 1000 : 500 * 2 ** tries * (0.5 + Math.random());
        await new Promise((done) => { setTimeout(done, wait); });
      }
    }
  }
}
