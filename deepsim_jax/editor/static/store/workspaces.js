// Opening photos, runs and earlier work, and leaving them.

import { Refusal, ask, withQuery } from "../api.js";
import { Flight } from "../engine/flight.js";
import { batch } from "../vendor/signals.js";
import { fail, guarded } from "./connection.js";
import { fetchPhoto, forgetDrawings, forgetPictures, photoIsShown, refresh } from "./pictures.js";
import {
  NONE_CHOSEN,
  candidates,
  connection,
  doubts,
  history,
  path,
  say,
  server,
  shown,
  training,
  unsent,
  working,
  workspace,
} from "./state.js";
import { finishWork, settled } from "./steps.js";
import { LOOK, followTraining, isTraining } from "./training.js";

const WORKSPACE_KEY = "editor-workspace";

let stage = null;
let gestureGoesOn = () => false;
let mayLeave = async () => true;
let entered = 0; // how many workspaces were opened

/** Tells where a photo is shown, whether a hand is moving, and whether the open workspace may be left. */
export function connectWorkspaces(shownOn, isBusy, askToLeave) {
  stage = shownOn;
  gestureGoesOn = isBusy;
  mayLeave = askToLeave;
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
  if (!isSame) photoIsShown();
  await refresh();
  if (isTraining(answer.training?.state)) followTraining();
}

/** The session has the trained model now: its tools and its pictures may be others. */
export async function useTraining(id) {
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
      forgetDrawings();
      await refresh();
    }
  });
}
