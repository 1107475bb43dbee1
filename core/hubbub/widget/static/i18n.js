// Say things in the visitor's language: the hub's own words, and over them those of the channel.

const KNOWN = ['en', 'de', 'ar'];
const RTL = new Set(['ar', 'dv', 'fa', 'he', 'ku', 'ps', 'sd', 'ug', 'ur', 'yi']);
const DAY = 86400000;

export async function strings(wanted, config) {
  const locale = [wanted, config.locale, 'en'].find((one) => config.texts[one] || config.texts[base(one)] || KNOWN.includes(base(one)));
  const ours = KNOWN.includes(base(locale)) ? base(locale) : 'en';
  const words = await (await fetch(new URL(`./${ours}.json`, import.meta.url))).json();
  const theirs = config.texts[locale] || config.texts[base(locale)] || config.texts[config.locale] || {};
  Object.entries(theirs).forEach(([name, text]) => { if (text) words[name] = text; });
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

function base(locale) {
  return String(locale).split('-')[0].toLowerCase();
}

function midnight(at) {
  return new Date(at).setHours(0, 0, 0, 0);
}

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}
