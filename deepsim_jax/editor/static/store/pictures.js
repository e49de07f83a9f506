// The pictures of the document that is open: drafts, the full size, its drawing and its photo.

import { ask, blobOf, fetchBitmap, request, withQuery } from "../api.js";
import { Flight } from "../engine/flight.js";
import { computed, effect, untracked } from "../vendor/signals.js";
import { fail, guarded, isStale } from "./connection.js";
import { candidates, current, doubts, history, parts, path, shown, unsent, working, workspace } from "./state.js";

const REST = 350; // milliseconds without a change after which the full picture is asked for
const KEPT_DRAWINGS = 24;
const SLOW = 600; // milliseconds that a picture takes before it is told how far it is
const RESTING_PIXELS = 6e6; // larger results are asked for by a button

const TAB = Math.random().toString(36).slice(2);
const drawings = new Map(); // document id -> ImageBitmap, which never changes
let stage = null;
let gestureGoesOn = () => false;
let restTimer = 0;

/** Tells where to show pictures, and whether a hand is moving. */
export function connectPictures(shownOn, isBusy) {
  stage = shownOn;
  gestureGoesOn = isBusy;
}

/** Shows what one action, or several, would make, without keeping it. */
export function foresee(...actions) {
  clearTimeout(restTimer);
  result.cancel();
  if (unsent.value === 0 && current.value !== null) {
    preview.ask({ document: current.value, actions, candidate: null });
  }
}

/** Shows what there is, after a gesture that was given up. */
export function forgetForesight() {
  preview.cancel();
  refresh();
}

/** Shows another one of the document's pictures. */
export function showCandidate(number) {
  candidates.value = { ...candidates.value, shown: number, isPicked: true };
  showPicture();
}

/** Asks for the picture in full size now. */
export function showFull() {
  clearTimeout(restTimer);
  result.ask({ document: current.value, candidate: pickedCandidate() });
}

let saving = new AbortController();

/** The picture in full size, as a PNG file's bytes. */
export async function fullResult() {
  saving = new AbortController();
  const { signal: abort } = saving;
  const query = { document: current.value, candidate: pickedCandidate() };
  working.value = { ...working.value, saving: true };
  try {
    return await blobOf(await request("GET", withQuery(path("result"), query), { signal: abort }));
  } finally {
    working.value = { ...working.value, saving: false };
  }
}

/** Gives up the picture that is being made: what is shown stays, and so do the steps. */
export function stopMaking() {
  clearTimeout(restTimer);
  preview.cancel();
  result.cancel();
  saving.abort();
  parts.value = null;
  working.value = { ...working.value, preview: false, result: false };
}

/** The number of the picture that the person looks at; null: the one that the document has chosen. */
export function pickedCandidate() {
  return candidates.value.isPicked ? candidates.value.shown : null;
}

/** The draft of an action's picture, or of the document's own, for comparing several: a Blob. */
export async function draftOf(document, action, candidate = null) {
  const json = {
    document,
    action,
    sequence: 1,
    tab: Math.random().toString(36).slice(2),
    show: "picture",
    candidate,
  };
  return blobOf(await request("POST", path("preview"), { json }));
}

/** Puts a picture on the server, for an action; returns its id. */
export async function upload(blob) {
  return (await ask("POST", path("pictures"), { body: blob })).picture;
}

/** A mask that the server sends as a picture: Uint8Array, 1 where it is white. */
export async function fetchMask(address) {
  const bitmap = await fetchBitmap(address);
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
  const mask = new Uint8Array(data.length / 4);
  for (let index = 0; index < mask.length; index++) mask[index] = data[4 * index] > 127 ? 1 : 0;
  return mask;
}

/** Shows the drawing and the picture of the current document. */
export async function refresh() {
  if (!workspace.value?.canvas || current.value === null) return;
  showPicture();
  await Promise.all([showDrawing(), showPhoto()]);
}

/** Pictures that were asked for are not waited for any more. */
export function giveUpPictures() {
  preview.cancel();
  result.cancel();
}

/** Forgets the pictures of the workspace that was open. */
export function forgetPictures() {
  preview.cancel();
  result.cancel();
  working.value = { ...working.value, preview: false, result: false };
  parts.value = null;
  clearTimeout(restTimer);
  drawings.clear();
}

/** Forgets the drawings, which are others now. */
export function forgetDrawings() {
  drawings.clear();
}

const preview = new Flight(
  async ({ document, actions, candidate }, { signal: abort, sequence }) => {
    working.value = { ...working.value, preview: true };
    const json = { document, actions, sequence, tab: TAB, show: "picture", candidate };
    const response = await request("POST", path("preview"), { json, signal: abort });
    return { response, bitmap: await createImageBitmap(await blobOf(response)) };
  },
  ({ response, bitmap }, { document, actions }) => {
    working.value = { ...working.value, preview: false };
    stage.showResult(bitmap);
    shown.value = {
      quality: actions.length ? "foreseen" : "draft",
      document,
      milliseconds: Number(response.headers.get("Milliseconds")) || null,
    };
    if (!actions.length) {
      readHeaders(response);
      const [width, height] = workspace.value.canvas.output_size;
      const isFilm = candidates.value.rate !== null;
      if (width * height <= RESTING_PIXELS && !isFilm) restTimer = setTimeout(showFull, REST);
    }
  },
  (error) => {
    working.value = { ...working.value, preview: false };
    if (!isStale(error)) fail(error);
  },
);

