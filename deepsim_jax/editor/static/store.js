// What the page knows, and what it does with the server. The server is the authority: documents never
// change there, and the page shows what they hold. The page paints ahead while the hand moves.

import { Refusal, Unreachable, ask, blobOf, fetchBitmap, request, withQuery } from "./api.js";
import { Flight } from "./engine/flight.js";
import { batch, computed, effect, signal, untracked } from "./vendor/signals.js";

const WORKSPACE_KEY = "editor-workspace";
const REST = 350; // milliseconds without a change after which the full picture is asked for
const KEPT_DRAWINGS = 24;
const LOOK = 200; // milliseconds between two looks at a training
const SLOW = 600; // milliseconds that a picture takes before it is told how far it is
const RESTING_PIXELS = 6e6; // larger results are asked for by a button
const RETRY = 3000; // milliseconds until it is asked whether there is space again
const NONE_CHOSEN = { count: 1, shown: 0, rate: null, isPicked: false };

export const server = signal(null);
export const workspace = signal(null);
export const history = signal({ position: 0, documents: [] });
export const training = signal({ state: "none" });
export const connection = signal("ok"); // "ok", "lost" or "locked"
export const notices = signal([]);
export const doubts = signal([]);
export const candidates = signal(NONE_CHOSEN);
export const working = signal({ preview: false, result: false, saving: false, opening: false });
export const parts = signal(null); // of the picture that is being made: {done, total}; null: it has none
export const shown = signal({ quality: "none", document: null, milliseconds: null });
export const unsent = signal(0);

/** The id of the document that is shown, or null. */
export const current = computed(() => history.value.documents[history.value.position]?.id ?? null);
export const canUndo = computed(() => history.value.position > 0);
export const canRedo = computed(() => history.value.position < history.value.documents.length - 1);

const TAB = Math.random().toString(36).slice(2);
const drawings = new Map(); // document id -> ImageBitmap, which never changes
let stage = null;
let line = Promise.resolve(); // actions go one after the other
let restTimer = 0;
let gestureGoesOn = () => false;
let finishGesture = () => {};
let mayLeave = async () => true;
let entered = 0; // how many workspaces were opened

/**
 * Tells the store where to show pictures, and what it has to know of hands.
 *
 * @param hands {isBusy: whether one is moving, finish: applies what is half done, mayLeave: a promise of whether
 *   the open workspace may be left}
 */
export function connect(shownOn, hands) {
  stage = shownOn;
  gestureGoesOn = hands.isBusy;
  finishGesture = hands.finish;
  mayLeave = hands.mayLeave;
}

/** Says something to the person. kinds: "note", "problem". */
export function say(text, kind = "note") {
  const id = Math.random();
  const others = notices.value.filter((notice) => notice.text !== text);
  notices.value = [...others.slice(-2), { id, text, kind }];
  if (kind === "note") setTimeout(() => unsay(id), 6000);
}

