// Whether the server can be asked, and what is said and done where an answer is no good one.

import { Refusal, Unreachable, ask } from "../api.js";
import { connection, history, say, server } from "./state.js";

let isReopening = () => false;
let goOn = () => {};

/**
 * Tells what this has to know of what uses it.
 *
 * @param isBegunAnew whether the photo is being opened anew, so that documents are gone
 * @param whenBack is called when the server answers again
 */
export function connectServer(isBegunAnew, whenBack) {
  isReopening = isBegunAnew;
  goOn = whenBack;
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

/** Whether an error says only that something newer is there. */
export function isStale(error) {
  return (error instanceof Refusal && error.status === 409) || isReplaced(error);
}

/** Whether what was asked for is gone because the photo was opened anew meanwhile. */
function isReplaced(error) {
  if (!(error instanceof Refusal) || error.status !== 404) return false;
  const isKnown = history.value.documents.some(({ id }) => id === error.document);
  return error.document !== null && (isReopening() || !isKnown);
}

/** Says what went wrong. */
export function fail(error) {
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
export function backAgain() {
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
    goOn();
  })();
  return waiting;
}
