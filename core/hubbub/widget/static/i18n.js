// Say things in the visitor's language: the hub's own words, and over them those of the channel.

const KNOWN = ['en', 'de'];
const RTL = new Set(['ar', 'dv', 'fa', 'he', 'ku', 'ps', 'sd', 'ug', 'ur', 'yi']);

export async function strings(wanted, config) {
  const locale = [wanted, config.locale, 'en'].find((one) => config.texts[one] || KNOWN.includes(base(one))) || 'en';
  const ours = KNOWN.includes(base(locale)) ? base(locale) : 'en';
  const words = await (await fetch(new URL(`./${ours}.json`, import.meta.url))).json();
  const theirs = config.texts[locale] || config.texts[base(locale)] || config.texts[config.locale] || {};
  Object.entries(theirs).forEach(([name, text]) => { if (text) words[name] = text; });
  const plural = new Intl.PluralRules(locale);
  return {
    locale,
    rtl: RTL.has(base(locale)),
    say: (name, values = {}) => fill(words[name] ?? name, values),
    count: (name, number) => fill(words[`${name}.${plural.select(number)}`] || words[`${name}.other`], { number }),
    time: (at) => new Intl.DateTimeFormat(locale, { timeStyle: 'short' }).format(new Date(at)),
    day: (at) => new Intl.DateTimeFormat(locale, { dateStyle: 'full' }).format(new Date(at)),
    moment: (at) => new Intl.DateTimeFormat(locale, { weekday: 'long', hour: 'numeric', minute: '2-digit' }).format(new Date(at)),
  };
}

function base(locale) {
  return String(locale).split('-')[0].toLowerCase();
}

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}