/** Takes a notice away. */
export function unsay(id) {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

/** Reads what there is to open; goes on with what this tab had open, or what the address names. */
export async function begin(named) {
  await guarded(async () => {
    server.value = await ask("GET", "state");
    connection.value = "ok";
    const open = named ?? sessionStorage.getItem(WORKSPACE_KEY);
    const known = server.value.workspaces.some((entry) => entry.workspace === open);
    if (open && known && !workspace.value) await openWorkspace(open);
  });
}

/** Reads the list of what can be opened anew. */
export async function refreshState() {
  await guarded(async () => {
    server.value = await ask("GET", "state");
  });
}

/** Opens a photo: bytes of a file. */
export async function openPhoto(file, config) {
  const limit = server.value?.limits?.body;
  if (limit && file.size > limit) {
    say(`“${file.name}” is larger than this editor takes (${Math.round(limit / 1e6)} MB).`, "problem");
    return;
  }
  const path = withQuery("workspaces", { config, name: file.name || "pasted" });
  await opening(() => ask("POST", path, { body: file }));
}

/** Opens a run, an example, or a result: what the protocol takes as JSON. */
export async function openFrom(what) {
  await opening(() => ask("POST", "workspaces", { json: what }));
}

/** Opens a workspace that there is already. */
export async function openWorkspace(id) {
  await opening(() => ask("GET", `workspaces/${id}`));
}

/** Goes back to the page on which a photo is opened; the work is kept. */
export async function closeWorkspace() {
  if (!(await leave())) return;
  sessionStorage.removeItem(WORKSPACE_KEY);
  forgetPictures();
  workspace.value = null;
  refreshState();
}

/** Removes a workspace for good. */
export async function deleteWorkspace(id) {
  await guarded(() => ask("DELETE", `workspaces/${id}`));
  await refreshState();
}

/** Opens the photo's drawing anew, with other options; asks before edits are dropped. */
export const reopening = new Flight(
  async ({ values, discard }) => {
    await finishWork();
    return ask("PUT", path("opening"), { json: { values, discard } });
  },
  (answer) => enter(answer, { keepView: true }),
  (error, wish) => {
    if (error instanceof Refusal && error.content.edited) {
      wish.confirm(error.content.trained).then((yes) => (yes ? reopening.ask({ ...wish, discard: true }) : wish.revert()));
    } else {
      fail(error);
      wish.revert();
    }
  },
);

/**
 * Does something: the action is sent, and the drawing is shown as the server has it.
 *
 * @param actions one, or several that are one step
 */
export function act(...actions) {
  return actWith(async () => actions);
}

/** Does what something has to be sent for first: as `act`, with a promise of the actions. */
export function actWith(make) {
  preview.cancel();
  result.cancel();
  return step(
    async () => {
      const actions = await make();
      return ask("POST", path("actions"), { json: { base: current.value, actions } });
    },
    (answer) => {
      moveTo(answer);
      const told = workspace.value.unsaved; // stands beside them
      doubts.value = (answer.doubts ?? []).filter((line) => line !== told);
    },
  );
}

/** Goes some steps back (below 0) or forth. */
export function travel(by) {
  return step(async () => {
    const position = Math.min(
      Math.max(history.value.position + by, 0),
      history.value.documents.length - 1,
    );
    return position === history.value.position ? null : goTo(position);
  }, arriveAt);
}

/** Goes to a position of the history. */
export function jump(position) {
  return step(() => goTo(position), arriveAt);
}

/** Appends a recipe's steps. */
export function addRecipe(recipe) {
  return step(
    () => ask("POST", withQuery(path("recipe"), { base: current.value }), { json: recipe }),
    moveTo,
  );
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

/** The path of something of the workspace that is open. */
export function path(what) {
  return `workspaces/${workspace.value.workspace}/${what}`;
}

/** Does something with training: "start" (with values), "pause" or "resume". */
export async function train(what, values) {
  await guarded(async () => {
    training.value = await ask("POST", path("training"), { json: { do: what, values } });
    followTraining();
  });
}

/** Waits until all that was done is on the server. */
export function settled() {
  return line;
}

/** Applies what is half done, and waits until it is on the server. */
export async function finishWork() {
  finishGesture();
  while (unsent.value > 0) await line;
}

/** Runs something that talks to the server; says what went wrong, and returns undefined then. */
export async function guarded(work) {
  try {
    return await work();
  } catch (error) {
    if (!isReplaced(error)) fail(error);
    return undefined;
  }
}

/** Shows the drawing and the picture of the current document. */
export async function refresh() {
  if (!workspace.value?.canvas || current.value === null) return;
  showPicture();
  await Promise.all([showDrawing(), showPhoto()]);
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
function fetchPhoto({ workspace: id, can, history: { position, documents } }, current) {
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

async function goTo(position) {
  preview.cancel();
  result.cancel();
  return ask("POST", path("position"), { json: { position } });
}

function arriveAt(answer) {
  moveTo(answer);
  doubts.value = [];
}

/** Another document is the current one. */
function moveTo(answer) {
  takeHistory(answer);
  const isFilm = candidates.value.rate !== null;
  candidates.value = isFilm ? NONE_CHOSEN : { ...candidates.value, isPicked: false };
  const { canvas } = workspace.value;
  if (canvas && answer.output_size.join() !== canvas.output_size.join()) {
    const next = { ...canvas, output_size: answer.output_size };
    workspace.value = { ...workspace.value, canvas: next };
  }
}

/** The history of an answer, and whether it is on the disk. */
function takeHistory({ history: newest, unsaved }) {
  history.value = newest;
  if (unsaved !== undefined && unsaved !== workspace.value.unsaved)
    workspace.value = { ...workspace.value, unsaved };
}

/** As long as the newest changes are not on the disk, the server is asked whether they are. */
const isBehind = computed(() => Boolean(workspace.value?.unsaved) && !server.value?.readonly);
let retryTimer = 0;

effect(() => {
  clearInterval(retryTimer);
  if (isBehind.value) retryTimer = setInterval(() => untracked(askAgain), RETRY);
});

async function askAgain() {
  if (connection.value !== "ok" || unsent.value > 0) return;
  const id = workspace.value.workspace;
  const { unsaved } = await ask("GET", `workspaces/${id}`).catch(() => workspace.value);
  if (workspace.value?.workspace === id) workspace.value = { ...workspace.value, unsaved };
}

/**
 * Does one step of the line; a server that is away is waited for, and nothing is lost.
 *
 * @param send -> promise of the answer, or of null where there was nothing to do
 * @param land is called with the answer
 * @returns a promise of whether it was done
 */
function step(send, land) {
  const id = workspace.value?.workspace;
  const isOpen = () => id !== undefined && workspace.value?.workspace === id;
  unsent.value++;
  const done = line.then(async () => {
    let isDone = false;
    let isAgain = false;
    while (isOpen()) {
      try {
        const answer = await send();
        isDone = true;
        if (answer && isOpen()) batch(() => land(answer));
        break;
      } catch (error) {
        const isAway = error instanceof Unreachable || error.status === 401;
        if (error instanceof Refusal && error.content.history && isOpen()) takeHistory(error.content);
        // The answer of the try before was lost: the step itself may be what is newer.
        if (isAgain && error.content?.stale)
          say("The connection was broken meanwhile. Here is what has been kept.");
        else fail(error);
        if (!isAway) break;
        isAgain = true;
        await backAgain();
      }
    }
    unsent.value--;
    if (unsent.value === 0) refresh();
    return isDone;
  });
  line = done;
  return done;
}

/** Ends the work on the workspace that is open: what is half done is sent. Whether it may be left. */
async function leave() {
  if (!workspace.value) return true;
  if (!(await mayLeave())) return false;
  await finishWork();
  return true;
}

async function opening(load) {
  if (!(await leave())) return;
  working.value = { ...working.value, opening: true };
  await guarded(async () => enter(await load()));
  working.value = { ...working.value, opening: false };
}

async function enter(answer, { keepView = false } = {}) {
  const entering = ++entered;
  const isSame = workspace.value?.workspace === answer.workspace;
  const photo = isSame ? stage.photo : await fetchPhoto(answer);
  if (entering !== entered) return;
  forgetPictures();
  const [width, height] = answer.canvas?.size ?? answer.photo.size;
  // All at once: a hand that is made for the new tools finds the new photo.
  batch(() => {
    stage.open(
      photo,
      { width, height },
      { keepView, isDrawn: Boolean(answer.can?.draw), isOver: !answer.can?.photo },
    );
    workspace.value = answer;
    history.value = answer.history;
    training.value = answer.training;
    candidates.value = NONE_CHOSEN;
    doubts.value = [];
    shown.value = { quality: "none", document: null, milliseconds: null };
  });
  sessionStorage.setItem(WORKSPACE_KEY, answer.workspace);
  document.title = `${answer.name} · photo editor`;
  if (!isSame) photoShown = photoKey();
  await refresh();
  if (["running", "pausing"].includes(answer.training?.state)) followTraining();
}

function forgetPictures() {
  preview.cancel();
  result.cancel();
  working.value = { ...working.value, preview: false, result: false };
  parts.value = null;
  clearTimeout(restTimer);
  drawings.clear();
}

let following = null;

async function followTraining() {
  const id = workspace.value?.workspace;
  if (following === id) return;
  following = id;
  while (workspace.value?.workspace === id && ["running", "pausing"].includes(training.value.state)) {
    try {
      const since = training.value.since;
      const news = await ask("GET", withQuery(path("training"), { since }));
      if (workspace.value?.workspace !== id) break;
      training.value = news;
      await new Promise((resolve) => setTimeout(resolve, LOOK)); // quick steps are not asked for one by one
    } catch (error) {
      if (!(error instanceof Unreachable)) {
        fail(error);
        break;
      }
      fail(error);
      await backAgain();
    }
  }
  following = null;
  if (workspace.value?.workspace !== id) return;
  if (training.value.state === "failed") say(training.value.error ?? "The training failed.", "problem");
  if (["finished", "paused"].includes(training.value.state)) await useTraining(id);
}

/** The session has the trained model now: its tools and its pictures may be others. */
async function useTraining(id) {
  await guarded(async () => {
    while (gestureGoesOn()) await new Promise((resolve) => setTimeout(resolve, LOOK));
    await settled();
    const answer = await ask("GET", `workspaces/${id}`);
    if (workspace.value?.workspace !== id) return;
    const { canvas, tools } = workspace.value;
    if (!canvas || JSON.stringify(answer.tools) !== JSON.stringify(tools)) {
      await enter(answer, { keepView: true });
    } else {
      batch(() => {
        workspace.value = { ...answer, tools }; // a stroke that has begun meanwhile goes on
        if (unsent.value === 0) history.value = answer.history;
      });
      drawings.clear();
      await refresh();
    }
  });
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

function isStale(error) {
  return (error instanceof Refusal && error.status === 409) || isReplaced(error);
}

/** Whether what was asked for is gone because the photo was opened anew meanwhile. */
function isReplaced(error) {
  if (!(error instanceof Refusal) || error.status !== 404) return false;
  const isKnown = history.value.documents.some(({ id }) => id === error.document);
  return error.document !== null && (reopening.isBusy || !isKnown);
}

function fail(error) {
  if (error.name === "AbortError") return;
  if (error instanceof Unreachable) {
    lost();
  } else if (error instanceof Refusal && error.status === 401) {
    connection.value = "locked";
  } else if (error instanceof Refusal && error.content.stale) {
    say("This photo was changed in another tab; your last step was not kept. Here is the newest state.");
  } else if (error instanceof Refusal) {
    say(error.message, "problem");
  } else {
    say(`Something went wrong in the page: ${error.message}`, "problem");
    reportError(error);
  }
}

let waiting = null;

function lost() {
  if (connection.value === "ok") connection.value = "lost";
  backAgain();
}

/** Waits until the server answers again. */
function backAgain() {
  waiting ??= (async () => {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      try {
        server.value = await ask("GET", "state");
        break;
      } catch (error) {
        connection.value = error instanceof Refusal && error.status === 401 ? "locked" : "lost";
      }
    }
    waiting = null;
    connection.value = "ok";
    say("The server is back; nothing was lost.");
    if (unsent.value === 0) refresh();
    if (["running", "pausing"].includes(training.value.state)) followTraining();
  })();
  return waiting;
}
