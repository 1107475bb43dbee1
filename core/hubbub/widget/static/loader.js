// Put a chat launcher on somebody else's page, and open the hub's window in a frame when needed.
// A guest here: no markup, no style sheet, no cookie, no request of its own, nothing but HubChat.
(() => {
  'use strict';
  const config = "CONFIG";
  const script = document.currentScript;
  const calls = window.HubChat?.q || [];
  const TALK = 'M4 4h16v12H10l-5 4v-4H4z';
  const SHADOW = '0 6px 28px rgba(0,0,0,.22)';
  const SHUT = 'M6 6l12 12M18 6L6 18';
  // What is said before the window is there to say it: the launcher's name, and how to send a greeting away.
  const WORDS = { en: ['Chat', 'Dismiss'], de: ['Chat', 'Schließen'], ar: ['محادثة', 'إغلاق'] };
  // What can be handed on of what a page says.
  const plain = (said) => JSON.parse(JSON.stringify(said));
  if (!window.HubChat?.loaded) guard(start)();

  function start() {
    const data = script ? script.dataset : {};
    const { theme } = config;
    const side = theme.position === 'start' ? 'inset-inline-start' : 'inset-inline-end';
    const origin = new URL(config.base).origin;
    const store = storage(() => localStorage);
    const session = storage(() => sessionStorage);
    const handlers = {};
    const phone = matchMedia('(max-width: 479px)');
    const nonce = crypto.getRandomValues(new Uint32Array(4)).join('-');
    const lang = data.lang || document.documentElement.lang || navigator.language || config.locale;
    const texts = wording(config.texts, [lang, config.locale]) || {};
    const [chat, dismiss] = wording(WORDS, [lang, config.locale, 'en']);
    let begun = false;
    let booted = false;
    let opened = false;
    let ready = false;
    let unread = { n: 0, label: '' };
    let frame = null;
    let launcher = null;
    let drawing = null;
    let badge = null;
    let bubble = null;
    let identity = null;
    let attributes = {};
    let scroll = null;
    let waiting = [];
    let leaving = false;
    let address = location.href;

    // --- what pages may ask for ---

    const commands = {
      boot,
      open: () => show(true),
      close: () => show(false),
      toggle: () => show(!opened),
      identify(proof) { identity = plain(proof); tell('identify', identity); if (booted) makeFrame(); },
      set(more) { attributes = { ...attributes, ...plain(more) }; tell('set', attributes); },
      logout() {
        identity = null;
        attributes = {};
        ['token', 'talks', 'greeting'].forEach(store.drop);
        session.drop('kept');
        leaving = ready;
        tell('logout');
      },
      on(name, handler) { (handlers[name] = handlers[name] || []).push(handler); },
    };
    const run = guard((name, ...rest) => commands[name]?.(...rest));
    // What is asked before there is a page to draw on is done once there is.
    const api = function HubChat(...call) {
      if (begun) run(...call);
      else calls.push(call);
    };
    api.loaded = true;
    window.HubChat = api;
    const begin = guard(() => {
      begun = true;
      if (!('defer' in data)) boot();
      calls.forEach((call) => run(...call));
    });
    // Elsewhere browsers show a broken window.
    if (!RegExp(config.sites).test(location.origin)) console.warn(`Chat: ${location.origin} is not in "Allowed sites".`);
    else if (document.body) begin();
    else on(document, 'DOMContentLoaded', begin);

    function boot() {
      if (booted) return;
      booted = true;
      drawLauncher();
      watchAddress();
      greet();
      on(window, 'message', hear);
      on(window, 'visibilitychange', name);
      on(document, 'keydown', (event) => { if (event.key === 'Escape') show(false); });
      on(phone, 'change', () => {
        place();
        tell('size', { full: phone.matches });
      });
      ['resize', 'scroll'].forEach((event) => on(visualViewport, event, place));
      if (store.get('talks') || identity) makeFrame();
    }

    // --- the launcher ---

    function drawLauncher() {
      launcher = floating('button', 0, `width:56px;height:56px;border-radius:50%;border:1px solid transparent;
        background:${theme.color};color:${theme.ink};display:flex;align-items:center;justify-content:center;cursor:pointer`);
      launcher.type = 'button';
      launcher.setAttribute('aria-haspopup', 'dialog');
      const icon = element('svg', `width:26px;height:26px;fill:none;stroke:${theme.ink};stroke-width:2px;stroke-linecap:round;stroke-linejoin:round`, svg('svg'));
      icon.setAttribute('viewBox', '0 0 24 24');
      drawing = icon.appendChild(svg('path'));
      badge = element('span', `position:absolute;inset-block-start:-4px;inset-inline-end:-4px;min-width:22px;height:22px;border:1px solid #fff;
        border-radius:11px;background:#b91c1c;color:#fff;padding-inline:5px;box-sizing:border-box;text-align:center;font:600 12px/20px system-ui,sans-serif`);
      launcher.append(icon, badge);
      on(launcher, 'click', () => show(!opened));
      on(launcher, 'pointerenter', makeFrame);
      on(launcher, 'focus', makeFrame);
      lay(launcher);
      name();
    }

    // Say on the launcher, and in the title of a page that nobody looks at, what waits here.
    function name() {
      const n = unread.n > 99 ? '99+' : unread.n;
      const label = texts.launcher || chat;
      launcher.setAttribute('aria-label', unread.n ? `${label}, ${unread.label || n}` : label);
      launcher.setAttribute('aria-expanded', opened);
      const shape = opened ? SHUT : TALK;
      drawing.setAttribute('d', shape);
      // In some browsers it is a style as well, which pages may take away.
      set(drawing, `all:unset;d:path("${shape}")`);
      badge.textContent = n;
      set(badge, `display:${unread.n ? 'block' : 'none'}`);
      if ('title' in data) {
        const plain = document.title.replace(/^\(\d+\+?\)\s/, '');
        const title = unread.n && document.hidden ? `(${n}) ${plain}` : plain;
        if (title !== document.title) document.title = title;
      }
    }

    // --- the frame ---

    function makeFrame() {
      if (frame) return;
      frame = floating('iframe', 72, 'display:none;color-scheme:normal;overflow:hidden');
      frame.title = texts.title || chat;
      frame.src = `${config.base}/widget/${config.key}/frame#n=${nonce}`;
      // A window says that it is ready about when its document is there, and may be heard a little later.
      on(frame, 'load', ({ target }) => setTimeout(() => { target.came = true; }, 1000));
      lay(frame);
    }

    function show(wanted) {
      if (!booted) boot();
      if (wanted === opened) return;
      opened = wanted;
      if (wanted) {
        // What came was no window, but an error of somebody on the way.
        if (frame?.came && !ready) {
          frame.remove();
          frame = null;
        }
        makeFrame();
        hush();
      }
      place();
      name();
      turnBack();
      tell(wanted ? 'open' : 'close');
      if (wanted) frame.focus();
      else launcher.focus();
      fire(wanted ? 'open' : 'close');
    }

    // Where the window is all there is to see, the way back closes it: one entry in the history, and gone with it.
    function turnBack() {
      const here = history.state?.hubchat === nonce;
      if (opened && phone.matches) History.prototype.pushState.call(history, { ...history.state, hubchat: nonce }, '');
      else if (!opened && here) history.back();
    }

    function place() {
      if (!frame) return;
      const full = phone.matches;
      const seen = visualViewport;
      // With a keyboard in front of the page, the part that is still to be seen.
      const part = seen.scale === 1 ? `top:${seen.offsetTop}px;height:${seen.height}px` : 'height:100dvh';
      set(frame, full
        ? `inset:0;width:100%;border-radius:0;box-shadow:none;${part}`
        : `inset:auto;inset-block-end:${theme.offset_y + 72}px;${side}:${theme.offset_x}px;width:min(400px,calc(100vw - 40px));
          height:min(640px,calc(100vh - ${theme.offset_y + 92}px));border-radius:16px;box-shadow:0 0 0 1px rgba(0,0,0,.06),${SHADOW}`);
      set(frame, `display:${opened ? 'block' : 'none'}`);
      set(launcher, `display:${opened && full ? 'none' : 'flex'}`);
      lock(opened && full);
    }

    function lock(on) {
      const root = document.documentElement;
      if (on && !scroll) {
        scroll = { overflow: root.style.overflow, inert: [...document.body.children].filter((one) => one !== frame && !one.inert) };
        root.style.overflow = 'hidden';
        scroll.inert.forEach((one) => { one.inert = true; });
      } else if (!on && scroll) {
        root.style.overflow = scroll.overflow;
        scroll.inert.forEach((one) => { one.inert = false; });
        scroll = null;
      }
    }

    // --- talking with the frame ---

    function tell(type, payload) {
      if (!frame) return;
      if (ready) frame.contentWindow.postMessage({ hub: 1, n: nonce, t: type, p: payload }, origin);
      else if (type !== 'identify' && type !== 'set') waiting.push([type, payload]);
    }

    const heard = {
      ready() {
        ready = true;
        tell('init', {
          token: store.get('token'), identity, attributes, page: where(), lang, full: phone.matches,
          greeting: store.get('greeting'), kept: guard(JSON.parse)(session.get('kept')),
        });
        waiting.forEach((one) => tell(...one));
        waiting = [];
        // A focus that was given just as the window's document came is one that browsers lose: its keys would go to the page.
        if (document.activeElement === frame) frame.contentWindow.focus();
      },
      // What it says before it knows that somebody logged out is of who was here before.
      left() { leaving = false; },
      token: (token) => store.set('token', token),
      keep: (texts) => session.set('kept', JSON.stringify(texts)),
      talks() {
        store.set('talks', '1');
        store.drop('greeting');
        hush();
      },
      open: () => show(true),
      close: () => show(false),
      unread(told) {
        const before = unread.n;
        unread = told;
        name();
        if (told.n !== before) fire('unread', told.n);
      },
      event: ({ name: event, detail }) => fire(event, detail),
    };

    function hear({ origin: from, source, data: said }) {
      if (!frame || from !== origin || source !== frame.contentWindow || !said || said.hub !== 1 || said.n !== nonce) return;
      if (leaving && said.t !== 'left') return;
      heard[said.t]?.(said.p);
    }

    function fire(event, detail) {
      handlers[event]?.forEach((handler) => guard(handler)(detail));
    }

    // --- the page ---

    function where() {
      const url = new URL(location.href);
      if (!('sendQuery' in data)) url.search = '';
      url.hash = '';
      return { url: url.href.slice(0, 2000), title: document.title.slice(0, 200) };
    }

    function watchAddress() {
      const moved = guard(() => {
        // The page was left by the way back, on which nothing but the window was.
        if (opened && phone.matches && history.state?.hubchat !== nonce) show(false);
        if (location.href === address) return;
        address = location.href;
        tell('url', where());
        greet();
      });
      ['pushState', 'replaceState'].forEach((method) => {
        const before = history[method];
        history[method] = function wrapped(...rest) {
          const result = before.apply(this, rest);
          setTimeout(moved, 0);
          return result;
        };
      });
      on(window, 'popstate', moved);
    }

    // --- greetings: local until they are answered ---

    function greet() {
      clearInterval(greet.timer);
      if (opened || bubble || store.get('talks') || store.get('hushed') > Date.now()) return;
      if (!session.get('counted')) {
        session.set('counted', '1');
        store.set('visits', Number(store.get('visits')) + 1);
      }
      let seconds = 0;
      const look = () => {
        const rule = config.greetings.find((one) => holds(one, seconds));
        if (rule) said(rule);
        // Nobody waits for what they do not look at.
        if (!document.hidden) seconds += 1;
      };
      greet.timer = setInterval(guard(look), 1000);
      look();
    }

    function holds(rule, seconds) {
      const when = rule.when;
      const address = location.origin + location.pathname;
      const open = config.availability.open !== (Date.parse(config.availability.changes_at || '') <= Date.now());
      return seconds >= when.delay_s
        && (!when.url.length || when.url.some((glob) => matches(glob, address)))
        && !when.not_url.some((glob) => matches(glob, address))
        && (!when.lang.length || when.lang.some((one) => lang.toLowerCase().startsWith(one.toLowerCase())))
        && (when.availability === 'any' || (when.availability === 'open') === open)
        && (when.device === 'any' || (when.device === 'phone') === phone.matches)
        && (store.get('visits') || 1) >= when.visits_min
        && scrolled() >= when.scroll_pct
        && !seen(rule);
    }

    function seen(rule) {
      const where = rule.once === 'visitor' ? store : session;
      return (where.get('greeted') || '').split(' ').includes(known(rule));
    }

    function known(rule) {
      return rule.once === 'page' ? `${rule.id}@${encodeURI(location.pathname)}` : rule.id;
    }

    function said(rule) {
      clearInterval(greet.timer);
      [store, session].forEach((where) => where.set('greeted', `${where.get('greeted') || ''} ${known(rule)}`.trim().slice(-4000)));
      store.set('greeting', rule.id);
      fire('greeting', { id: rule.id });
      if (rule.show === 'panel' && !phone.matches) {
        show(true);
        return;
      }
      const dark = theme.scheme === 'auto' ? matchMedia('(prefers-color-scheme: dark)').matches : theme.scheme === 'dark';
      bubble = floating('div', 72, `display:flex;align-items:start;width:max-content;max-width:min(300px,calc(100vw - 40px));padding-block:6px;padding-inline:16px 4px;
        border:1px solid transparent;border-radius:18px;${dark ? 'background:#262a32;color:#eceef2' : 'background:#fff;color:#16181d'}`);
      bubble.setAttribute('role', 'status');
      bubble.append(
        button(rule.content, 'flex:1;padding:8px 0;text-align:start;white-space:pre-line', () => show(true)),
        button('\u00d7', 'width:40px;height:40px;font-size:20px;text-align:center', () => {
          store.set('hushed', Date.now() + 86400000);
          store.drop('greeting');
          hush();
        }),
      );
      bubble.lastChild.setAttribute('aria-label', dismiss);
      lay(bubble);
    }

    function button(text, styles, act) {
      const made = element('button', `font:inherit;color:inherit;cursor:pointer;${styles}`);
      made.type = 'button';
      made.textContent = text;
      on(made, 'click', act);
      return made;
    }

    // What lies over the page, so far above the lower edge.
    function floating(tag, above, styles) {
      return element(tag, `position:fixed;inset-block-end:${theme.offset_y + above}px;${side}:${theme.offset_x}px;z-index:2147483000;
        box-shadow:${SHADOW};box-sizing:border-box;font:15px/1.4 system-ui,sans-serif;direction:${getComputedStyle(document.documentElement).direction};${styles}`);
    }

    // Where a page moves or turns all that is on it, what is in the browser's top layer stays as it is.
    // Nowhere else: there its backdrop would be looked after by styles of the page, too.
    function lay(made) {
      document.body.appendChild(made);
      if (launcher.popover || launcher.offsetParent) {
        made.popover = 'manual';
        made.showPopover?.();
      }
    }

    function hush() {
      clearInterval(greet.timer);
      if (bubble) bubble.remove();
      bubble = null;
    }

    function scrolled() {
      const root = document.documentElement;
      const room = root.scrollHeight - innerHeight;
      return room > 0 ? (scrollY / room) * 100 : 100;
    }
  }

  // `*` is anything within a segment, `**` anything at all.
  function matches(glob, address) {
    const source = glob.replace(/[^\w*]/g, '\\$&').replace(/\*+/g, (stars) => (stars.length > 1 ? '.*' : '[^/]*'));
    return new RegExp(`^${source}$`).test(address);
  }

  function wording(all, wanted) {
    return wanted.map((lang) => all[lang] || all[lang.split(/[-_]/)[0]]).find(Boolean);
  }

  // Kept by the page's own storage where it may keep anything; else until the page goes.
  function storage(place) {
    const memory = {};
    const name = (key) => `hubchat:${config.key}:${key}`;
    const safely = (act) => {
      try {
        return act(place());
      } catch {
        return null;
      }
    };
    return {
      get: (key) => memory[key] || safely((there) => there.getItem(name(key))),
      set(key, value) {
        memory[key] = value;
        safely((there) => there.setItem(name(key), value));
      },
      drop(key) {
        delete memory[key];
        safely((there) => there.removeItem(name(key)));
      },
    };
  }

  // Of its own looks alone, but for the ring that browsers draw around what has the focus.
  function element(tag, styles, made = document.createElement(tag)) {
    set(made, `all:initial;outline:revert;${styles}`);
    return made;
  }

  function svg(tag) {
    return document.createElementNS('http://www.w3.org/2000/svg', tag);
  }

  // As an attribute would, which strict pages forbid; and above all that the page says itself.
  function set(target, styles) {
    styles.split(';').forEach((one) => target.style.setProperty(...one.trim().split(':'), 'important'));
  }

  function on(target, event, act) {
    target.addEventListener(event, guard(act));
  }

  function guard(act) {
    return (...rest) => {
      try {
        return act(...rest);
      } catch (error) {
        return console.warn('Chat failed.', error);
      }
    };
  }
})();
