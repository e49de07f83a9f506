// Below the picture: the history with thumbnails, and the pictures that a document has several of.

import { fetchBlob, withQuery } from "../api.js";
import * as choices from "../choices.js";
import { html } from "../html.js";
import * as store from "../store.js";
import * as studio from "../studio.js";
import { titleOf, wordsOf } from "../toolbox.js";
import { computed, effect, signal, untracked } from "../vendor/signals.js";
import { useEffect, useRef, useState } from "../vendor/preact-hooks.js";
import { Button, walk } from "./widgets.js";

const NEIGHBOURS = 60; // steps that are shown before and after the current one
const KEPT = 400; // thumbnails
const MOST_SHOWN = 16; // of a document's pictures

const addresses = new Map(); // "workspace/document" -> promise of an address

effect(() => {
  const id = store.workspace.value?.workspace;
  const isTrained = store.workspace.value?.trained;
  for (const [key, address] of addresses) {
    if (key.startsWith(`${id}/${isTrained}/`)) continue;
    address.then(URL.revokeObjectURL, () => {});
    addresses.delete(key);
  }
});

export function HistoryStrip() {
  const { position, documents } = store.history.value;
  const list = useRef(null);
  useEffect(() => {
    list.current
      ?.querySelector("[aria-current=step]")
      ?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [position, documents.length]);
  if (documents.length === 0) return null;
  const goesBetween = Boolean(store.workspace.value?.can?.film);
  return html`<section class="strip" aria-label="History">
    <p class="sr" role="status">${`Step ${position}: ${labelOf(documents[position], position)}`}</p>
    <ol ref=${list}>
      ${documents.map((entry, index) => {
        if (index > 0 && Math.abs(index - position) > NEIGHBOURS) return null;
        return html`<li key=${entry.id} class=${index > position ? "undone" : ""}>
          <button type="button" class="step" aria-current=${index === position ? "step" : null}
            aria-label=${`Step ${index}: ${labelOf(entry, index)}`} title=${`Go to: ${labelOf(entry, index)}`} onClick=${() => studio.jump(index)}>
            <${Thumbnail} id=${entry.id} /><span>${labelOf(entry, index)}</span></button>
          ${goesBetween && html`<${Star} id=${entry.id} index=${index} />`}
        </li>`;
      })}
    </ol>
  </section>`;
}

/** Takes a step for a film that goes from one to another, or leaves it out again. */
function Star({ id, index }) {
  const isStarred = choices.starred.value.has(id);
  return html`<button type="button" class="star" aria-pressed=${String(isStarred)} aria-label=${`Keyframe: step ${index}`} title="Use in a film" onClick=${() => {
    const next = new Set(choices.starred.value);
    if (isStarred) next.delete(id);
    else next.add(id);
    choices.starred.value = next;
  }}>★</button>`;
}

/** What a step of the history is called: as the tool is that made it. */
export function labelOf(entry, index) {
  if (index === 0) return "Start";
  const tool = store.workspace.value.tools.find(({ name }) => name === entry.tool);
  return tool ? titleOf(tool) : wordsOf(entry.label);
}

/** The document whose own picture is shown, or null: now there is one that may be shown small. */
const made = computed(() => {
  const { quality, document } = store.shown.value;
  return ["draft", "full"].includes(quality) ? document : null;
});

function Thumbnail({ id }) {
  const [address, setAddress] = useState(null);
  const key = `${store.workspace.value.workspace}/${store.workspace.value.trained}/${id}`;
  useEffect(() => {
    let isWanted = true;
    if (!addresses.has(key)) {
      const address = withQuery(store.path("thumbnail"), { document: id });
      const { workspace } = store.workspace.value;
      const load = () => {
        if (store.workspace.value?.workspace !== workspace) throw new Error("another work is open");
        return fetchBlob(address);
      };
      const loading = inTurn(load).then((blob) => {
        if (!blob.size) throw new Error("its picture is not made yet");
        return URL.createObjectURL(blob);
      });
      loading.catch(() => addresses.delete(key));
      addresses.set(key, loading);
      if (addresses.size > KEPT) forgetOldest();
    }
    addresses.get(key).then(
      (found) => isWanted && setAddress(found),
      () => {},
    );
    return () => {
      isWanted = false;
    };
  }, [key, made.value === id]);
  return address ? html`<img src=${address} alt="" />` : html`<span class="blank"></span>`;
}

let free = 2;
const waiting = [];

/** Two at a time: a browser has six connections to a server, and pictures that are asked for need some. */
async function inTurn(load) {
  if (free) free -= 1;
  else await new Promise((resolve) => waiting.push(resolve));
  try {
    return await load();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  }
}

function forgetOldest() {
  const [key, address] = addresses.entries().next().value;
  addresses.delete(key);
  address.then(URL.revokeObjectURL, () => {});
}

const isPlaying = signal(false);

/** Whether the document's pictures are there to be chosen from, rather than a film's. */
function isGallery() {
  const { count, rate } = store.candidates.value;
  return count > 1 && rate === null;
}

const gallery = signal({ of: null, addresses: [] });

effect(() => {
  const { quality, document } = store.shown.value;
  const isThere = ["draft", "full"].includes(quality) && document === store.current.value;
  if (!store.workspace.value) forgetGallery();
  else if (isThere && store.unsent.value === 0) {
    const { count } = store.candidates.value;
    untracked(() => fillGallery(document, isGallery() ? Math.min(count, MOST_SHOWN) : 0));
  }
});

function forgetGallery() {
  for (const address of gallery.peek().addresses) URL.revokeObjectURL(address);
  gallery.value = { of: null, addresses: [] };
}

/** Fetches the small pictures of a document, one after the other; those before stay until then. */
async function fillGallery(document, count) {
  const of = `${store.workspace.value.workspace}/${document}/${count}`;
  if (gallery.value.of === of) return;
  const gone = gallery.value.addresses.slice(count);
  gallery.value = { of, addresses: gallery.value.addresses.slice(0, count) };
  gone.forEach(URL.revokeObjectURL);
  for (let number = 0; number < count; number++) {
    const blob = await store.guarded(() => store.draftOf(document, null, number));
    if (!blob || gallery.value.of !== of) return;
    const addresses = [...gallery.value.addresses];
    const [before] = addresses.splice(number, 1, URL.createObjectURL(blob));
    gallery.value = { of, addresses };
    if (before) URL.revokeObjectURL(before);
  }
}

/** The pictures that a document has several of, to choose one. */
export function Gallery() {
  const { count, shown } = store.candidates.value;
  const { addresses } = gallery.value;
  if (!isGallery() || !addresses.length) return null;
  return html`<section class="panel" aria-label="Pictures of this step">
    <h2>${Math.min(count, MOST_SHOWN)} pictures</h2>
    <div class="sheet" role="radiogroup" aria-label="Pictures of this step" onKeyDown=${walk}>
      ${addresses.map(
        (address, number) => html`<button type="button" role="radio" key=${number}
          aria-checked=${String(number === shown)} aria-label=${`Picture ${number + 1}`}
          onClick=${() => studio.takeCandidate(number)}><img src=${address} alt="" /></button>`,
      )}
    </div>
  </section>`;
}

export function Candidates() {
  const { count, shown, rate } = store.candidates.value;
  useEffect(() => {
    if (!isPlaying.value || count < 2) return undefined;
    const timer = setInterval(
      () => {
        if (!store.working.value.preview) store.showCandidate((store.candidates.value.shown + 1) % count);
      },
      1000 / Math.min(rate ?? 4, 12),
    );
    return () => clearInterval(timer);
  }, [isPlaying.value, count, rate]);
  useEffect(() => {
    const isFilm = rate !== null && count > 1;
    isPlaying.value = isFilm && !matchMedia("(prefers-reduced-motion: reduce)").matches;
  }, [rate, count, store.current.value]);
  if (count < 2 || isGallery()) return null;
  const go = (by) => store.showCandidate((shown + by + count) % count);
  return html`<div class="candidates" role="group" aria-label="Pictures">
    <${Button} icon="undo" label="The picture before" isQuiet onPress=${() => go(-1)} />
    <span aria-live="polite">${shown + 1} of ${count}</span>
    <${Button} icon="redo" label="The next picture" isQuiet onPress=${() => go(1)} />
    <${Button} icon=${isPlaying.value ? "pause" : "play"} label="Play the pictures" isPressed=${isPlaying.value} isQuiet onPress=${() => {
      isPlaying.value = !isPlaying.value;
    }} />
  </div>`;
}
