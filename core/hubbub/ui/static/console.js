// Keep the console live. Without this script every page works by loading; nothing here is needed
// to answer a contact.

import { offerCopies } from './copy.js';
import { fillIn } from './fill.js';
import { sendOnce } from './forms.js';
import { inbox } from './inbox.js';
import { shortcuts } from './keys.js';
import { keepLive } from './live.js';
import { workOnRules } from './routing.js';
import { setUp } from './setup.js';
import { suggest } from './suggest.js';
import { localise } from './times.js';
import { offerTries } from './try.js';

localise(document);
offerCopies(document);
offerTries(document);
sendOnce();
fillIn();
if (document.getElementById('swap')) workOnRules();
setUp();
if (document.querySelector('main [data-live]')) {
  const refresh = keepLive();
  if (document.getElementById('inbox')) {
    suggest();
    inbox(refresh);
    shortcuts();
  }
}
