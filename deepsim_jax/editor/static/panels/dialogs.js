// Dialogs: the sheet of keys, films, and questions.

import { ask, fetchBlob, withQuery } from "../api.js";
import * as choices from "../choices.js";
import { html } from "../html.js";
import { allKeys } from "../keys.js";
import * as store from "../store.js";
import { baseName, save } from "../studio.js";
import { effect, signal, untracked } from "../vendor/signals.js";
import { useEffect, useRef, useState } from "../vendor/preact-hooks.js";
import { labelOf } from "./strip.js";
import { Button, Slider } from "./widgets.js";

function Dialog({ title, onClose, children, className = "" }) {
  const element = useRef(null);
  useEffect(() => {
    const before = document.activeElement;
    element.current.showModal();
    // The browser gives the focus back where a dialog is closed, not where it is taken out of the page.
    return () => queueMicrotask(() => before?.isConnected && before.focus());
  }, []);
  return html`<dialog ref=${element} class=${className} aria-label=${title} onClose=${onClose} onClick=${(
    event,
  ) => {
    if (event.target === element.current) element.current.close();
  }}>
    <div class="dialog-inner">
      <header><h2>${title}</h2><${Button} icon="close" label="Close" keys="Esc" isQuiet onPress=${() => element.current.close()} /></header>
      ${children}
    </div>
  </dialog>`;
}

export function Dialogs() {
  const close = () => {
    choices.dialog.value = null;
  };
  const question = choices.confirming.value;
  return html`
    ${choices.dialog.value === "help" && html`<${HelpSheet} onClose=${close} />`}
    ${choices.dialog.value === "film" && html`<${FilmDialog} onClose=${close} />`}
    ${question && html`<${Question} key=${question.text} question=${question} />`}`;
}

