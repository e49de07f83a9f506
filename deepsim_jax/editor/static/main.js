// Begins: takes the token from the address, draws the page, asks the server what there is.

import { takeToken } from "./api.js";
import * as choices from "./choices.js";
import { keepFocus } from "./focus.js";
import { html } from "./html.js";
import * as keys from "./keys.js";
import { App } from "./panels/app.js";
import * as store from "./store.js";
import * as studio from "./studio.js";
import { render } from "./vendor/preact.js";

const told = takeToken();
choices.remember();
studio.begin();
keys.listen();
const root = document.getElementById("app");
root.replaceChildren();
render(html`<${App} />`, root);
keepFocus(root);
store.begin(told?.workspace);

// The address that a new server printed, put into this tab: only its fragment changes.
window.addEventListener("hashchange", () => {
  const anew = takeToken();
  if (anew) store.begin(anew.workspace);
});
