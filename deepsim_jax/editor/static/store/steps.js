// The steps of the document that is open: they are sent one after the other, and nothing is lost of them.

import { Refusal, Unreachable, ask, withQuery } from "../api.js";
import { batch, computed, effect, untracked } from "../vendor/signals.js";
import { backAgain, fail } from "./connection.js";
import { giveUpPictures, refresh } from "./pictures.js";
import {
  NONE_CHOSEN,
  candidates,
  connection,
  current,
  doubts,
  history,
  path,
  say,
  server,
  unsent,
  workspace,
} from "./state.js";

const RETRY = 3000; // milliseconds until it is asked whether there is space again

let line = Promise.resolve(); // actions go one after the other
let finishGesture = () => {};

/** Tells how what is half done is applied. */
export function connectSteps(finish) {
  finishGesture = finish;
}

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
  giveUpPictures();
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

/** Waits until all that was done is on the server. */
export function settled() {
  return line;
}

/** Applies what is half done, and waits until it is on the server. */
export async function finishWork() {
  finishGesture();
  while (unsent.value > 0) await line;
}

async function goTo(position) {
  giveUpPictures();
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