const result = new Flight(
  async ({ document, candidate }, { signal: abort }) => {
    working.value = { ...working.value, result: true };
    const query = { document, candidate };
    const response = await request("GET", withQuery(path("result"), query), { signal: abort });
    return { response, bitmap: await createImageBitmap(await blobOf(response)) };
  },
  ({ response, bitmap }, { document }) => {
    working.value = { ...working.value, result: false };
    if (document !== current.value) return; // a hand that foresees something has cancelled this
    stage.showResult(bitmap);
    shown.value = {
      quality: "full",
      size: [bitmap.width, bitmap.height],
      document,
      milliseconds: Number(response.headers.get("Milliseconds")) || null,
    };
    doubts.value = doubtsOf(response);
  },
  (error) => {
    working.value = { ...working.value, result: false };
    if (!isStale(error)) fail(error);
  },
);

const isMaking = computed(() => {
  const { preview, result, saving } = working.value;
  return preview || result || saving;
});
let isFollowingParts = false;

effect(() => {
  if (isMaking.value) untracked(followParts);
});

async function followParts() {
  if (isFollowingParts) return;
  isFollowingParts = true;
  const rest = () => new Promise((resolve) => setTimeout(resolve, SLOW));
  await rest();
  while (isMaking.value && workspace.value) {
    const news = await ask("GET", path("progress")).catch(() => null); // the picture's own request tells
    parts.value = news?.total && isMaking.value ? news : null;
    await rest();
  }
  parts.value = null;
  isFollowingParts = false;
}

function showPicture() {
  clearTimeout(restTimer);
  result.cancel();
  working.value = { ...working.value, result: false };
  preview.ask({ document: current.value, actions: [], candidate: pickedCandidate() });
}

async function showDrawing() {
  const document = current.value;
  if (!workspace.value.can?.draw) return;
  await guarded(async () => {
    const id = workspace.value.workspace;
    const [drawing, original, keep] = await Promise.all([
      drawingOf(document),
      drawingOf(history.value.documents[0].id),
      keptOf(document),
    ]);
    const isNewest = workspace.value?.workspace === id && document === current.value;
    if (!isNewest || unsent.value > 0 || gestureGoesOn()) return;
    stage.showDrawing(drawing, original, keep);
  });
}

let photoShown = null;

/** The photo of the workspace is shown as its current document has it. */
export function photoIsShown() {
  photoShown = photoKey();
}

/** Another photo, where the current document has another one than that which is shown. */
async function showPhoto() {
  const key = photoKey();
  if (key === photoShown) return;
  await guarded(async () => {
    const bitmap = await fetchPhoto(workspace.value, current.value);
    if (workspace.value && key === photoKey()) {
      photoShown = key;
      stage.showPhoto(bitmap);
    }
  });
}

/** The photo that a workspace has, where each document has one of its own: that of a document. */
export function fetchPhoto({ workspace: id, can, history: { position, documents } }, current) {
  const document = can?.photo ? (current ?? documents[position].id) : null;
  return fetchBitmap(withQuery(`workspaces/${id}/photo`, { fit: 2400, document }));
}

/** Stays the same as long as the photo does: it is another one after a picture was opened. */
function photoKey() {
  const { can, tools, workspace: id } = workspace.value;
  if (!can?.photo) return id;
  const opening = new Set(tools.filter((tool) => tool.gesture === "picture").map(({ name }) => name));
  const before = history.value.documents.slice(0, history.value.position + 1);
  return `${id}/${before.findLast((entry) => opening.has(entry.tool))?.id}`;
}

async function drawingOf(document) {
  const key = `${workspace.value.workspace}/${document}`;
  if (!drawings.has(key)) {
    const bitmap = await fetchBitmap(withQuery(path("drawing"), { document }));
    if (drawings.size >= KEPT_DRAWINGS) drawings.delete(drawings.keys().next().value);
    drawings.set(key, bitmap);
  }
  return drawings.get(key);
}

async function keptOf(document) {
  const { canvas, tools } = workspace.value;
  const keeping = new Set(tools.filter((tool) => tool.ink === "keep").map((tool) => tool.name));
  const before = history.value.documents.slice(0, history.value.position + 1);
  if (!canvas.layers.includes("keep") || !before.some((entry) => keeping.has(entry.tool))) return null;
  return layerOf(document, "keep");
}

/** One of a document's layers. */
export function layerOf(document, name) {
  return fetchBitmap(withQuery(path(`layers/${name}`), { document }));
}

function readHeaders(response) {
  const count = Number(response.headers.get("Candidates")) || 1;
  const rate = Number(response.headers.get("Rate")) || null;
  const { shown: looked, isPicked } = candidates.value;
  const chosen = Number(response.headers.get("Chosen")) || 0;
  candidates.value = { count, shown: isPicked ? Math.min(looked, count - 1) : chosen, rate, isPicked };
  doubts.value = doubtsOf(response);
}

function doubtsOf(response) {
  try {
    return JSON.parse(decodeURIComponent(response.headers.get("Doubts") ?? "[]"));
  } catch {
    return [];
  }
}