function HelpSheet({ onClose }) {
  const [wanted, setWanted] = useState("");
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  const found = allKeys().filter(({ group, keys, about }) => {
    const text = `${group} ${keys} ${about}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const groups = [...new Set(found.map(({ group }) => group))];
  return html`<${Dialog} title="Keys" onClose=${onClose} className="wide">
    <label class="field search"><span class="sr">Search the keys</span>
      <input type="text" role="searchbox" autofocus placeholder="Search: undo, brush, zoom …" value=${wanted} onInput=${(event) => setWanted(event.target.value)} /></label>
    <div class="keys">
      ${groups.map(
        (group) => html`<section key=${group}><h3>${group}</h3><dl>
          ${found
            .filter((one) => one.group === group)
            .map(
              ({ id, keys, about }) =>
                html`<div key=${id} data-key=${id}><dt><kbd>${keys}</kbd></dt><dd>${about}</dd></div>`,
            )}</dl></section>`,
      )}
      ${found.length === 0 && html`<p class="hint">No key does that.</p>`}
    </div>
  <//>`;
}

const job = signal(null); // that makes a film; it goes on while the dialog is closed
const film = signal(null); // {blob, address, type}

/** A film is one of the photo that is open. */
let filmOf = null;
effect(() => {
  const id = store.workspace.value?.workspace ?? null;
  if (id === filmOf) return;
  filmOf = id;
  untracked(() => {
    if (job.value) stopJob(job.value.id);
    job.value = null;
    forgetFilm();
  });
});

function forgetFilm() {
  if (film.value) URL.revokeObjectURL(film.value.address);
  film.value = null;
}

function stopJob(id) {
  store.guarded(() => ask("DELETE", `jobs/${id}`));
}

async function makeFilm(json) {
  forgetFilm();
  const of = filmOf;
  const begun = await store.guarded(() => ask("POST", store.path("film"), { json }));
  if (!begun) return;
  const id = begun.job;
  if (filmOf !== of) {
    stopJob(id);
    return;
  }
  const isWanted = () => job.value?.id === id;
  job.value = { id, state: "running", done: 0, total: 1, since: 0 };
  await store.guarded(async () => {
    while (job.value.state === "running") {
      const news = await ask("GET", withQuery(`jobs/${id}`, { since: job.value.since }));
      if (!isWanted()) return;
      job.value = { id, ...news };
    }
    const { state, error, type } = job.value;
    if (state === "failed") store.say(error ?? "The film could not be made.", "problem");
    if (state !== "finished") return;
    const blob = await fetchBlob(`jobs/${id}/result`);
    if (!isWanted()) return;
    film.value = { blob, address: URL.createObjectURL(blob), type };
    if (choices.dialog.value !== "film") store.say("The film is ready; it is shown under “Make a film”.");
  });
  if (isWanted()) job.value = null;
}

function FilmDialog({ onClose }) {
  const [frames, setFrames] = useState(12);
  const [rate, setRate] = useState(12);
  const [format, setFormat] = useState("gif");
  const { count, rate: ownRate } = store.candidates.value;
  const [back, setBack] = useState(ownRate === null);
  const { documents } = store.history.value;
  const goesBetween = Boolean(store.workspace.value?.can?.film);
  const several = count > 1;
  const keyframes = documents.filter(({ id }) => choices.starred.value.has(id)).map(({ id }) => id);
  const isOwn = several && keyframes.length < 2; // the pictures of one step
  const pace = ownRate === null ? "" : `, ${ownRate} a second`;
  const help = several
    ? `The ${count} pictures of this step become a film${pace}${goesBetween ? "; or choose two or more steps to go between" : ""}.`
    : "Choose two or more steps: the film goes from one to the next.";
  const toggle = (id) => {
    const next = new Set(choices.starred.value);
    if (next.has(id)) next.delete(id);
    else next.add(id);
    choices.starred.value = next;
  };
  const make = () => {
    const chosen = isOwn ? [store.current.value] : keyframes;
    makeFilm({ documents: chosen, frames, rate, format, back });
  };
  const share = job.value ? (100 * job.value.done) / (job.value.total || 1) : 0;
  const isReady = keyframes.length > 1 || several;
  return html`<${Dialog} title="Make a film" onClose=${onClose}>
    <p class="help">${help}</p>
    ${
      goesBetween &&
      html`<div class="checks" role="group" aria-label="Steps of the film">${documents.map(
        (entry, index) =>
          html`<label key=${entry.id}><input type="checkbox" checked=${choices.starred.value.has(entry.id)} onChange=${() => toggle(entry.id)} />${index}: ${labelOf(entry, index)}</label>`,
      )}</div>`
    }
    ${!isOwn && html`<${Slider} label="Frames between two" about="Pictures from one step to the next" value=${frames} low=${2} high=${60} step=${1} onInput=${setFrames} />`}
    ${!(isOwn && pace) && html`<${Slider} label="Frames a second" about="Speed" value=${rate} low=${2} high=${30} step=${1} onInput=${setRate} />`}
    <div class="field"><label for="film-format">File</label>
      <select id="film-format" value=${format} onChange=${(event) => setFormat(event.target.value)}>
        <option value="mp4">MP4 video</option><option value="webm">WebM video</option><option value="gif">Animated GIF</option></select></div>
    <label class="field check"><input type="checkbox" checked=${back} onChange=${(event) => setBack(event.target.checked)} /><span>And back again</span></label>
    ${job.value && html`<div class="progress" role="progressbar" aria-label="Film" aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.round(share)}><span style=${{ width: `${share}%` }}></span></div>`}
    ${film.value && (film.value.type.startsWith("video") ? html`<video class="film" src=${film.value.address} controls loop autoplay=${!isStill()} muted aria-label="The film"></video>` : html`<img class="film" src=${film.value.address} alt="The film" />`)}
    <div class="row apply">
      ${
        job.value
          ? html`<${Button} icon="close" label="Stop making the film" onPress=${() => stopJob(job.value.id)}>Stop<//>`
          : html`<${Button} icon="film" label="Make the film" isMain isDisabled=${!isReady} onPress=${make}>Make the film<//>`
      }
      ${film.value && html`<${Button} icon="download" label="Save the film" onPress=${() => save(film.value.blob, `${baseName()}.${film.value.type.split("/")[1]}`)}>Save<//>`}
    </div>
  <//>`;
}

/** Whether the person asked for less motion. */
function isStill() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

function Question({ question }) {
  const answer = (yes) => {
    if (choices.confirming.value === question) choices.confirming.value = null;
    question.resolve(yes);
  };
  return html`<${Dialog} title="One question" onClose=${() => answer(false)} className="small">
    <p>${question.text}</p>
    <div class="row apply">
      <${Button} label=${question.yes} isMain onPress=${() => answer(true)}>${question.yes}<//>
      <${Button} label="Leave it" onPress=${() => answer(false)}>Leave it<//>
    </div>
  <//>`;
}
