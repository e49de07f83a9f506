// The panels beside the picture: layers, the drawing's kind, training.

import { fetchBlob, withQuery } from "../api.js";
import * as choices from "../choices.js";
import { html } from "../html.js";
import * as store from "../store.js";
import { isMeant, wordsOf } from "../toolbox.js";
import { computed, effect, signal } from "../vendor/signals.js";
import { Button, Option, Slider } from "./widgets.js";

export function LayersPanel() {
  const { workspace } = store;
  if (!workspace.value?.can?.draw || workspace.value.can.photo) return null; // it lies over no photo
  const rows = [
    ["photo", "Photo"],
    ["drawing", "Drawing"],
    ...(choices.hasParts.value
      ? [
          ["regions", "Regions"],
          ["lines", "Edges"],
        ]
      : []),
    ["keep", "Kept as it is"],
  ].filter(([name]) => name !== "keep" || workspace.value.canvas.layers.includes("keep"));
  return html`<details class="panel" open>
    <summary><h2>Layers</h2></summary>
    ${rows.map(([name, title]) => {
      const isShown = choices.layers.value[name];
      return html`<div class=${`layer-row${["regions", "lines"].includes(name) ? " part" : ""}`} key=${name}>
        <${Button} icon=${isShown ? "eye" : "closed"} label=${`Show: ${title}`} isPressed=${isShown} isQuiet onPress=${() => {
          choices.layers.value = { ...choices.layers.value, [name]: !isShown };
        }} />
        <span>${title}</span>
        ${name in choices.locks.value && html`<${Lock} name=${name} title=${title} />`}
      </div>`;
    })}
    <${Slider} label="Opacity" about="Of the drawing over the photo" value=${Math.round(choices.opacity.value * 100)} low=${0} high=${100} step=${1} unit=" %" onInput=${(
      value,
    ) => {
      choices.opacity.value = value / 100;
    }} />
  </details>`;
}

function Lock({ name, title }) {
  const isLocked = choices.locks.value[name];
  return html`<${Button} icon=${isLocked ? "lock" : "unlock"} label=${`Lock: ${title}`} isPressed=${isLocked} isQuiet onPress=${() => {
    choices.locks.value = { ...choices.locks.value, [name]: !isLocked };
  }} />`;
}

const wished = signal({}); // values of the drawing that were chosen and are not there yet

let isAsking = false;

export function DrawingPanel() {
  const opening = store.workspace.value?.opening;
  if (!opening?.options.length) return null;
  const values = { ...opening.values, ...wished.value };
  const set = (name, value) => {
    wished.value = { ...wished.value, [name]: value };
    if (isTrained()) askThenReopen();
    else reopen(false);
  };
  return html`<details class="panel" open=${store.history.value.documents.length < 2}>
    <summary><h2>How the photo is drawn</h2></summary>
    ${opening.options.filter((option) => isMeant(option, values)).map(
      (
        option,
      ) => html`<${Option} key=${option.name} option=${option} value=${values[option.name]} canvas=${null}
        onChange=${(value) => set(option.name, value)} />`,
    )}
  </details>`;
}

/** Whether a training belongs to the drawing that there is. */
function isTrained() {
  return store.workspace.value.trained || ["paused", "finished"].includes(store.training.value?.state);
}

function reopen(discard) {
  store.reopening.ask({
    values: { ...store.workspace.value.opening.values, ...wished.value },
    discard,
    confirm: mayBeginAnew,
    revert: () => {
      wished.value = {};
    },
  });
}

/** Asks whether what another drawing takes away may go. */
function mayBeginAnew(isTrained) {
  const isEdited = store.history.value.documents.length > 1;
  const lost = [
    ...(isTrained ? ["the training does not belong to the photo any more"] : []),
    ...(isEdited ? ["the changes made so far are dropped"] : []),
  ];
  return choices.confirmed(
    `Another drawing means beginning anew: ${lost.join(", and ")}.`,
    "Begin anew",
  );
}

/** Asks once, though a slider's value changes on and on. */
async function askThenReopen() {
  if (isAsking) return;
  isAsking = true;
  const isWanted = await mayBeginAnew(true);
  isAsking = false;
  if (isWanted) reopen(true);
  else wished.value = {};
}

