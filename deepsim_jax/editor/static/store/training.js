// Training on the photo that is open.

import { Unreachable, ask, withQuery } from "../api.js";
import { backAgain, fail, guarded } from "./connection.js";
import { path, say, training, workspace } from "./state.js";

export const LOOK = 200; // milliseconds between two looks at a training

let useTraining = async () => {};

/** Tells what is done with a trained model: a function of the workspace's id. */
export function connectTraining(use) {
  useTraining = use;
}

/** Does something with training: "start" (with values), "pause" or "resume". */
export async function train(what, values) {
  await guarded(async () => {
    training.value = await ask("POST", path("training"), { json: { do: what, values } });
    followTraining();
  });
}

/** Whether a training goes on. */
export function isTraining(state) {
  return ["running", "pausing"].includes(state);
}

let following = null;

/** Follows the training of the workspace that is open, until it ends. */
export async function followTraining() {
  const id = workspace.value?.workspace;
  if (following === id) return;
  following = id;
  while (workspace.value?.workspace === id && isTraining(training.value.state)) {
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
