// Say things in the visitor's language: the hub's own words, and over them those of the channel.

import { fetched, pause } from './api.js';

const KNOWN = ['en', 'de', 'ar'];
const RTL = new Set(['ar', 'dv', 'fa', 'he', 'ku', 'ps', 'sd', 'ug', 'ur', 'yi']);
const DAY = 86400000;
// Milliseconds until words are asked for again, and as long again.
const AGAIN = 2000;

export async function strings(wanted, config) {
  const locale = [sound(wanted), config.locale, 'en'].find((one) => config.texts[one] || config.texts[base(one)] || KNOWN.includes(base(one)));
  const ours = KNOWN.includes(base(locale)) ? base(locale) : 'en';
  let words;
  // Without them there is no window.
  while (!words) words = await fetched(new URL(`./${ours}.json`, import.meta.url), { cache: 'default' }).catch(() => pause(AGAIN * (1 + Math.random())));
  const of = (all) => all[locale] || all[base(locale)] || all[config.locale] || {};
  const labels = of(config.labels);
  Object.entries(of(config.texts)).forEach(([name, text]) => { if (text) words[name] = text; });
  const plural = new Intl.PluralRules(locale);
  const format = (options) => (at) => new Intl.DateTimeFormat(locale, options).format(new Date(at));
  const soon = format({ weekday: 'long', hour: 'numeric', minute: '2-digit' });
  const later = format({ weekday: 'long', day: 'numeric', month: 'long', hour: 'numeric', minute: '2-digit' });
  const date = format({ weekday: 'long', day: 'numeric', month: 'long' });
  const near = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  const say = (name, values = {}) => fill(words[name] ?? name, values);
  return {
    locale,
    rtl: RTL.has(base(locale)),
    say,
    // What a question is called, and its answer.
    label: (name) => labels[name] ?? words[`field_${name}`] ?? name.replace(/_/g, ' '),
    answer: (name, text) => (text === 'yes' && config.ticks.includes(name) ? say(text) : text),
    count: (name, number) => fill(words[`${name}.${plural.select(number)}`] ?? words[`${name}.other`], { number: number.toLocaleString(locale) }),
    // Why something failed: in our words where we have any, else in the hub's.
    why: ({ code, detail }) => words[`problem_${code}`] ?? (detail || say('problem_lost')),
    time: format({ timeStyle: 'short' }),
    full: format({ dateStyle: 'full', timeStyle: 'short' }),
    day(at) {
      const ago = Math.round((midnight(at) - midnight(Date.now())) / DAY);
      return ago > -2 ? near.format(ago, 'day') : date(at);
    },
    moment: (at) => (Date.parse(at) - Date.now() < 6 * DAY ? soon : later)(at),
  };
}

// Pages call their language as they like: where browsers know no such code, its beginning counts.
function sound(locale) {
  try {
    return Intl.getCanonicalLocales(locale)[0];
  } catch {
    return base(locale);
  }
}

function base(locale) {
  return locale.split(/[-_]/)[0].toLowerCase();
}

function midnight(at) {
  return new Date(at).setHours(0, 0, 0, 0);
}

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}
