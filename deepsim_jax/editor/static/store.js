// What the page knows, and what it does with the server. The server is the authority: documents never
// change there, and the page shows what they hold. The page paints ahead while the hand moves.

import { connectServer } from "./store/connection.js";
import { connectPictures, refresh } from "./store/pictures.js";
import { training, unsent } from "./store/state.js";
import { connectSteps } from "./store/steps.js";
import { connectTraining, followTraining, isTraining } from "./store/training.js";
import { connectWorkspaces, reopening, useTraining } from "./store/workspaces.js";

export { guarded } from "./store/connection.js";
export {
  draftOf,
  fetchMask,
  foresee,
  forgetForesight,
  fullResult,
  layerOf,
  pickedCandidate,
  refresh,
  showCandidate,
  showFull,
  stopMaking,
  upload,
} from "./store/pictures.js";
export * from "./store/state.js";
export { act, actWith, addRecipe, finishWork, jump, settled, travel } from "./store/steps.js";
export { train } from "./store/training.js";
export {
  begin,
  closeWorkspace,
  deleteWorkspace,
  openFrom,
  openPhoto,
  openWorkspace,
  refreshState,
  reopening,
} from "./store/workspaces.js";

/**
 * Tells the store where to show pictures, and what it has to know of hands.
 *
 * @param hands {isBusy: whether one is moving, finish: applies what is half done, mayLeave: a promise of whether
 *   the open workspace may be left}
 */
export function connect(shownOn, hands) {
  connectServer(() => reopening.isBusy, goOn);
  connectPictures(shownOn, hands.isBusy);
  connectSteps(hands.finish);
  connectTraining(useTraining);
  connectWorkspaces(shownOn, hands.isBusy, hands.mayLeave);
}

function goOn() {
  if (unsent.value === 0) refresh();
  if (isTraining(training.value.state)) followTraining();
}
