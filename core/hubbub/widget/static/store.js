// Hold what the window shows, as one object that is replaced and never changed.

export class Store {
  constructor(first) {
    this.now = Object.freeze(first);
    this.watchers = [];
  }

  watch(watcher) {
    this.watchers.push(watcher);
    watcher(this.now);
  }

  put(changes) {
    this.now = Object.freeze({ ...this.now, ...changes });
    this.watchers.forEach((watcher) => watcher(this.now));
  }

  // Add messages, each once and in order; one that is there already is replaced.
  add(messages) {
    const all = new Map(this.now.messages.map((one) => [one.seq, one]));
    messages.forEach((one) => all.set(one.seq, one));
    this.put({ messages: [...all.values()].sort((one, other) => one.seq - other.seq) });
  }

  last() {
    const { messages } = this.now;
    return messages.length ? messages[messages.length - 1].seq : 0;
  }
}
