// Take what the visitor writes, and the files that they choose, paste or drop.

import { icon, make } from './nodes.js';

const CLIP = 'M21 11l-9 9a5 5 0 0 1-7-7l9-9a3.5 3.5 0 0 1 5 5l-9 9a2 2 0 0 1-3-3l8-8';
const SEND = 'M12 19V5M5 12l7-7 7 7';
// Characters of one message, pixels to which the field grows, files at once.
const LONGEST = 4000;
const TALLEST = 136;
const FILES = 5;

export class Composer {
  // `acts`: say(text), files(files), writing(), problem(code).
  constructor(words, acts, { attachments, accepted }) {
    this.words = words;
    this.acts = acts;
    this.attachments = attachments;
    // What choosers of files offer; the hub decides by what is in them.
    this.accepted = accepted;
    this.node = this.build();
    this.changed();
  }

  build() {
    const { words } = this;
    this.field = make('textarea', {
      id: 'composer', rows: 1, placeholder: words.say('placeholder'), 'aria-label': words.say('composer'), 'aria-describedby': 'excess', enterkeyhint: 'send',
      onkeydown: (event) => this.key(event),
      oninput: () => {
        this.changed();
        this.acts.writing();
      },
      onpaste: (event) => this.take(event, event.clipboardData.files),
    });
    this.excess = make('p', { class: 'excess', id: 'excess', role: 'status' });
    return make('form', { class: 'composer', onsubmit: (event) => this.submit(event) }, [
      this.excess,
      make('div', { class: 'entry' }, [
        ...(this.attachments ? this.clip() : []),
        this.field,
        make('button', { type: 'submit', class: 'icon send', 'aria-label': words.say('send') }, [icon(SEND)]),
      ]),
    ]);
  }

  clip() {
    const picker = make('input', { type: 'file', accept: this.accepted, multiple: '', hidden: '', tabindex: '-1' });
    picker.addEventListener('change', () => {
      this.files(picker.files);
      picker.value = '';
    });
    return [picker, make('button', { type: 'button', class: 'icon', 'aria-label': this.words.say('attach'), onclick: () => picker.click() }, [icon(CLIP)])];
  }

  get text() {
    return this.field.value;
  }

  set text(value) {
    this.field.value = value;
    this.changed();
  }

  key(event) {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) this.submit(event);
  }

  submit(event) {
    event.preventDefault();
    if (this.text.trim() && !this.over()) this.acts.say(this.text);
  }

  over() {
    return Math.max(0, [...this.text].length - LONGEST);
  }

  changed() {
    const over = this.over();
    // Empty, it goes the way of the window, and so does what it asks for.
    this.field.dir = this.text ? 'auto' : '';
    this.node.classList.toggle('empty', !this.text.trim() || over > 0);
    this.excess.textContent = over ? this.words.count('too_long', over) : '';
    this.field.style.height = 'auto';
    if (this.field.scrollHeight) this.field.style.height = `${Math.min(this.field.scrollHeight, TALLEST)}px`;
  }

  // Files out of a paste or a drop; what holds none goes its usual way.
  take(event, files) {
    if (!files.length || !this.attachments) return;
    event.preventDefault();
    this.files(files);
  }

  files(files) {
    if (files.length > FILES) this.acts.problem('too-many');
    else this.acts.files([...files]);
  }
}