const chosen = signal({}); // settings of a training
let wishedOf = null;
effect(() => {
  const id = store.workspace.value?.workspace;
  const there = store.workspace.value?.opening.values ?? {};
  if (id !== wishedOf) {
    wishedOf = id;
    wished.value = {};
    chosen.value = {};
  }
  const missing = Object.entries(wished.peek()).filter(
    ([name, value]) => name in there && there[name] !== value,
  );
  wished.value = Object.fromEntries(missing);
});

const picture = signal(null);
const newest = computed(() => store.training.value?.previews?.at(-1) ?? null);

effect(() => {
  const step = newest.value;
  const id = store.workspace.value?.workspace;
  if (picture.peek()) URL.revokeObjectURL(picture.peek());
  picture.value = null;
  if (step === null || !id) return;
  fetchBlob(withQuery(`workspaces/${id}/training/preview`, { step })).then(
    (blob) => {
      if (newest.value === step) picture.value = URL.createObjectURL(blob);
    },
    () => {}, // the next one comes soon
  );
});

// Workspaces whose training was followed here: how it ended stays in sight.
const followed = new Set();

export function TrainingPanel() {
  const training = store.training.value;
  const { workspace } = store;
  if (!training) return null;
  const state = training.state;
  const goesOn = ["running", "pausing"].includes(state);
  const start = state === "none" && !workspace.value.trained ? "Train on this photo" : "Train anew";
  if (goesOn) followed.add(workspace.value.workspace);
  const isOpen =
    goesOn || state === "paused" || followed.has(workspace.value.workspace) || !workspace.value.canvas;
  const share = training.steps ? training.step / training.steps : 0;
  return html`<details class="panel training" open=${isOpen}>
    <summary><h2>Training</h2>${goesOn && html`<span class="badge">${Math.round(share * 100)} %</span>`}</summary>
    ${
      !goesOn &&
      state !== "paused" &&
      html`<p class="help">${
        workspace.value.trained
          ? "This photo was trained; edits use what was learned."
          : workspace.value.canvas
            ? "Edits copy the photo’s own pixels. Training lets the program learn this one photo, so that it can draw what a copy cannot show. You can go on editing meanwhile."
            : "This photo has to be trained before it can be edited."
      }</p>`
    }
    ${
      ["none", "finished", "failed"].includes(state) &&
      html`
      <details class="more"><summary>Settings</summary>
      ${workspace.value.train_options.map(
        (option) =>
          html`<${Option} key=${option.name} option=${option} value=${chosen.value[option.name] ?? option.default} canvas=${null} onChange=${(
            value,
          ) => {
            chosen.value = { ...chosen.value, [option.name]: value };
          }} />`,
      )}</details>
      <${Button} icon="train" label=${start} isMain onPress=${() => store.train("start", chosen.value)}>${start}<//>`
    }
    ${
      (goesOn || state === "paused") &&
      html`
      <div class="progress" role="progressbar" aria-label="Training" aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.round(share * 100)}><span style=${{ width: `${100 * share}%` }}></span></div>
      <p class="hint" data-training=${state}>${training.title ? `${training.title}: ` : ""}step ${training.step} of ${training.steps}${training.seconds_left !== null && goesOn ? `, ${duration(training.seconds_left)} left` : ""}${state === "paused" ? " — paused" : ""}</p>`
    }
    <div class="row">
      ${goesOn && html`<${Button} icon="pause" label=${state === "pausing" ? "Pausing …" : "Pause the training"} isDisabled=${state === "pausing"} onPress=${() => store.train("pause")}>${state === "pausing" ? "Pausing …" : "Pause"}<//>`}
      ${state === "paused" && html`<${Button} icon="play" label="Go on with the training" isMain onPress=${() => store.train("resume")}>Go on<//>`}
    </div>
    ${state === "failed" && html`<p class="problem">${training.error}</p>`}
    ${state === "finished" && html`<p class="hint" data-training="finished">Finished after ${training.step} steps.</p>`}
    ${picture.value && html`<figure><img src=${picture.value} alt=${`What it can draw after ${newest.value} steps`} /><figcaption>after ${newest.value} steps</figcaption></figure>`}
    ${
      goesOn &&
      Object.keys(training.values ?? {}).length > 0 &&
      html`<dl class="numbers">${Object.entries(training.values)
        .slice(0, 4)
        .map(
          ([name, value]) =>
            html`<div key=${name}><dt>${wordsOf(name)}</dt><dd>${typeof value === "number" ? value.toPrecision(3) : value}</dd></div>`,
        )}</dl>`
    }
  </details>`;
}

function duration(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 360) / 10} h`;
}
