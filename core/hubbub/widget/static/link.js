// Talk with the loader in the page around us, and with the windows in other tabs of the same site.

// The loader: exact origins, and a number that only the two know.
export class Link {
  constructor(sites, hear) {
    this.nonce = new URLSearchParams(location.hash.slice(1)).get('n');
    this.origin = null;
    addEventListener('message', (event) => {
      const data = event.data;
      if (event.source !== parent || !data || data.hub !== 1 || data.n !== this.nonce || !this.nonce) return;
      if (this.origin === null ? !RegExp(sites).test(event.origin) : event.origin !== this.origin) return;
      this.origin = event.origin;
      hear(data.t, data.p);
    });
  }

  tell(type, payload) {
    if (parent === window) return;
    // Only that we are here is told before it is known who listens.
    if (this.origin === null && type !== 'ready') return;
    parent.postMessage({ hub: 1, n: this.nonce, t: type, p: payload }, this.origin || '*');
  }
}

// The other tabs, which may show another visitor: each message names the conversation it is of.
export class Tabs {
  constructor(name, hear) {
    this.channel = new BroadcastChannel(`hubchat:${name}`);
    this.channel.addEventListener('message', ({ data }) => hear(data.t, data.p, data.of));
  }

  tell(type, payload, conversation) {
    this.channel.postMessage({ t: type, p: payload, of: conversation });
  }
}
