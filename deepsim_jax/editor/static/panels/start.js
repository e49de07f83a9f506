// The page on which a photo is opened.

import { config, confirmed } from "../choices.js";
import { html } from "../html.js";
import { Icon } from "../icons.js";
import * as store from "../store.js";
import { pick, receive } from "../studio.js";
import { Button, walk } from "./widgets.js";
import { useState } from "../vendor/preact-hooks.js";
import { wordsOf } from "../toolbox.js";

const SHOWN = 12; // works, before all are asked for

export function Start() {
  const [isAllShown, setAllShown] = useState(false);
  const state = store.server.value;
  if (!state) return html`<main class="start"><p class="loading">Opening the editor …</p></main>`;
  const systems = state.systems.filter((one) => one.configs.length).sort((a, b) => Number(b.opens) - Number(a.opens));
  const chosen = config.value ?? state.config;
  const open = async () => {
    const file = await pick("image/png,image/jpeg,image/webp");
    if (file) receive(file);
  };
  return html`<main class="start">
    <div class="start-inner">
      <${Welcome} system=${systems.find((one) => one.configs.includes(chosen))} />
      <button type="button" class="drop" onClick=${open} disabled=${state.readonly || store.working.value.opening}>
        <${Icon} name="picture" />
        <strong>${store.working.value.opening ? "Opening …" : "Open a photo"}</strong>
        <span>Choose a file, drop it anywhere on this page, or paste it</span>
      </button>
      ${
        systems.length > 0 &&
        html`<section class="ways" aria-labelledby="ways">
        <h2 id="ways">What it is opened for</h2>
        <div class="cards" role="radiogroup" aria-label="What it is opened for" onKeyDown=${walk}>
          ${systems.map((system) => html`<${Way} key=${system.name} system=${system} chosen=${chosen} />`)}
        </div>
      </section>`
      }
      ${
        state.examples.length > 0 &&
        html`<section><h2>Examples</h2><div class="row">
        ${state.examples.map(
          ({
            name,
            title,
          }) => html`<${Button} key=${name} icon="picture" label=${`Open the example: ${title}`}
            onPress=${() => store.openFrom({ example: name, config: config.value })}>${title}<//>`,
        )}
      </div></section>`
      }
      ${
        state.workspaces.length > 0 &&
        html`<section><h2>Go on where you were</h2><ul class="works">
        ${[...state.workspaces]
          .sort((a, b) => b.changed.localeCompare(a.changed))
          .slice(0, isAllShown ? undefined : SHOWN)
          .map(
            ({ workspace, name, changed }) => html`<li key=${workspace}>
            <button type="button" class="work" onClick=${() => store.openWorkspace(workspace)}>
              <strong>${name}</strong><span>${ago(changed)}</span></button>
            <${Button} icon="trash" label=${`Remove ${name}`} isQuiet isDisabled=${state.readonly}
              onPress=${() => remove(workspace, name)} />
          </li>`,
          )}</ul>
        ${
          state.workspaces.length > SHOWN &&
          !isAllShown &&
          html`<${Button} label=${`Show all ${state.workspaces.length}`} onPress=${() => setAllShown(true)}>Show all ${state.workspaces.length}<//>`
        }</section>`
      }
      ${
        state.runs.length > 0 &&
        html`<section><h2>What was trained</h2><ul class="works">
        ${state.runs.map(
          ({ run, name, system }) => html`<li key=${run}>
            <button type="button" class="work" onClick=${() => store.openFrom({ run })}>
              <strong>${name}</strong><span>${state.systems.find((one) => one.name === system)?.title}</span></button></li>`,
        )}</ul></section>`
      }
      <footer>${state.workdir ? html`Work is kept in the folder <b>${state.workdir}</b>.` : null} Version ${state.version}.</footer>
    </div>
  </main>`;
}

async function remove(workspace, name) {
  const question = `“${name}” is removed for good, with its photo, all changes and what was trained on it.`;
  if (await confirmed(question, "Remove it")) await store.deleteWorkspace(workspace);
}

/** What happens to a photo that is opened: told by the system that was chosen, if that does not draw it. */
function Welcome({ system }) {
  if (system && !system.opens)
    return html`<header><h1>${system.purpose || system.title}</h1>
      <p>Open a photo. ${system.promise} Everything stays on this computer.</p></header>`;
  return html`<header><h1>Change a photo by changing a drawing of it</h1>
    <p>Open a photo. A drawing of it appears over it; change the drawing, and the photo follows while your hand
    moves. Everything stays on this computer.</p></header>`;
}

function Way({ system, chosen }) {
  const isChosen = system.configs.includes(chosen);
  return html`<div class=${`card${isChosen ? " chosen" : ""}`}>
    <button type="button" role="radio" aria-checked=${String(isChosen)} onClick=${() => {
      config.value = system.configs[0];
    }}>
      <strong>${system.purpose || system.title}</strong>
      <span>${system.promise}</span>
      <small>${system.title}: ${system.about}</small>
    </button>
    ${
      isChosen &&
      system.configs.length > 1 &&
      html`<label class="field"><span>Settings</span>
      <select value=${chosen} onChange=${(event) => {
        config.value = event.target.value;
      }}>${system.configs.map((name) => html`<option key=${name} value=${name}>${wordsOf(name.replace(`${system.name}_`, ""))}</option>`)}</select>
    </label>`
    }
  </div>`;
}

function ago(time) {
  const minutes = Math.max(0, Math.round((Date.now() - Date.parse(time)) / 60000));
  if (!Number.isFinite(minutes)) return "";
  if (minutes < 2) return "just now";
  if (minutes < 60) return `${minutes} minutes ago`;
  if (minutes < 2880) return `${Math.round(minutes / 60)} hours ago`;
  return `${Math.round(minutes / 1440)} days ago`;
}
