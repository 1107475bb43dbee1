// Put a chat launcher on somebody else's page, and open the hub's window in a frame when needed.
// A guest here: no markup, no style sheet, no cookie, no request of its own, nothing but HubChat.
(() => {
  'use strict';
  const config = "CONFIG";
  const script = document.currentScript;
  const calls = (window.HubChat && window.HubChat.q) || [];
  try {
    if (!window.HubChat || !window.HubChat.loaded) start();
  } catch (error) {
    console.warn('Chat did not start.', error);
  }

  function start() {
    const data = script ? script.dataset : {};
    const origin = new URL(config.base).origin;
    const store = storage(`hubchat:${config.key}`);
    const handlers = {};
    const phone = matchMedia('(max-width: 479px)');
    const nonce = Array.from(crypto.getRandomValues(new Uint8Array(16)), (n) => n.toString(16).padStart(2, '0')).join('');
    const lang = data.lang || document.documentElement.lang || navigator.language || config.locale;
    const texts = wording(config.texts, [lang, config.locale]);
    let booted = false;
    let opened = false;
    let ready = false;
    let unread = 0;
    let frame = null;
    let launcher = null;
    let badge = null;
    let bubble = null;
    let identity = null;
    let attributes = {};
    let scroll = null;
    let waiting = [];

    // --- what pages may ask for ---

    const commands = {
      boot,
      open: () => show(true),
      close: () => show(false),
      toggle: () => show(!opened),
      identify(proof) { identity = proof; tell('identify', proof); need(); },
      set(more) { attributes = Object.assign({}, attributes, more); tell('set', attributes); },
      logout() { identity = null; attributes = {}; store.drop('token'); store.drop('talks'); tell('logout'); },
      on(name, handler) { (handlers[name] = handlers[name] || []).push(handler); },
    };
    const api = function HubChat(name, ...rest) {
      try {
        if (commands[name]) commands[name](...rest);
      } catch (error) {
        console.warn('Chat failed.', error);
      }
    };
    api.loaded = true;
    window.HubChat = api;
    calls.forEach((call) => api(...call));
    if (!('defer' in data)) whenThere(boot);

    function boot() {
      if (booted) return;
      booted = true;
      drawLauncher();
      watchAddress();
      greet();
      addEventListener('message', guard(hear));
      document.addEventListener('keydown', guard((event) => { if (event.key === 'Escape' && opened) show(false); }));
      if (store.get('talks') || identity) makeFrame();
    }

    // --- the launcher ---

    function drawLauncher() {
      launcher = floating('button', 0, {
        width: '56px', height: '56px', 'border-radius': '50%', 'background-color': config.theme.color, color: config.theme.ink,
        display: 'flex', 'align-items': 'center', 'justify-content': 'center', cursor: 'pointer',
        outline: '2px solid transparent', 'outline-offset': '3px',
      });
      launcher.type = 'button';
      launcher.setAttribute('aria-haspopup', 'dialog');
      const icon = shape('svg', { viewBox: '0 0 24 24', width: '28', height: '28', fill: 'none', stroke: 'currentColor', 'stroke-width': '2', 'stroke-linejoin': 'round', 'aria-hidden': 'true' });
      icon.appendChild(shape('path', { d: 'M4 4h16v12H10l-5 4v-4H4z' }));
      badge = element('span', {
        position: 'absolute', 'inset-block-start': '-4px', 'inset-inline-end': '-4px', 'min-width': '20px', height: '20px',
        'border-radius': '10px', background: '#b91c1c', color: '#fff', display: 'none', 'padding-inline': '5px',
        'box-sizing': 'border-box', 'text-align': 'center', font: '600 12px/20px system-ui, sans-serif',
      });
      badge.setAttribute('aria-hidden', 'true');
      launcher.append(icon, badge);
      launcher.addEventListener('click', guard(() => show(!opened)));
      launcher.addEventListener('pointerenter', guard(makeFrame));
      launcher.addEventListener('focus', guard(() => {
        set(launcher, { 'outline-color': launcher.matches(':focus-visible') ? config.theme.color : 'transparent' });
      }));
      launcher.addEventListener('blur', guard(() => set(launcher, { 'outline-color': 'transparent' })));
      document.body.appendChild(launcher);
      name();
    }

    function name() {
      const label = texts.launcher || 'Chat';
      launcher.setAttribute('aria-label', unread ? `${label}, ${unread > 99 ? '99+' : unread}` : label);
      launcher.setAttribute('aria-expanded', String(opened));
      badge.textContent = unread > 99 ? '99+' : String(unread);
      set(badge, { display: unread ? 'block' : 'none' });
    }

    // --- the frame ---

    function makeFrame() {
      if (frame) return;
      frame = floating('iframe', 72, { display: 'none', 'color-scheme': 'normal' });
      frame.title = texts.title || config.name;
      frame.allow = 'clipboard-write';
      frame.src = `${config.base}/widget/${config.key}/frame#n=${nonce}`;
      document.body.appendChild(frame);
    }

    function need() {
      if (booted) makeFrame();
    }

    function show(wanted) {
      if (!booted) boot();
      if (wanted === opened) return;
      opened = wanted;
      if (wanted) {
        makeFrame();
        hush();
      }
      place();
      name();
      tell(wanted ? 'open' : 'close', { full: phone.matches });
      if (wanted) frame.focus();
      else launcher.focus();
      fire(wanted ? 'open' : 'close');
    }

    function place() {
      if (!frame) return;
      const full = phone.matches;
      set(frame, Object.assign({ display: opened ? 'block' : 'none' }, full
        ? { inset: '0', width: '100%', height: '100dvh', 'border-radius': '0', 'box-shadow': 'none' }
        : {
          inset: 'auto', 'inset-block-end': `${config.theme.offset_y + 72}px`, [side()]: `${config.theme.offset_x}px`,
          width: '400px', height: '640px', 'max-width': 'calc(100vw - 40px)',
          'max-height': `calc(100vh - ${config.theme.offset_y + 92}px)`, 'border-radius': '12px', 'box-shadow': '0 2px 12px rgba(0,0,0,.3)',
        }));
      set(launcher, { display: opened && full ? 'none' : 'flex' });
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
    phone.addEventListener('change', guard(place));

    // --- talking with the frame ---

    function tell(type, payload) {
      if (!frame) return;
      if (ready) frame.contentWindow.postMessage({ hub: 1, n: nonce, t: type, p: payload }, origin);
      else if (type !== 'identify' && type !== 'set') waiting.push([type, payload]);
    }

    function hear(event) {
      const data = event.data;
      if (!frame || event.origin !== origin || event.source !== frame.contentWindow) return;
      if (!data || data.hub !== 1 || data.n !== nonce) return;
      const payload = data.p;
      if (data.t === 'ready') {
        ready = true;
        tell('init', {
          token: store.get('token'), identity, attributes, page: where(), ref: document.referrer.split('?')[0],
          lang, rtl: rtl(), calm: matchMedia('(prefers-reduced-motion: reduce)').matches, full: phone.matches,
          tz: Intl.DateTimeFormat().resolvedOptions().timeZone, greeting: store.get('greeting'),
        });
        waiting.forEach((one) => tell(...one));
        waiting = [];
      } else if (data.t === 'token') {
        store.set('token', payload);
      } else if (data.t === 'talks') {
        store.set('talks', '1');
        store.drop('greeting');
      } else if (data.t === 'open') {
        show(true);
      } else if (data.t === 'close') {
        show(false);
      } else if (data.t === 'unread') {
        unread = payload;
        if (launcher) name();
        fire('unread', payload);
      } else if (data.t === 'event') {
        fire(payload.name, payload.detail);
      }
    }

    function fire(event, detail) {
      (handlers[event] || []).forEach((handler) => guard(handler)(detail));
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
      addEventListener('popstate', moved);
    }

    // --- greetings: local until they are answered ---

    function greet() {
      clearInterval(greet.timer);
      if (opened || store.get('talks') || Number(store.get('hushed') || 0) > Date.now()) return;
      if (!greet.counted) {
        greet.counted = true;
        store.set('visits', String(Number(store.get('visits') || 0) + 1));
      }
      const begun = { seconds: 0 };
      const look = () => {
        if (document.visibilityState === 'visible') begun.seconds += 1;
        const rule = config.greetings.find((one) => holds(one, begun.seconds));
        if (!rule) return;
        clearInterval(greet.timer);
        said(rule);
      };
      greet.timer = setInterval(guard(look), 1000);
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
        && Number(store.get('visits') || 1) >= when.visits_min
        && scrolled() >= when.scroll_pct
        && !seen(rule);
    }

    function seen(rule) {
      if (rule.once === 'visitor') return (store.get('greeted') || '').split(' ').includes(rule.id);
      return (greet.shown || []).includes(rule.once === 'page' ? `${rule.id} ${location.pathname}` : rule.id);
    }

    function said(rule) {
      greet.shown = [...(greet.shown || []), rule.id, `${rule.id} ${location.pathname}`];
      store.set('greeted', `${store.get('greeted') || ''} ${rule.id}`.trim());
      store.set('greeting', rule.id);
      fire('greeting', { id: rule.id });
      if (rule.show === 'panel' && !phone.matches) {
        show(true);
        return;
      }
      bubble = floating('div', 72, {
        display: 'flex', 'align-items': 'start', 'max-width': '280px', padding: '12px', 'border-radius': '12px', background: '#fff', color: '#111827',
      });
      bubble.setAttribute('role', 'status');
      bubble.append(
        button(rule.content, { 'text-align': 'start', 'white-space': 'pre-line' }, () => show(true)),
        button('\u00d7', { 'min-width': '28px', 'min-height': '28px', 'text-align': 'center' }, () => {
          store.set('hushed', String(Date.now() + 86400000));
          hush();
        }),
      );
      bubble.lastChild.setAttribute('aria-label', texts.dismiss || 'Close');
      document.body.appendChild(bubble);
    }

    function button(text, styles, act) {
      const made = element('button', Object.assign({ font: 'inherit', color: 'inherit', cursor: 'pointer' }, styles));
      made.type = 'button';
      made.textContent = text;
      made.addEventListener('click', guard(act));
      return made;
    }

    // What lies over the page, so far above the lower edge.
    function floating(tag, above, styles) {
      return element(tag, Object.assign({
        position: 'fixed', 'inset-block-end': `${config.theme.offset_y + above}px`, [side()]: `${config.theme.offset_x}px`,
        'z-index': '2147483000', 'box-shadow': '0 2px 12px rgba(0,0,0,.3)', 'box-sizing': 'border-box',
        font: '15px/1.4 system-ui, sans-serif', direction: rtl() ? 'rtl' : 'ltr',
      }, styles));
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

    // --- small ones ---

    function side() {
      return config.theme.position === 'start' ? 'inset-inline-start' : 'inset-inline-end';
    }
  }

  // `*` is anything within a segment, `**` anything at all.
  function matches(glob, address) {
    const source = glob.split(/(\*\*?)/).map((part) => {
      if (part === '**') return '.*';
      return part === '*' ? '[^/]*' : part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&');
    });
    return new RegExp(`^${source.join('')}$`).test(address);
  }

  function wording(all, wanted) {
    const found = wanted.map((lang) => all[lang] || all[lang.split('-')[0]]).find(Boolean);
    return found || {};
  }

  function storage(prefix) {
    const memory = {};
    const safely = (act) => {
      try {
        return act();
      } catch (error) {
        return null;
      }
    };
    return {
      get: (key) => memory[key] || safely(() => localStorage.getItem(`${prefix}:${key}`)),
      set(key, value) {
        if (!value) return;
        memory[key] = value;
        safely(() => localStorage.setItem(`${prefix}:${key}`, value));
      },
      drop(key) {
        delete memory[key];
        safely(() => localStorage.removeItem(`${prefix}:${key}`));
      },
    };
  }

  function element(tag, styles) {
    const made = document.createElement(tag);
    made.style.setProperty('all', 'initial', 'important');
    set(made, styles);
    return made;
  }

  function shape(tag, attributes) {
    const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
    Object.keys(attributes).forEach((name) => made.setAttribute(name, attributes[name]));
    return made;
  }

  function set(target, styles) {
    Object.keys(styles).forEach((name) => target.style.setProperty(name, styles[name], 'important'));
  }

  function rtl() {
    return getComputedStyle(document.documentElement).direction === 'rtl';
  }

  function whenThere(act) {
    if (document.body) guard(act)();
    else document.addEventListener('DOMContentLoaded', guard(act));
  }

  function guard(act) {
    return (...rest) => {
      try {
        return act(...rest);
      } catch (error) {
        console.warn('Chat failed.', error);
        return undefined;
      }
    };
  }
})();
